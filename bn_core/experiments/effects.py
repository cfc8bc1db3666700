"""Effects and controls that experiments declare, and the evidence of several seeds for them.

The rule that they follow is told in ``verdicts``.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import betaincinv, stdtrit

from bn_core.results import ControlOutcome, VerdictKind, number_words

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

    def outcome(self, values: Array) -> ControlOutcome:
        """Return whether the control is met, with its numbers in words."""
        passed = self.passed(np.asarray(values, float))
        low, high, middle = (
            number_words(value, self.form)
            for value in (self.at_least, self.at_most, median(np.asarray(values, float)))
        )
        bounds = [f"at least {low}"] if self.at_least > -math.inf else []
        bounds += [f"at most {high}"] if self.at_most < math.inf else []
        words = (
            f"{self.label}: {middle}, and "
            f"{' and '.join(bounds)} is needed ({passed.sum()} of {len(passed)} seeds)"
        )
        return ControlOutcome(self.key, self.label, bool(passed.sum() * 2 > len(passed)), words)


def student_interval(values: Array, least_spread: float = 0.0) -> tuple[float, float]:
    """Return the 95 % interval of a mean, mean ± t s / sqrt(n), of values (n,), n > 1.

    ``least_spread`` is a lower bound for the standard deviation s, where values are rounded.
    """
    mean, count = float(values.mean()), len(values)
    spread = max(float(values.std(ddof=1)), least_spread)
    half = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * spread / math.sqrt(count)
    return mean - half, mean + half


def share_interval(successes: float, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a probability. Source: Clopper & Pearson 1934."""
    tail = (1 - CONFIDENCE) / 2
    low = betaincinv(successes, trials - successes + 1, tail) if successes > 0 else 0.0
    high = betaincinv(successes + 1, trials - successes, 1 - tail) if successes < trials else 1.0
    return float(low), float(high)


def interval(effect: Effect, values: Array) -> tuple[float, float]:
    """Return the interval as distances from the reference, low and high; NaN for one seed."""
    distances = effect.distances(values)
    if len(distances) < 2:
        return math.nan, math.nan
    if effect.scale == "share":
        return _share_distances(effect, np.asarray(values, float))
    worst = int((distances == -np.inf).sum())
    if 2 * worst > len(distances):
        return -math.inf, -math.inf
    finite = _bounded(distances)
    if not worst and not finite.size:
        return math.inf, math.inf
    if len(finite) < 2:
        return -math.inf, math.inf
    low, high = student_interval(finite, _rounding(effect))
    if not worst:
        return low, high
    return -math.inf, math.inf if effect.direction == "within" else high


def _bounded(distances: Array) -> Array:
    """Return the finite distances; the infinity in favour counts as the largest of them."""
    finite = distances[np.isfinite(distances)]
    best = np.full(int((distances == np.inf).sum()), finite.max(initial=-np.inf))
    return np.concatenate([finite, best[np.isfinite(best)]])


def is_widened(effect: Effect, values: Array) -> bool:
    """Return whether the resolution, and not the seeds' spread, sets the width of the interval."""
    if effect.scale == "share" or not np.isfinite(interval(effect, values)).any():
        return False
    return float(_bounded(effect.distances(values)).std(ddof=1)) < _rounding(effect)


def _rounding(effect: Effect) -> float:
    """Return the standard deviation that rounding to the resolution causes."""
    ratio = effect.scale == "ratio" and effect.resolution
    step = math.log(effect.resolution) if ratio else effect.resolution
    return step / math.sqrt(12)


def _pooled(effect: Effect, values: Array) -> Array:
    return np.where(np.isnan(values), 1.0 if effect.sign < 0 else 0.0, values)


def _share_distances(effect: Effect, values: Array) -> tuple[float, float]:
    successes = _pooled(effect, values).sum() * effect.trials
    low, high = share_interval(round(float(successes)), len(values) * effect.trials)
    ends = [effect.sign * (end - effect.reference) for end in (low, high)]
    return min(ends), max(ends)


def estimate(effect: Effect, values: Array) -> float:
    """Return the distance of the effect from its reference: of the median, or the pooled share."""
    if effect.scale != "share":
        return median(effect.distances(values))
    return float(effect.sign * (_pooled(effect, values).mean() - effect.reference))


def kind_of(effect: Effect, values: Array, *, quick: bool = False) -> VerdictKind:
    """Return what the values (R,) of one effect say, by the rule of this module."""
    low, high = interval(effect, values)
    goal, size = effect.goal, estimate(effect, values)
    if math.isnan(low):
        return "depends"
    if effect.direction == "within":
        holds, fails = low >= -goal and high <= goal, low > goal or high < -goal
    else:
        fails = high < goal
        reached = low >= goal if quick else size >= goal
        # A skewed sample can have its median beyond the size and its mean surely short of it.
        holds, fails = low > 0 and reached and not fails, fails and size < goal
    if holds:
        return "holds"
    return "fails" if fails and not quick else "depends"


def seeds_needed(effect: Effect, values: Array) -> int:
    """Return how many seeds of the same mean and spread would settle the effect; 0 if too many."""
    distances = effect.distances(values)
    if len(distances) < 2 or effect.scale == "share" or not np.isfinite(distances).all():
        return 0
    mean, spread = distances.mean(), max(distances.std(ddof=1), _rounding(effect))
    for count in range(len(distances) + 1, _MOST_NEEDED + 1):
        half = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * spread / math.sqrt(count)
        low, high = mean - half, mean + half
        if effect.direction == "within":
            inside, outside = -effect.goal <= low <= high <= effect.goal, low > effect.goal
            settled = inside or outside or high < -effect.goal
        else:
            settled = high < effect.goal or (low > 0 and mean >= effect.goal)
        if settled:
            return count
    return 0


def median(values: Array) -> float:
    """Return the median; where it lies between an infinity and another value, the worse one."""
    ordered = np.sort(np.where(np.isnan(values), -np.inf, values))
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return float((low + high) / 2 if np.isfinite([low, high]).all() else low)
