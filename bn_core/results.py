"""What a study finds: plain numbers and arrays that any page, or a notebook, can show.

A study is a generator that yields ``Progress`` and returns its finding. R counts seeds.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Progress:
    """How far a study is: a share from 0 to 1, in words, and what it has found so far."""

    share: float
    words: str
    partial: Any = None


TaskGenerator = Generator[Progress, None, Any]


@dataclass(frozen=True)
class Curve:
    """Numbers over x, one row a seed; drawn as the median with the range as a band.

    ``arm`` names an arm whose colour the curve has; ``tone`` tells apart curves without an arm.
    """

    label: str
    x: Array  # (T,)
    y: Array  # (R, T); NaN where there is nothing
    arm: str = ""
    tone: int = 0
    kind: Literal["line", "points"] = "line"
    faint: bool = False


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


@dataclass(frozen=True)
class HeatMap:
    """A matrix drawn as colours, beside others on the same scale."""

    label: str
    values: Array  # (rows, columns)
    text: tuple[tuple[str, ...], ...] = ()
    """What is written in each cell; nothing where it is empty."""


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
    """A number for each seed, with what it means; ``values`` is (R,)."""

    key: str
    label: str
    values: Array
    form: str = ".3g"
    missing: str = "-"
    """What is said where no seed has a number."""

    @property
    def median(self) -> float:
        """The median over the seeds; NaN counts as the worst only if all are NaN."""
        finite = self.values[~np.isnan(self.values)]
        return float(np.median(finite)) if finite.size else float("nan")

    def words(self) -> str:
        """Return the median and the range as text."""
        finite = self.values[~np.isnan(self.values)]
        if not finite.size:
            return self.missing
        if len(self.values) == 1:
            return f"{self.median:{self.form}}"
        low, high = finite.min(), finite.max()
        return f"{self.median:{self.form}} ({low:{self.form}} to {high:{self.form}})"


@dataclass(frozen=True)
class Result:
    """All that a study shows."""

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
