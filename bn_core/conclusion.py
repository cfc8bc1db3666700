"""What a run shows, in one plain sentence before any table: "So: …", and what changed inside.

Only what the seeds agree on is called a difference: one arm is ahead of another if its worst seed
is ahead of the other's best, by more than the validation data can tell.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bn_core.arm_labels import quoted
from bn_core.conclusion_reasons import what_changed
from bn_core.diagnosis import NetState, alive, chance_limit, diagnose, remaining
from bn_core.factorial import factorial, factorial_words
from bn_core.records import Record

Array = np.ndarray

SMALLEST_DIFFERENCE = 0.02
"""Accuracies closer than this are called alike: seven of the 360 held-out digits."""

DEVIATIONS = 2.0
"""Standard errors of a difference of two accuracies that chance seldom makes."""

REACHED = 0.9
"""Nets that end alike are compared by when they first have this share of that accuracy."""

MOST_NAMED = 3
"""Nets that a clause names one by one; of more it says how many there are."""

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True)
class Outcome:
    """How one arm ended: each seed's validation accuracy, 0 where it diverged."""

    arm: int
    name: str
    accuracy: Array  # (K,)
    best: float  # the highest median at any snapshot
    diverged: int
    state: NetState
    limit: float

    @property
    def median(self) -> float:
        """The median accuracy over the seeds."""
        return float(np.median(self.accuracy))

    @property
    def learned(self) -> int:
        """How many seeds are better than guessing."""
        return int((self.accuracy > self.limit).sum())

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return len(self.accuracy)


def conclude(record: Record) -> str:
    """Return what a record shows in plain words, beginning with "So: "."""
    if record.step == 0 or not record.snapshots:
        return "So: nothing is trained yet; train the nets to see how they differ."
    found = outcomes(record)
    words = f"So: {_verdict(record, found)}.{_parts(record, found)}"
    note = (
        " One seed proves little: train several." if found[0].seeds == 1 and len(found) > 1 else ""
    )
    names = [one.name.replace(_depth_of(record), "") for one in found]
    return f"{words} {what_changed(record, _extremes(found, record), names)}{note}"


def _parts(record: Record, found: Sequence[Outcome]) -> str:
    """Return what the rate does and what the norm, if each net has the one with the other."""
    effects = factorial(record, [one.accuracy for one in found])
    return "" if effects is None else f" {factorial_words(effects)}"


def outcomes(record: Record) -> list[Outcome]:
    """Return how each arm stands at the newest snapshot, in order."""
    states, names = diagnose(record), _names(record)
    return [_outcome(record, arm, names[arm], state) for arm, state in enumerate(states)]


def clearly_ahead(one: Outcome, other: Outcome, examples: int) -> bool:
    """Return whether every seed of one arm beats every seed of another by more than noise.

    Noise: two standard errors of the difference of two shares of N ``examples``,
    2 sqrt(2 p (1 - p) / N), and never below ``SMALLEST_DIFFERENCE``.
    """
    share = (one.median + other.median) / 2
    noise = DEVIATIONS * math.sqrt(2 * share * (1 - share) / max(examples, 1))
    apart = one.median - other.median >= max(noise, SMALLEST_DIFFERENCE)
    return apart and float(one.accuracy.min()) > float(other.accuracy.max())


def _outcome(record: Record, arm: int, name: str, state: NetState) -> Outcome:
    medians, accuracy = [0.0], np.zeros(record.configs[arm].replicas)
    for snapshot in record.snapshots:
        seen, going = snapshot.arms[arm], alive(record, arm, snapshot)
        accuracy = np.zeros(len(going)) if seen is None else seen.validation_accuracy * going
        accuracy = np.nan_to_num(np.asarray(accuracy, np.float64))
        medians.append(float(np.median(accuracy)))
    diverged = len({one.replica for one in record.divergences if one.arm == arm})
    accuracy[[one.replica for one in record.divergences if one.arm == arm]] = 0.0
    limit = chance_limit(record.summary)
    return Outcome(arm, name, accuracy, max(medians), diverged, state, limit)


def _names(record: Record) -> list[str]:
    """Return what each arm is called: its label, or with and without batch norm if that is all."""
    arms = record.comparison.arms
    if [arm.name for arm in arms] in (["none", "before"], ["none", "after"]):
        return [f"the {_depth_of(record)}net without batch norm", "the net with batch norm"]
    return [quoted(arm.label) for arm in arms]


