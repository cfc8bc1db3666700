"""What a computation results in: plain numbers and arrays that any page, or a notebook, can show.

A computation is a generator that yields ``Progress`` and returns its ``Result``. R counts seeds.
"""

from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

Array = np.ndarray

MOST_SEEDS, LAST_FIRST_SEED = 10, 999_999
"""How many seeds an experiment may run with, and the largest of them that may be the first."""


@dataclass(frozen=True)
class Progress:
    """How far a computation is: a share from 0 to 1, in words, and its result so far."""

    share: float
    words: str
    partial: Any = None


TaskGenerator = Generator[Progress, None, Any]


@dataclass(frozen=True)
class Curve:
    """Numbers over x, one row a seed; drawn as the median with the range as a band.

    ``colour`` names a style of the theme: an arm's name, or "neutral-1" to "neutral-4" for what
    is no arm. Without it ``arm`` chooses the style, else ``tone``, a number of the neutral ones.
    A seed that diverged has the worst value there is (infinity for a loss, 0 for an accuracy);
    NaN is for what was not measured.
    """

    label: str
    x: Array  # (T,)
    y: Array  # (R, T)
    arm: str = ""
    tone: int = 0
    kind: Literal["line", "points"] = "line"
    """"points" where nothing was measured between the values of x: no line joins them."""
    faint: bool = False
    colour: str = ""


@dataclass(frozen=True)
class Panel:
    """One pair of axes. ``marks`` are horizontal lines with words; categories name whole x."""

    id: str
    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    help: str = ""
    x_scale: Literal["linear", "log"] = "linear"
    y_scale: Literal["linear", "log"] = "linear"
    y_range: tuple[float, float] | None = None
    marks: tuple[tuple[float, str], ...] = ()
    categories: tuple[str, ...] = ()
    rounding: float = 0.0
    """Values of at most this size are zero to rounding: drawn there, and said to be zero."""


@dataclass(frozen=True)
class HeatMap:
    """A matrix drawn as colours, beside others on the same scale."""

    label: str
    values: Array  # (rows, columns)
    text: tuple[tuple[str, ...], ...] = ()
    """What is written in each cell; nothing where it is empty."""
    words: str = ""
    """What the map shows, for its text alternative; without it the range of its values."""


@dataclass(frozen=True)
class HeatMaps:
    """Heat maps side by side on one scale; ``signed`` centres the colours on zero."""

    id: str
    title: str
    x_label: str
    y_label: str
    fields: tuple[HeatMap, ...]
    unit: str
    help: str = ""
    signed: bool = True
    wide: bool = False
    """Whether it takes the whole width of the page."""
    square: bool = False
    """Whether rows are as high as columns are wide, as in images."""
    scale: bool = True
    """Whether a bar tells which colour is which value."""
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    """What each row and each column is, for the hover text; numbers without it."""
    named: bool = False
    """Whether the cells' text says what they hold and the colours only tell groups apart."""


@dataclass(frozen=True)
class Contours:
    """Lines of equal height over a plane, and paths on it."""

    id: str
    title: str
    x_label: str
    y_label: str
    x: Array  # (X,)
    y: Array  # (Y,)
    heights: Array  # (Y, X)
    curves: tuple[Curve, ...]
    unit: str
    help: str = ""


@dataclass(frozen=True)
class Stage:
    """One step of a computation on a batch: a value for each entry, or one for each unit."""

    name: str
    symbol: str
    words: str
    values: Array  # (N, C) or (1, C)


def number_words(value: float, form: str) -> str:
    """Return a finite number in a form of Python, without a power of ten below 10 million for "g".

    Few digits make "g" write 2,000 as 2e+03, which is slow to read.
    """
    said = f"{value:{form}}"
    powers = form.endswith("g") and "e+0" in said and abs(value) < 1e7
    return f"{float(said):,.0f}" if powers else said


