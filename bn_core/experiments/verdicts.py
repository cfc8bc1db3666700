"""How measured numbers become a verdict: one rule for every experiment.

An experiment declares its effects and its controls; both name a metric of the result that has one
value per seed (R,). Each effect is analysed on a scale on which seeds add up: a ratio by its
logarithm, a difference or a share as it is.

The rule, for an effect with a reference value (no effect) and a size that matters:

- It **holds** if the 95 % interval lies beyond the reference, in the direction claimed, and the
  median over the seeds (for shares: the share over all seeds) reaches the size that matters.
- It **fails** if the interval lies short of the size that matters: reversed, absent or too small.
- Everything else is not settled, and the words say what is missing.
- One seed has no interval and settles nothing. A failed control makes the verdict "untested".

For the direction "within" the claim is that a value equals the reference up to a tolerance: it
holds if the interval lies inside the tolerance and fails if it lies outside.

The interval is Student's t for the mean over seeds; for shares it is Clopper and Pearson's, of the
successes of all seeds together. Values that are not finite are never left out:

- NaN, and the infinity against the claim, are the worst value there is: the interval is unbounded
  on that side, so the effect cannot hold. If they are more than half of the seeds the effect
  fails; otherwise the other end of the interval is that of the remaining seeds.
- The infinity in favour of the claim enters the interval as the largest finite value of the other
  seeds, which it exceeds; if there is none, the interval is that infinity.

A quick run never fails an effect, and supports it only if the whole interval reaches the size
that matters: otherwise it says that a full run has to settle it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import betaincinv, stdtrit

from bn_core.results import (
    ControlOutcome,
    EffectOutcome,
    PartVerdict,
    Verdict,
    VerdictKind,
)

Array = np.ndarray
CONFIDENCE = 0.95
MOST_SEEDS = 10
"""The largest number of seeds that a reader may ask for."""
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
        """Return how far each seed lies from the reference towards the claim, (R,); -inf: lost."""
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
        bounds = [f"at least {self.at_least:{self.form}}"] if self.at_least > -math.inf else []
        bounds += [f"at most {self.at_most:{self.form}}"] if self.at_most < math.inf else []
        words = (
            f"{self.label}: {_middle(np.asarray(values, float)):{self.form}}, and "
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
    finite = distances[np.isfinite(distances)]
    worst = int((distances == -np.inf).sum())
    if 2 * worst > len(distances):
        return -math.inf, -math.inf
    if (distances == np.inf).any():
        if not worst and not finite.size:
            return math.inf, math.inf
        best = np.full(int((distances == np.inf).sum()), finite.max(initial=-np.inf))
        finite = np.concatenate([finite, best[np.isfinite(best)]])
    if len(finite) < 2:
        return -math.inf, math.inf
    low, high = student_interval(finite, _rounding(effect))
    if not worst:
        return low, high
    return -math.inf, math.inf if effect.direction == "within" else high


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
        return _middle(effect.distances(values))
    return float(effect.sign * (_pooled(effect, values).mean() - effect.reference))


def kind_of(effect: Effect, values: Array, *, quick: bool = False) -> VerdictKind:
    """Return what the values (R,) of one effect say, by the rule of this module."""
    low, high = interval(effect, values)
    goal, median = effect.goal, estimate(effect, values)
    if math.isnan(low):
        return "depends"
    if effect.direction == "within":
        holds, fails = low >= -goal and high <= goal, low > goal or high < -goal
    else:
        fails = high < goal
        reached = low >= goal if quick else median >= goal
        # A skewed sample can have its median beyond the size and its mean surely short of it.
        holds, fails = low > 0 and reached and not fails, fails and median < goal
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


def outcome(effect: Effect, values: Array, *, quick: bool = False) -> EffectOutcome:
    """Return the small verdict on one effect, with its interval in numbers and words."""
    values = np.asarray(values, float)
    distances = effect.distances(values)
    kind = kind_of(effect, values, quick=quick)
    low, high = sorted(effect.value(end) for end in interval(effect, values))
    ordered = [effect.value(distance) for distance in np.sort(distances)]
    median = effect.value(estimate(effect, values))
    lost = int((distances == -np.inf).sum())
    measured = _measured(effect, median, (min(ordered), max(ordered)), (low, high), len(values))
    counted = f" {lost} of {len(values)} {effect.lost} and count as the worst." if lost else ""
    words = f"{effect.label}: {measured}; {_conclusion(effect, values, kind, quick)}.{counted}"
    return EffectOutcome(
        key=effect.key,
        label=effect.label,
        part=effect.part,
        kind=kind,
        words=words,
        scale=effect.scale,
        direction=effect.direction,
        median=median,
        lowest=min(ordered),
        highest=max(ordered),
        low=low,
        high=high,
        reference=effect.reference,
        matters_from=effect.matters_from,
        why=effect.why,
        seeds=len(values),
        lost=lost,
    )


def _measured(
    effect: Effect,
    median: float,
    ends: tuple[float, float],
    limits: tuple[float, float],
    seeds: int,
) -> str:
    if seeds == 1:
        return f"{_number(effect, median)} with one seed"
    spread, bounds = (" to ".join(_number(effect, one) for one in pair) for pair in (ends, limits))
    over = "share over" if effect.scale == "share" else "median of"
    return (
        f"{_number(effect, median)} ({over} {seeds} seeds; range {spread}; 95 % interval {bounds})"
    )


def _number(effect: Effect, value: float) -> str:
    if not math.isfinite(value):
        return "unbounded"
    return f"{value:.0%}" if effect.scale == "share" else f"{value:{effect.form}}"


def _asked(effect: Effect) -> str:
    size = _number(effect, effect.matters_from)
    times = " times" if effect.scale == "ratio" else ""
    match effect.direction:
        case "above":
            return f"at least {size}{times}"
        case "below":
            return f"at most {size}{times}"
        case _:
            around = _number(effect, effect.reference)
            return f"{around} {'within a factor of' if times else 'to within'} {size}"


def _conclusion(effect: Effect, values: Array, kind: VerdictKind, quick: bool) -> str:
    if kind == "holds":
        return f"{_asked(effect)} was asked"
    low, high = interval(effect, values)
    if kind == "fails":
        return f"{_shortfall(effect, low, high)}, where {_asked(effect)} matters"
    if math.isnan(low):
        return f"one seed settles nothing; {_asked(effect)} matters"
    return f"not settled: {_missing(effect, values, quick)}"


def _shortfall(effect: Effect, low: float, high: float) -> str:
    if effect.direction == "within":
        return "it lies outside"
    if high == -math.inf:
        return "most seeds never showed it"
    if high < 0:
        return "the reverse"
    return "in that direction, but too small" if low > 0 else "no effect beyond chance"


def _missing(effect: Effect, values: Array, quick: bool) -> str:
    if quick and kind_of(effect, values) != "depends":
        return f"a full run has to show whether it is {_asked(effect)}"
    middle = estimate(effect, values)
    if (effect.distances(values) == -np.inf).any():
        return "the seeds that were lost leave it open"
    if effect.direction == "within":
        found = f"{_asked(effect)} was asked"
    elif middle <= 0:
        found = f"not in the direction claimed, but it may be; {_asked(effect)} matters"
    elif middle < effect.goal:
        found = f"right direction, {_number(effect, effect.value(middle))} instead of "
        found += _asked(effect)
    else:
        found = "large enough, but the seeds differ too much"
    return f"{found}; {_needed(seeds_needed(effect, values))}"


def _needed(seeds: int) -> str:
    if not seeds:
        return "more seeds alone may not settle it"
    beyond = f", more than the {MOST_SEEDS} that can be run" if seeds > MOST_SEEDS else ""
    return f"about {seeds} seeds would settle it{beyond}"


def decide(
    effects: Sequence[Effect],
    controls: Sequence[Control],
    values: Mapping[str, Array],
    *,
    quick: bool = False,
) -> Verdict:
    """Return the verdict on a claim from the values (R,) of its effects and controls, by key.

    Errors: ``KeyError`` if one of them was not measured.
    """
    checked = [(control, control.outcome(values[control.key])) for control in controls]
    failed = [(control.part, found) for control, found in checked if not found.passed]
    parts = tuple(
        _part_verdict(
            part,
            [outcome(e, values[e.key], quick=quick) for e in effects if e.part == part],
            [found for guarded, found in failed if guarded in ("", part)],
        )
        for part in dict.fromkeys(effect.part for effect in effects)
    )
    kind, settled = _combined([part.kind for part in parts], [part.settled for part in parts])
    return Verdict(
        kind, _overall(parts), settled, parts, tuple(found for _, found in checked), quick
    )


def _part_verdict(
    part: str, outcomes: Sequence[EffectOutcome], failed: Sequence[ControlOutcome]
) -> PartVerdict:
    if failed:
        why = "; ".join(control.words for control in failed)
        return PartVerdict(part, "untested", True, f"could not be tested here: {why}.", ())
    kinds: list[VerdictKind] = [one.kind for one in outcomes]
    kind, settled = _combined(kinds, [one != "depends" for one in kinds])
    return PartVerdict(part, kind, settled, " ".join(one.words for one in outcomes), (*outcomes,))


def _combined(kinds: Sequence[VerdictKind], settled: Iterable[bool]) -> tuple[VerdictKind, bool]:
    """Return one kind for several: the common one if they agree; else it depends."""
    agreed = set(kinds)
    return (kinds[0] if len(agreed) == 1 else "depends"), all(settled)


_SAID_OF_PARTS = (
    ("holds", "holds for"),
    ("fails", "not for"),
    ("depends", "in part for"),
    ("open", "not settled for"),
    ("untested", "could not be tested for"),
)


def _overall(parts: Sequence[PartVerdict]) -> str:
    """Return the verdict in words: which parts hold and which do not, then the numbers of each."""
    if len(parts) == 1:
        words = parts[0].words
        return words[0].upper() + words[1:]
    groups: dict[str, list[str]] = {}
    for part in parts:
        open_still = part.kind == "depends" and not part.settled
        groups.setdefault("open" if open_still else part.kind, []).append(part.name)
    said = [f"{words} {_listed(groups[key])}" for key, words in _SAID_OF_PARTS if key in groups]
    sentence = "; ".join(said)
    details = " ".join(f"{part.name}: {part.words}" for part in parts)
    return f"{sentence[0].upper()}{sentence[1:]}. {details}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _middle(values: Array) -> float:
    """Return the median; where it lies between an infinity and another value, the worse one."""
    ordered = np.sort(np.where(np.isnan(values), -np.inf, values))
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return float((low + high) / 2 if np.isfinite([low, high]).all() else low)