def _depth_of(record: Record) -> str:
    if any(config.is_recurrent for config in record.configs):
        return ""
    return f"{_number(record.comparison.depth)}-layer "


def _verdict(record: Record, found: Sequence[Outcome]) -> str:
    """Return what became of the nets, and once after how many steps.

    That stands at the end, unless steps of their own are named there.
    """
    learned = [one for one in found if one.learned == one.seeds]
    some = [one for one in found if 0 < one.learned < one.seeds]
    never = [one for one in found if one.learned == 0]
    if len(never) == len(found):
        return _none_learned(record, never)
    clauses = [_failed(record, never)] if never else []
    if learned:
        clauses.append(_ranked(record, learned, dated=not some))
    clauses += [_depends_on_the_seed(one) for one in some]
    return "; ".join(clauses) + (_after(record) if some else "")


def _none_learned(record: Record, never: Sequence[Outcome]) -> str:
    if all(one.diverged == one.seeds for one in never):
        who = "every net" if len(never) > 1 else never[0].name
        return f"{who} diverged{_first_step(never)}"
    if len(never) == 1:
        return _failed(record, never)
    if _at_chance(never) == never:
        return f"no net had learned by step {record.step:,} ({_standing(record, never)})"
    return f"no net has learned{_after(record)}: {_failed(record, never)}"


def _failed(record: Record, never: Sequence[Outcome]) -> str:
    """Return what became of the nets that are no better than guessing."""
    gone = [one for one in never if one.diverged == one.seeds]
    rest = _at_chance(never)
    lost = [one for one in never if one not in gone and one not in rest]
    clauses = []
    if rest:
        by = f"had not learned by step {record.step:,}"
        clauses.append(f"{_listed(rest)} {by} ({_standing(record, rest)})")
    clauses += [
        f"{one.name} fell back to chance ({percent(one.median)}, {percent(one.best)} at best)"
        for one in lost
    ]
    if gone:
        clauses.append(f"{_listed(gone)} diverged{_first_step(gone)}")
    return "; ".join(clauses)


def _at_chance(never: Sequence[Outcome]) -> list[Outcome]:
    """Return the nets that have not diverged altogether and were never better than guessing."""
    return [one for one in never if one.diverged < one.seeds and one.best <= one.limit + 0.1]


def _standing(record: Record, rest: Sequence[Outcome]) -> str:
    """Return how many seeds of nets at chance diverged, and where the others stand."""
    chance = f"chance is {percent(1 / max(len(record.summary.classes), 1))}"
    finite = np.concatenate([one.accuracy[one.accuracy > 0] for one in rest])
    said = f"{_between(finite)}, {chance}" if len(finite) else chance
    lost, seeds = sum(one.diverged for one in rest), sum(one.seeds for one in rest)
    if not lost:
        return said
    return f"{lost} of {seeds} seeds diverged; {remaining(seeds - lost, seeds)}: {said}"


def _ranked(record: Record, learned: Sequence[Outcome], *, dated: bool) -> str:
    """Return which of the nets that learned are ahead, and how far the others came.

    ``dated`` says after how many steps.
    """
    when = _after(record) if dated else ""
    examples = record.summary.validation_size
    best = max(learned, key=lambda one: one.median)
    behind = [one for one in learned if clearly_ahead(best, one, examples)]
    leaders = [one for one in learned if one not in behind]
    if len(leaders) == len(learned) > 1:
        return f"{_alike(leaders, when)}{_sooner(record, leaders)}"
    if not behind:
        return f"{best.name} reached {_reached(best)}{when}"
    clauses = [f"{_each(leaders)} did best"]
    if len(leaders) > MOST_NAMED:
        clauses = [f"{_each(leaders)} did best, first {_first_of(leaders)}"]
    if len(behind) <= MOST_NAMED:
        clauses.append(", ".join(f"{one.name} reached {percent(one.median)}" for one in behind))
    else:
        ends = _between(np.array([one.median for one in behind]))
        worst = min(behind, key=lambda one: one.median)
        clauses.append(f"the {_number(len(behind))} nets behind reached {ends}, least {worst.name}")
    return "; ".join(clauses) + when


