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

import numpy as np

from bn_core.experiments.effects import (
    Control,
    Effect,
    estimate,
    interval,
    is_widened,
    kind_of,
    seeds_needed,
)
from bn_core.results import (
    MOST_SEEDS,
    ControlOutcome,
    EffectOutcome,
    PartVerdict,
    Verdict,
    VerdictKind,
    number_words,
)

Array = np.ndarray


def outcome(effect: Effect, values: Array, *, quick: bool = False) -> EffectOutcome:
    """Return the small verdict on one effect, with its interval in numbers and words."""
    values = np.asarray(values, float)
    distances = effect.distances(values)
    kind = kind_of(effect, values, quick=quick)
    low, high = sorted(effect.value(end) for end in interval(effect, values))
    ordered = [_value_of_seed(effect, distance) for distance in np.sort(distances)]
    median = _value_of_seed(effect, estimate(effect, values))
    lost = int((distances == -np.inf).sum())
    measured = _measured(effect, median, (min(ordered), max(ordered)), (low, high), values)
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


def _value_of_seed(effect: Effect, distance: float) -> float:
    """Return the value of a seed; of a lost one the worst: infinite where equality is claimed."""
    lost = distance == -math.inf
    return math.inf if lost and effect.direction == "within" else effect.value(distance)


def _measured(
    effect: Effect,
    median: float,
    ends: tuple[float, float],
    limits: tuple[float, float],
    values: Array,
) -> str:
    seeds = len(values)
    if seeds == 1:
        return f"{_number(effect, median)} with one seed"
    spread, bounds = (" to ".join(_number(effect, one) for one in pair) for pair in (ends, limits))
    over = "share over" if effect.scale == "share" else "median of"
    why = f", {_widened(effect)}" if is_widened(effect, values) else ""
    return (
        f"{_number(effect, median)} ({over} {seeds} seeds; range {spread}; "
        f"95 % interval {bounds}{why})"
    )


def _widened(effect: Effect) -> str:
    """Return why an interval is wider than the seeds differ."""
    step = f"{effect.resolution:.2g}" + (" times" if effect.scale == "ratio" else "")
    return f"which allows for values that can only be measured about {step} apart"


def _number(effect: Effect, value: float) -> str:
    if not math.isfinite(value):
        return "unbounded"
    return f"{value:.0%}" if effect.scale == "share" else number_words(value, effect.form)


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
    summary = _summary(parts) if len(parts) > 1 else ""
    controlled = tuple(found for _, found in checked)
    return Verdict(kind, _overall(summary, parts), settled, parts, controlled, quick, summary)


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


def _overall(summary: str, parts: Sequence[PartVerdict]) -> str:
    """Return the verdict in words: which parts hold and which do not, then the numbers of each."""
    if not summary:
        words = parts[0].words
        return words[0].upper() + words[1:]
    return " ".join([summary, *(f"{part.name}: {part.words}" for part in parts)])


def _summary(parts: Sequence[PartVerdict]) -> str:
    """Return in one sentence which parts hold and which do not."""
    groups: dict[str, list[str]] = {}
    for part in parts:
        open_still = part.kind == "depends" and not part.settled
        groups.setdefault("open" if open_still else part.kind, []).append(part.name)
    said = [f"{words} {_listed(groups[key])}" for key, words in _SAID_OF_PARTS if key in groups]
    sentence = "; ".join(said)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