@dataclass(frozen=True)
class Metric:
    """A number for each seed, with what it means; ``values`` is (R,).

    A seed that diverged or never got there has the worst value there is, such as infinity or an
    accuracy of 0, and enters the median. NaN means that a seed has no such number at all.
    """

    key: str
    label: str
    values: Array
    form: str = ".3g"
    missing: str = "no value"
    """What is said of seeds without a finite number."""
    note: str = ""
    """What must be said beside the number."""
    rounding: float = 0.0
    """Values of at most this size are zero to rounding."""

    @property
    def median(self) -> float:
        """The median over the seeds; half way to an infinity is that infinity."""
        known = self.values[~np.isnan(self.values)]
        return float(np.median(known)) if known.size else float("nan")

    def words(self) -> str:
        """Return the median, the range, and how many seeds have no finite number, as text."""
        return f"{self._spread()}; {self.note}" if self.note else self._spread()

    def _spread(self) -> str:
        finite, count = self.values[np.isfinite(self.values)], len(self.values)
        if not finite.size:
            return self.missing
        if count == 1 or ((np.abs(self.values) <= self.rounding).all() and self.rounding > 0):
            return self._number(self.median)
        lost = count - finite.size
        ends = f"{self._number(finite.min())} to {self._number(finite.max())}"
        counted = f"; {lost} of {count}: {self.missing}" if lost else ""
        return f"{self._number(self.median)} ({ends}{counted})"

    def _number(self, value: float) -> str:
        if not np.isfinite(value):
            return self.missing
        if value == 0 and "e" in self.form:
            return "0"
        if abs(value) <= self.rounding > 0:
            return "zero to rounding"
        return number_words(value, self.form)


@dataclass(frozen=True)
class Result:
    """All that a computation shows."""

    panels: tuple[Panel | HeatMaps | Contours, ...] = ()
    metrics: tuple[Metric, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Metric:
        """Return a metric by its key. Errors: ``KeyError``."""
        return {metric.key: metric for metric in self.metrics}[key]


VerdictKind = Literal["holds", "fails", "depends", "untested"]
VERDICT_WORDS = {
    "holds": "Holds here",
    "fails": "Does not hold here",
    "depends": "Depends",
    "untested": "Could not be tested here",
}


@dataclass(frozen=True)
class EffectOutcome:
    """What the seeds say of one effect: median, range and 95 % interval in the metric's units.

    The interval is NaN with one seed. ``lost`` counts seeds that enter as the worst value.
    """

    key: str
    label: str
    part: str
    kind: VerdictKind
    words: str
    scale: str
    direction: str
    median: float
    lowest: float
    highest: float
    low: float
    high: float
    reference: float
    matters_from: float
    why: str
    seeds: int
    lost: int


@dataclass(frozen=True)
class ControlOutcome:
    """Whether a precondition of a test was met, with its numbers in words."""

    key: str
    label: str
    passed: bool
    words: str


@dataclass(frozen=True)
class PartVerdict:
    """What the numbers say about one part of a claim, such as one activation."""

    name: str
    kind: VerdictKind
    settled: bool
    words: str
    effects: tuple[EffectOutcome, ...]


@dataclass(frozen=True)
class Verdict:
    """What the measured numbers say about a claim, in words that carry the numbers."""

    kind: VerdictKind
    words: str
    settled: bool = True
    """Whether every part is decided: a verdict "depends" that is not settled lacks evidence."""
    parts: tuple[PartVerdict, ...] = ()
    controls: tuple[ControlOutcome, ...] = ()
    quick: bool = False
    summary: str = ""
    """Which parts hold and which do not, in one sentence; empty if there is one part."""
    remarks: str = ""
    """Numbers beside the effects that put them in proportion; the end of ``words``."""

    @property
    def headline(self) -> str:
        """The kind in words."""
        if self.kind == "depends" and not self.settled:
            return "Not settled by a quick run" if self.quick else "Not settled yet"
        return VERDICT_WORDS[self.kind]

    def as_list(self) -> list[dict[str, Any]]:
        """Return every effect and control as plain values, for machines."""
        effects = [asdict(effect) for part in self.parts for effect in part.effects]
        return effects + [asdict(control) for control in self.controls]


@dataclass(frozen=True)
class ExperimentSpec:
    """An experiment in words: what is claimed, by whom, how it is tested."""

    slug: str
    title: str
    claim: str
    source: str
    claims: tuple[int, ...]
    """The numbers of the claims it tests."""
    question: str
    """What the reader predicts before the run."""
    answers: tuple[str, ...]
    method: str
    formula: str
    """How the measure is computed, in TeX."""
    paper_found: str
    disagreement: str
    """What it means if this run and the paper disagree."""
    shards: tuple[str, ...]
    """What runs at once, each in a worker of its own; they are put together in the end."""
    link: str = ""
    """The query of the same configuration in the Lab; empty where the Lab cannot show it."""