def _first_of(leaders: Sequence[Outcome]) -> str:
    """Return the best of many nets, as many as are named."""
    return _joined(one.name for one in sorted(leaders, key=lambda one: -one.median)[:MOST_NAMED])


def _alike(found: Sequence[Outcome], when: str) -> str:
    said = _between(np.array([one.median for one in found]))
    who = "both nets" if len(found) == 2 else f"{_number(len(found))} nets"
    if len(found) == 2:
        who = " and ".join(one.name for one in found)
    return f"no clear difference{when or ' in the end'} between {who}: {said}"


def _sooner(record: Record, found: Sequence[Outcome]) -> str:
    """Return which of two nets that end alike was there first, if every seed says so."""
    if len(found) != 2:
        return ""
    target = REACHED * min(one.median for one in found)
    steps = [_steps_to(record, one, target) for one in found]
    order = sorted((0, 1), key=lambda i: float(np.median(steps[i])))
    first, second = (steps[i] for i in order)
    if target <= found[0].limit or not first.max() < second.min():
        return ""
    early, late = (int(np.median(steps)) for steps in (first, second))
    sooner, later = (found[i].name for i in order)
    return f", but {sooner} had {percent(target)} by step {early:,}, {later} by step {late:,}"


def _steps_to(record: Record, one: Outcome, target: float) -> Array:
    """Return the first snapshot's step at which each seed had an accuracy; infinite if never."""
    steps = np.full(one.seeds, np.inf)
    for snapshot in reversed(record.snapshots):
        seen = snapshot.arms[one.arm]
        if seen is not None:
            steps[np.nan_to_num(seen.validation_accuracy) >= target] = snapshot.step
    return steps


def _depends_on_the_seed(one: Outcome) -> str:
    lost = f", {one.diverged} diverged" if one.diverged else ""
    count = f"{one.learned} of {one.seeds} do better than chance{lost} ({_between(one.accuracy)})"
    return f"for {one.name} it depends on the seed: {count}"


def _after(record: Record) -> str:
    if all(
        len({one.replica for one in record.divergences if one.arm == arm}) == config.replicas
        for arm, config in enumerate(record.configs)
    ):
        return ""
    planned = record.comparison.base.steps
    if not record.ending and record.step < planned:
        return f" after {record.step:,} of {planned:,} steps"
    return " after 1 step" if record.step == 1 else f" after {record.step:,} steps"


def _extremes(found: Sequence[Outcome], record: Record) -> tuple[int, int] | None:
    """Return the best and the worst arm if they clearly differ."""
    best = max(found, key=lambda one: (one.median, -one.diverged))
    worst = min(found, key=lambda one: (one.median, -one.diverged))
    apart = clearly_ahead(best, worst, record.summary.validation_size)
    return (best.arm, worst.arm) if apart else None


def _listed(found: Sequence[Outcome]) -> str:
    if len(found) > MOST_NAMED:
        return f"{_number(len(found))} nets"
    return _joined(one.name for one in found)


def _each(found: Sequence[Outcome]) -> str:
    if len(found) > MOST_NAMED:
        return f"{_number(len(found))} nets ({_between(np.array([one.median for one in found]))})"
    return _joined(f"{one.name} ({percent(one.median)})" for one in found)


def _joined(names: Iterable[str]) -> str:
    each = list(names)
    return each[0] if len(each) == 1 else f"{', '.join(each[:-1])} and {each[-1]}"


def _reached(one: Outcome) -> str:
    wide = float(one.accuracy.max() - one.accuracy.min()) > 5 * SMALLEST_DIFFERENCE
    return percent(one.median) + (f" ({_between(one.accuracy)} over the seeds)" if wide else "")


def _first_step(gone: Sequence[Outcome]) -> str:
    steps = [one.state.step for one in gone if one.state.step is not None]
    return f" (from step {min(steps):,} on)" if steps else ""


def _between(shares: Array) -> str:
    """Return "97 %" or "10 to 97 %"."""
    low, high = percent(float(shares.min())), percent(float(shares.max()))
    return low if low == high else f"{low[:-2]} to {high}"


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def percent(share: float) -> str:
    """Return "97 %"; only all is 100 %."""
    return f"{min(round(100 * share), 99) if share < 1 else 100} %"
