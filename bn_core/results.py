"""What a computation results in: plain numbers and arrays that any page, or a notebook, can show.

A computation is a generator that yields ``Progress`` and returns its ``Result``. R counts seeds.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Array = np.ndarray


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


@dataclass(frozen=True)
class Metric:
    """A number for each seed, (R,), with what it means.

    A seed that never arrived or diverged has the worst value, so that the median counts it: plus
    or minus infinity where larger or smaller is worse. NaN is for what was not measured.
    """

    key: str
    label: str
    values: Array
    form: str = ".3g"
    missing: str = "-"
    """What is said where no seed has a number."""
    none: str = ""
    """What is said of seeds whose number is infinite or missing, as in "1 of 3 never reached"."""
    note: str = ""
    """What must be said beside the number."""
    rounding: float = 0.0
    """Values of at most this size are zero to rounding."""

    @property
    def median(self) -> float:
        """The median over the seeds that have a number, infinite ones too; NaN if none has one."""
        finite = self.values[~np.isnan(self.values)]
        with np.errstate(invalid="ignore"):  # the middle of two infinities of opposite sign
            return float(np.median(finite)) if finite.size else float("nan")

    def words(self) -> str:
        """Return the median and the range as text, and how many seeds have no finite number."""
        known = self.values[~np.isnan(self.values)]
        worst = np.isinf(known).sum() if self.none else 0
        lost = len(self.values) - len(known) + int(worst)
        if not known.size or (worst and lost == len(self.values)):
            said = self.missing
        elif len(self.values) == 1:
            said = self._number(self.median)
        else:
            low, high = self._number(known.min()), self._number(known.max())
            said = f"{self._number(self.median)} ({low} to {high})"
            said += f", {lost} of {len(self.values)} {self.none or 'no number'}" if lost else ""
        return f"{said}; {self.note}" if self.note else said

    def _number(self, value: float) -> str:
        if np.isinf(value) and self.none:
            return self.none
        return "zero to rounding" if abs(value) <= self.rounding > 0 else f"{value:{self.form}}"


@dataclass(frozen=True)
class Result:
    """All that a computation shows."""

    panels: tuple[Panel | HeatMaps | Contours, ...] = ()
    measures: tuple[Metric, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Metric:
        """Return a measure by its key. Errors: ``KeyError``."""
        return {measure.key: measure for measure in self.measures}[key]


VerdictKind = Literal["holds", "fails", "depends"]
VERDICT_WORDS = {
    "holds": "Holds here",
    "fails": "Does not hold here",
    "depends": "Depends",
}


@dataclass(frozen=True)
class Verdict:
    """What the measured numbers say about a claim, in words that carry the numbers."""

    kind: VerdictKind
    words: str


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
    parts: tuple[str, ...]
    link: str = ""
    """The query of the same configuration in the Lab; empty where the Lab cannot show it."""
