"""Effects and controls that experiments declare, and the evidence of several seeds for them.

The rule that they follow is told in ``verdicts``.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

Array = np.ndarray
CONFIDENCE = 0.95
_MOST_NEEDED = 100


@dataclass(frozen=True)
class Effect:
    """One measured quantity that a claim predicts, with the size from which it matters.

    ``matters_from`` is the value that must be reached, in the units of the metric; for the
    direction "within" it is the tolerance around the reference (a factor above 1 for ratios).
    Errors: ``ValueError`` if that does not lie in the direction claimed.
    """

    key: str
    """The metric whose values (R,) are analysed."""
    label: str
    matters_from: float
    why: str
    """Why that size: from a paper, or measured on this data, and then with its margin."""
    scale: Literal["ratio", "difference", "share"] = "ratio"
    direction: Literal["above", "below", "within"] = "above"
    reference: float = math.nan
    """The value without an effect; by default 1 for ratios, 0 for the others."""
    part: str = ""
    """Which part of the claim it belongs to; "holds for sigmoid" names the part."""
    trials: int = 1
    """For shares: how many trials each seed's value is the share of."""
    resolution: float = 0.0
    """Distance of neighbouring values that can be measured (a factor for ratios), if coarse."""
    form: str = ".3g"
    lost: str = "diverged or never got there"
    """What is said of the seeds that count as the worst value."""

    def __post_init__(self) -> None:
        if math.isnan(self.reference):
            object.__setattr__(self, "reference", 1.0 if self.scale == "ratio" else 0.0)
        if self.goal <= 0:
            raise ValueError(f"{self.key}: the size that matters lies against the direction.")

    @property
    def goal(self) -> float:
        """The distance from the reference that matters, on the scale of the analysis."""
        if self.direction == "within":
            return (
                self.transformed(self.matters_from)
                if self.scale == "ratio"
                else (self.matters_from)
            )
        return self.sign * (self.transformed(self.matters_from) - self.transformed(self.reference))

    @property
    def sign(self) -> int:
        """1 where larger values favour the claim, -1 where smaller ones do."""
        return -1 if self.direction == "below" else 1

    def transformed(self, value: float) -> float:
        """Return a value on the scale of the analysis."""
        if self.scale != "ratio":
            return value
        return math.log(value) if value > 0 else -math.inf

    def distances(self, values: Array) -> Array:
        """Return how far each seed lies from the reference towards the claim, (R,); lost: -inf."""
        values = np.asarray(values, float)
        if self.scale == "ratio":
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.log(values)
        distances = self.sign * (values - self.transformed(self.reference))
        lost = np.isnan(distances) | (np.isinf(distances) & (self.direction == "within"))
        return np.where(lost, -np.inf, distances)

    def value(self, distance: float) -> float:
        """Return the value, in the units of the metric, that lies at a distance."""
        moved = float(self.transformed(self.reference) + self.sign * distance)
        if self.scale != "ratio":
            return moved
        return math.exp(min(moved, 700.0)) if moved < math.inf else math.inf


@dataclass(frozen=True)
class Control:
    """What must be true of most seeds for a test to mean anything.

    A value passes if it lies between the bounds; NaN does not. The control fails, and with it the
    test, unless more than half of the seeds pass.
    """

    key: str
    """The metric whose values (R,) are checked."""
    label: str
    at_least: float = -math.inf
    at_most: float = math.inf
    part: str = ""
    """The part of the claim that it guards; all parts if empty."""
    form: str = ".3g"

    def passed(self, values: Array) -> Array:
        """Return which seeds pass, (R,)."""
        return (values >= self.at_least) & (values <= self.at_most)


def median(values: Array) -> float:
    """Return the median; where it lies between an infinity and another value, the worse one."""
    ordered = np.sort(np.where(np.isnan(values), -np.inf, values))
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return float((low + high) / 2 if np.isfinite([low, high]).all() else low)
