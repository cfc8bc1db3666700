"""How the quantities that conditions name are measured from the evidence.

Over seeds a quantity is the median; a seed that diverged counts as the worst: an accuracy of 0, an
infinite loss. A measure returns None as long as nothing is there to measure. L layers, K seeds.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from bn_core.config import SETTINGS
from bn_core.diagnosis import diagnose, middle, remaining
from bn_core.figures import record_queries as queries
from bn_core.lessons.evidence import Evidence
from bn_core.records import SITES, Record

Array = np.ndarray
Value = float | str

BEST, WORST = "best", "worst"
"""Instead of a net: the one with the highest or lowest median accuracy of the run."""


def arm_index(record: Record, name: str) -> int | None:
    """Return which arm of a record a net's name means; None if none or several could be meant."""
    names = [arm.name for arm in record.comparison.arms]
    if name in (BEST, WORST):
        medians = [float(np.median(last_accuracies(record, arm))) for arm in range(len(names))]
        return int(np.argmax(medians) if name == BEST else np.argmin(medians))
    if name in names:
        return names.index(name)
    kin = [i for i, arm in enumerate(record.comparison.arms) if arm.registered_name == name]
    return kin[0] if len(kin) == 1 else None


def last_accuracies(record: Record, arm: int) -> Array:
    """Return each seed's validation accuracy at the newest snapshot, (K,); 0 if it diverged."""
    found = queries.accuracies(record, arm)
    last = np.nan_to_num(found[-1]) if len(found) else np.zeros(record.configs[arm].replicas)
    last[[one.replica for one in record.divergences if one.arm == arm]] = 0.0
    return last


Measure = Callable[..., float | None]


def _of_net(measured: Callable[..., float]) -> Measure:
    """Return a measure of the evidence made from one of a record and an arm's index."""

    def of_evidence(evidence: Evidence, net: str, *more: float) -> float | None:
        record = evidence.trained
        if record is None or not record.snapshots:
            return None
        arm = arm_index(record, net)
        found = math.nan if arm is None else measured(record, arm, *more)
        return None if math.isnan(found) else found

    return of_evidence


def _steps_to(record: Record, arm: int, share: float) -> float:
    """Return the first snapshot's step at which the median accuracy reaches a share; or inf."""
    medians = np.median(np.nan_to_num(queries.accuracies(record, arm)), axis=1)
    reached = np.flatnonzero(medians >= share)
    return float(record.snapshots[reached[0]].step) if len(reached) else math.inf


