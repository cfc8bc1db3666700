"""A run in a table and in sentences: nothing that the record does not hold."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from bn_core.arm_labels import quoted
from bn_core.diagnosis import divergence_steps, remaining
from bn_core.figures import record_queries as queries
from bn_core.figures.curves import last_losses
from bn_core.records import Divergence, Record

Array = np.ndarray

_LARGE = 1e5


@dataclass(frozen=True)
class Range:
    """The median, lowest and highest value over an arm's seeds; NaN before there are any.

    A seed that diverged counts as the worst: an infinite loss, an accuracy of 0. ``left`` holds
    the lowest and the highest value of the seeds that have not diverged.
    """

    median: float
    low: float
    high: float
    diverged: int = 0
    seeds: int = 1
    left: tuple[float, float] = (np.nan, np.nan)

    def words(self, form: str, large_form: str = ".2e") -> str:
        """Return "0.50 (0.40 to 0.60)", and how many seeds diverged; large numbers in powers.

        Of seeds that diverged none has a number, so that those of the others follow by themselves:
        "1 of 3 diverged; the other 2: 0.50 to 0.60".
        """
        if self.diverged == self.seeds:
            return "diverged"
        if np.isnan(self.median):
            return "-"
        if self.diverged:
            return f"{self.diverged} of {self.seeds} diverged; {self._others(form, large_form)}"
        said, ends = self._number(self.median, form, large_form), self._ends(form, large_form)
        return said if len(ends) == 1 else f"{said} ({' to '.join(ends)})"

    def _others(self, form: str, large_form: str) -> str:
        """Return the numbers of the seeds that have not diverged."""
        who = remaining(self.seeds - self.diverged, self.seeds)
        return f"{who}: {' to '.join(self._ends(form, large_form))}"

    def _ends(self, form: str, large_form: str) -> list[str]:
        """Return the lowest and the highest number, once where they read alike."""
        values = self.left if self.diverged else (self.low, self.high)
        ends = [self._number(value, form, large_form) for value in values]
        return ends[:1] if ends[0] == ends[1] else ends

    @staticmethod
    def _number(value: float, form: str, large_form: str) -> str:
        if np.isnan(value):
            return "no number"
        return f"{value:{large_form if value >= _LARGE else form}}".replace("%", " %")


@dataclass(frozen=True)
class SummaryRow:
    """One arm's results so far. Losses are in nats, accuracy is a share of 1."""

    arm: str
    label: str
    train_loss: Range
    validation_loss: Range
    validation_accuracy: Range
    milliseconds_per_step: float
    finite_seeds: int
    seeds: int
    state: str


def rows(record: Record) -> list[SummaryRow]:
    """Return one row for each arm, from the newest snapshot and the last steps of its curve."""
    snapshot, losses = queries.snapshot_at(record, None), last_losses(record, record.step)
    found = []
    for i, arm in enumerate(record.comparison.arms):
        alive = _alive(record, i)
        seen = snapshot.arms[i]
        nothing = np.full(len(alive), np.nan)
        validation = seen.validation_loss if seen else nothing
        accuracy = seen.validation_accuracy if seen else nothing
        lost = ~np.isfinite(validation) if seen else ~alive
        found.append(
            SummaryRow(
                arm=arm.name,
                label=arm.label,
                train_loss=_range(losses[i], ~alive, np.inf),
                validation_loss=_range(validation, lost | ~alive, np.inf),
                validation_accuracy=_range(accuracy, lost | ~alive, 0.0),
                milliseconds_per_step=_milliseconds(record, i),
                finite_seeds=int(alive.sum()),
                seeds=len(alive),
                state=_state(record, i),
            )
        )
    return found


def ending_words(record: Record) -> str:
    """Return in plain words how the run ended, or how far it is, and where nets diverged."""
    planned, step = record.comparison.base.steps, record.step
    ending = record.ending
    if ending is None:
        first = f"{step:,} of {planned:,} steps trained."
    else:
        why = f": {ending.why.rstrip('.')}" if ending.why else ""
        first = {
            "finished": f"Finished: {_going(record)} trained for {_steps(ending.step)}.",
            "stopped": f"Stopped after {_steps(ending.step)} of {planned:,}{why}.",
            "diverged": f"Ended at step {ending.step:,}: every net has diverged.",
            "failed": f"Failed after {_steps(ending.step)}{why}.",
        }[ending.kind]
    return " ".join([first, *_divergence_sentences(record)])


def _divergence_sentences(record: Record) -> list[str]:
    """Return one sentence for each arm of which a seed has diverged, however many have."""
    by_arm = {
        arm: [one for one in record.divergences if one.arm == arm]
        for arm in range(len(record.comparison.arms))
    }
    return [_divergence_words(record, arm, lost) for arm, lost in by_arm.items() if lost]


def _divergence_words(record: Record, arm: int, lost: list[Divergence]) -> str:
    label, when = record.comparison.arms[arm].label, divergence_steps(record, arm)
    if len(lost) == 1:
        who = f"seed {queries.seed(record, lost[0].replica)}"
    else:
        who = f"{len(lost)} of {record.comparison.base.replicas} seeds"
    # Each cause once, the most frequent first.
    causes = Counter(f"{_layer_words(record, one)} (its {one.what})" for one in lost)
    where = " or ".join(cause for cause, _ in causes.most_common())
    return f"{label}: {who} diverged at {when}; {where} went non-finite first."


def _layer_words(record: Record, one: Divergence) -> str:
    config = record.configs[one.arm]
    return "the output layer" if one.layer > config.depth else f"{config.layer_word} {one.layer}"


def _going(record: Record) -> str:
    labels = [
        quoted(arm.label)
        for i, arm in enumerate(record.comparison.arms)
        if queries.divergence_of(record, i) is None
    ]
    return (
        " and ".join([", ".join(labels[:-1]), labels[-1]] if len(labels) > 1 else labels) or "none"
    )


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count:,} steps"


def _alive(record: Record, arm: int) -> Array:
    """Return which of an arm's replicas have not diverged, (K,)."""
    alive = np.ones(record.comparison.base.replicas, bool)
    alive[[one.replica for one in record.divergences if one.arm == arm]] = False
    return alive


def _range(values: Array, lost: Array, worst: float) -> Range:
    """Return the range of values, (K,), in which lost seeds have the worst value there is."""
    counted = np.where(lost, worst, values)
    low, high = queries.extremes(counted, 0)
    left = queries.extremes(np.where(lost, np.nan, values), 0)
    median = float(queries.median(counted, 0))
    ends = (float(left[0]), float(left[1]))
    return Range(median, float(low), float(high), int(lost.sum()), len(lost), ends)


def _milliseconds(record: Record, arm: int) -> float:
    """Return the mean time of the steps an arm took; NaN before the first."""
    taken = queries.divergence_of(record, arm) or record.step
    return 1000 * float(record.seconds[arm]) / taken if taken and len(record.seconds) else np.nan


def _state(record: Record, arm: int) -> str:
    if queries.divergence_of(record, arm) is not None:
        return f"diverged at {divergence_steps(record, arm)}"
    kind = record.ending.kind if record.ending else "training"
    words = {"training": "training" if record.step else "not trained yet"}.get(kind, kind)
    lost = int((~_alive(record, arm)).sum())
    return f"{words}; {lost} of {len(_alive(record, arm))} seeds diverged" if lost else words