def _training_losses(record: Record, arm: int) -> Array:
    """Return each seed's mean training loss of the last tenth of the steps, (K,)."""
    last = record.train_loss[-max(record.step // 10, 1) :, arm]  # (T, K)
    return np.where(np.isfinite(last), last, np.inf).mean(axis=0)


def _validation_losses(record: Record, arm: int) -> Array:
    last = queries.validation_losses(record, arm)[-1].copy()
    last[[one.replica for one in record.divergences if one.arm == arm]] = np.inf
    return last


def _diverged(record: Record, arm: int) -> float:
    return float(len({one.replica for one in record.divergences if one.arm == arm}))


def _layers(record: Record, arm: int, snapshot: int, field: str) -> Array:
    """Return the median over finite seeds of a field of every layer, (L,); empty without any."""
    seen = record.snapshots[snapshot].arms[arm]
    if seen is None:
        return np.zeros(0)
    values = seen.std[:, SITES.index("pre_activation")] if field == "std" else getattr(seen, field)
    return middle(values)


def _gradient_ratio(record: Record, arm: int, snapshot: int) -> float:
    """Return ||grad W_1|| / ||grad W_L||, of the first and the last hidden layer."""
    lengths = _layers(record, arm, snapshot, "gradient_norm")
    if len(lengths) < 2 or not lengths[-2] > 0:
        return math.nan
    return float(lengths[0] / lengths[-2])


def _largest(record: Record, arm: int, field: str) -> float:
    found = _layers(record, arm, -1, field)
    return float(np.max(found)) if len(found) else math.nan


def _first_spread(record: Record, arm: int, layer: float) -> float:
    found = _layers(record, arm, 0, "std")
    return float(found[int(layer) - 1]) if 1 <= layer <= len(found) else math.nan


accuracy = _of_net(lambda record, arm: float(np.median(last_accuracies(record, arm))))
lowest_accuracy = _of_net(lambda record, arm: float(last_accuracies(record, arm).min()))
highest_accuracy = _of_net(lambda record, arm: float(last_accuracies(record, arm).max()))
steps_to = _of_net(_steps_to)
training_loss = _of_net(lambda record, arm: float(np.median(_training_losses(record, arm))))
validation_loss = _of_net(lambda record, arm: float(np.median(_validation_losses(record, arm))))
diverged = _of_net(_diverged)
dead = _of_net(lambda record, arm: _largest(record, arm, "dead"))
saturated = _of_net(lambda record, arm: _largest(record, arm, "saturated"))
gradient_ratio = _of_net(lambda record, arm: _gradient_ratio(record, arm, -1))
first_gradient_ratio = _of_net(lambda record, arm: _gradient_ratio(record, arm, 0))
first_spread = _of_net(_first_spread)


_BY_SEED: Mapping[str, Callable[[Record, int], Array]] = {
    "accuracy": last_accuracies,
    "lowest accuracy": last_accuracies,
    "highest accuracy": last_accuracies,
    "training loss": _training_losses,
    "validation loss": _validation_losses,
}
"""Quantities of which a seed that diverged has none, with those of each seed."""


def divergence_words(
    evidence: Evidence, quantity: str, net: str, written: Callable[[float], str]
) -> str:
    """Return "2 of 3 seeds diverged, the third: 10 %"; nothing if all seeds have the quantity."""
    record = evidence.trained
    arm = arm_index(record, net) if record is not None and record.snapshots else None
    if record is None or arm is None or quantity not in _BY_SEED:
        return ""
    lost = {one.replica for one in record.divergences if one.arm == arm}
    seeds = record.configs[arm].replicas
    if not lost or len(lost) == seeds:
        return "diverged" if lost else ""
    values = np.delete(_BY_SEED[quantity](record, arm), sorted(lost))
    ends = dict.fromkeys((written(float(values.min())), written(float(values.max()))))
    others = remaining(seeds - len(lost), seeds)
    return f"{len(lost)} of {seeds} seeds diverged, {others}: {' to '.join(ends)}"


def trained_steps(evidence: Evidence) -> float | None:
    """Return how many steps have been trained."""
    return None if evidence.record is None else float(evidence.record.step)


def ending(evidence: Evidence) -> str | None:
    """Return why the run is over, such as "finished"; None while it goes on."""
    record = evidence.trained
    return record.ending.kind if record is not None and record.ending is not None else None


def state(evidence: Evidence, net: str) -> str | None:
    """Return the kind of a net's diagnosis, such as "dead"."""
    record = evidence.trained
    arm = None if record is None else arm_index(record, net)
    return None if record is None or arm is None else diagnose(record)[arm].kind


def setting(evidence: Evidence, name: str, net: str = "") -> Value | None:
    """Return a setting as a link writes it, numbers as numbers; "differs" if the nets differ in it.

    With ``net``, that of the nets of this name or derived from it.
    """
    comparison = evidence.set_up
    if comparison is None:
        return None
    values = {
        getattr(config, name)
        for arm, config in zip(comparison.arms, comparison.configs, strict=True)
        if not net or net in (arm.name, arm.registered_name)
    }
    if len(values) != 1:
        return "differs" if values else None
    (value,) = values
    is_number = SETTINGS[name].kind in ("whole", "number", "log")
    return float(value) if is_number else SETTINGS[name].write(value)


def normalized_layers(evidence: Evidence, net: str) -> float | None:
    """Return in how many hidden layers a net that was trained has a normalization."""
    record = evidence.trained
    arm = None if record is None else arm_index(record, net)
    if record is None or arm is None:
        return None
    config = record.configs[arm]
    return float(sum(config.normalizes(index) for index in range(len(config.layer_widths))))


def metric(evidence: Evidence, source: str, key: str) -> float | None:
    """Return the median of a metric of an experiment, or of what a page computed."""
    result = evidence.results.get(source)
    found = {one.key: one for one in result.metrics}.get(key) if result is not None else None
    return None if found is None or math.isnan(found.median) else found.median


def verdict(evidence: Evidence, slug: str) -> str | None:
    """Return the kind of an experiment's verdict, such as "holds"."""
    found = evidence.verdicts.get(slug)
    return None if found is None else found.kind


def page(evidence: Evidence) -> str | None:
    """Return the page that is shown."""
    return evidence.page or None


def choice(evidence: Evidence, name: str) -> Value | None:
    """Return what the page's link holds by a name, a number where it is one."""
    text = evidence.choices.get(name)
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text
