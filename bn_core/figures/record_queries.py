"""Numbers of a record for drawing and for words. NaN and infinity never warn here.

Shapes use n snapshots, K replicas and whatever follows in the record's own field. A replica that
diverged has an infinite loss and an accuracy of 0: the worst there is. Its activations and
gradients are no numbers, so medians of those are over the replicas that are left.
"""

from collections.abc import Callable, Iterable

import numpy as np

from bn_core.figures.x_axis import Axis as Axis
from bn_core.figures.x_axis import axis_end as axis_end
from bn_core.figures.x_axis import axis_values as axis_values
from bn_core.records import QUANTILES, SITES, NetStatistics, Record, Snapshot

Array = np.ndarray


def position(record: Record, cursor: int | None) -> int:
    """Return the index of the snapshot at the cursor; None is the newest."""
    last = len(record.snapshots) - 1
    return last if cursor is None else max(0, min(cursor, last))


def snapshot_at(record: Record, cursor: int | None) -> Snapshot:
    """Return the snapshot at the cursor; a record without any has an empty one at step 0."""
    if not record.snapshots:
        return Snapshot(0, (None,) * len(record.comparison.arms))
    return record.snapshots[position(record, cursor)]


def snapshot_steps(record: Record) -> Array:
    """Return the steps of all snapshots, (n,)."""
    return np.array([snapshot.step for snapshot in record.snapshots], np.float32)


def series(record: Record, arm: int, field: str) -> Array:
    """Return one field of one arm over all snapshots, (n, K, ...), NaN where the arm had ended."""
    snapshots = [snapshot.arms[arm] for snapshot in record.snapshots]
    found = [getattr(snapshot, field) for snapshot in snapshots if snapshot is not None]
    if found and len(found) == len(snapshots):
        return np.array(found)
    shape = found[0].shape if found else _shape(record, arm, field)
    filled = np.full((len(snapshots), *shape), np.nan, np.float32)
    if found:
        filled[[i for i, snapshot in enumerate(snapshots) if snapshot is not None]] = found
    return filled


def validation_losses(record: Record, arm: int) -> Array:
    """Return an arm's validation losses over all snapshots, (n, K); infinite for a lost replica."""
    return worst_for_lost(series(record, arm, "validation_loss"), np.inf)


def accuracies(record: Record, arm: int, field: str = "validation_accuracy") -> Array:
    """Return an accuracy over all snapshots, (n, K); 0 for a replica that has no finite loss."""
    lost = ~np.isfinite(series(record, arm, "validation_loss"))
    return np.where(lost, 0.0, series(record, arm, field))


def worst_for_lost(values: Array, worst: float) -> Array:
    """Return the values with ``worst`` for everything that is not finite."""
    return np.where(np.isfinite(values), values, worst)


def lost_seeds(record: Record, arm: int, step: int) -> int:
    """Return how many of an arm's replicas have diverged by a step.

    A snapshot is taken behind the step's update, so that it may show what only the next step's
    loss finds to be broken.
    """
    found = (one.arms[arm] for one in record.snapshots if one.step == step)
    snapshot = next(found, None)
    broken = np.isfinite(snapshot.validation_loss) == 0 if snapshot is not None else ()
    return sum(
        d.step <= step or (d.step == step + 1 and len(broken) > 0 and bool(broken[d.replica]))
        for d in record.divergences
        if d.arm == arm
    )


def lost_words(record: Record, arm: int, step: int) -> str:
    """Return "1 of 3 seeds diverged", or nothing if none has by this step."""
    lost = lost_seeds(record, arm, step)
    return f"{lost} of {record.comparison.base.replicas} seeds diverged" if lost else ""


def _shape(record: Record, arm: int, field: str) -> tuple[int, ...]:
    config = record.configs[arm]
    replicas, depth = config.replicas, config.depth
    if field in ("gradient_norm", "update_ratio"):
        return replicas, depth + 1
    if field in ("mean", "std"):
        return replicas, len(SITES), depth
    if field in ("quantiles", "unit_quantiles"):
        return replicas, len(SITES), depth, len(QUANTILES)
    return (replicas,)


def shares(snapshot: NetStatistics, field: str) -> Array:
    """Return the median over live replicas of ``saturated``, ``dead`` or ``zero``, (L,)."""
    return middle(np.where(np.isfinite(snapshot.mean[:, 1]), getattr(snapshot, field), np.nan), 0)


def only_finite(values: Array) -> Array:
    """Return the values with NaN for everything that is not finite."""
    finite = np.isfinite(values)
    return values if finite.all() else np.where(finite, values, np.nan)


def median(values: Array, axis: int) -> Array:
    """Return the median over ``axis``, infinite values counted; NaN where all are missing.

    The middle of a finite and an infinite value is infinite.
    """
    if np.isfinite(values).all():
        return middle(values, axis)
    ordered = np.sort(values, axis=axis)  # NaN last
    count = (~np.isnan(values)).sum(axis=axis, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis)
    high = np.take_along_axis(ordered, np.minimum(count // 2, np.maximum(count - 1, 0)), axis)
    with np.errstate(invalid="ignore"):
        return np.where(low == high, low, 0.5 * low + 0.5 * high).squeeze(axis)


def extremes(values: Array, axis: int) -> tuple[Array, Array]:
    """Return the lowest and the highest value over ``axis``, infinite ones counted, NaN not."""
    return (
        np.fmin.reduce(values, axis=axis, initial=np.nan),
        np.fmax.reduce(values, axis=axis, initial=np.nan),
    )


def middle(values: Array, axis: int) -> Array:
    """Return the median over ``axis`` of the finite values; NaN where there are none."""
    if values.shape[axis] == 1:
        return only_finite(values.take(0, axis))
    finite = np.isfinite(values)
    if not finite.all():
        return _middle_of_some(np.where(finite, values, np.nan), finite, axis)
    ordered, last = np.sort(values, axis=axis), values.shape[axis] - 1
    low = ordered.take(last // 2, axis)
    # Halves first: a sum could overflow.
    return low if last % 2 == 0 else 0.5 * low + 0.5 * ordered.take(last // 2 + 1, axis)


def _middle_of_some(values: Array, finite: Array, axis: int) -> Array:
    # Sorting leaves NaN last, so the finite values of each row come first.
    ordered, count = np.sort(values, axis=axis), finite.sum(axis=axis, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis)
    high = np.take_along_axis(ordered, np.minimum(count // 2, np.maximum(count - 1, 0)), axis)
    return (0.5 * low + 0.5 * high).squeeze(axis)


def lowest(values: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """Return the smallest finite value over ``axis``; NaN where there is none."""
    return np.fmin.reduce(only_finite(values), axis=axis, initial=np.nan)


def highest(values: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """Return the largest finite value over ``axis``; NaN where there is none."""
    return np.fmax.reduce(only_finite(values), axis=axis, initial=np.nan)


def log10(values: Array) -> Array:
    """Return log10 of the values, minus infinity for zero; NaN stays."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log10(only_finite(values).astype(np.float64))


def stretches(kept: Array) -> list[slice]:
    """Return where each run of true values begins and ends."""
    if kept.all():
        return [slice(0, len(kept))] if len(kept) else []
    edges = np.flatnonzero(np.diff(np.concatenate([[0], kept.astype(int), [0]])))
    return [slice(begin, end) for begin, end in edges.reshape(-1, 2).tolist()]


def float32(values: Array) -> Array:
    """Return the values as the 32-bit floats figures carry; what does not fit is NaN."""
    if values.dtype == np.float32:
        return only_finite(values)
    with np.errstate(over="ignore", invalid="ignore"):
        return only_finite(np.asarray(values, np.float32))


def last_layer(record: Record, layer: int) -> int:
    """Return the index of the layer a view names; 0, or one too large, is the deepest net's."""
    depth = record.comparison.depth
    return (min(layer, depth) or depth) - 1


def divergence_of(record: Record, arm: int) -> int | None:
    """Return the step at which the last of an arm's replicas diverged; None if one lives."""
    steps = [d.step for d in record.divergences if d.arm == arm]
    return max(steps) if len(steps) >= record.comparison.base.replicas else None


def seed(record: Record, replica: int) -> int:
    """Return the seed a replica was trained with."""
    return record.comparison.base.seed + replica


def plain(value: float) -> str:
    """Return a number in about three digits for a sentence."""
    size = abs(float(value))
    if size == 0:
        return "0"
    if size < 0.01 or size >= 10_000:
        digits, power = f"{value:.1e}".split("e")
        return f"{digits}e{int(power)}"
    decimals = 2 if size < 10 else 1 if size < 100 else 0
    return f"{value:.{decimals}f}"


def percent(share: float) -> str:
    """Return a share as a percentage for a sentence."""
    return f"{100 * share:.0f} %"


def when(step: int) -> str:
    """Return the moment of a step in words."""
    return {0: "before training", 1: "after 1 step"}.get(step, f"after {step:,} steps")


def of_seeds(record: Record) -> str:
    """Return in words what a middle value is a middle of."""
    count = record.comparison.base.replicas
    return "one seed" if count == 1 else f"median of {count} seeds"


def values_counted(snapshots: Iterable[NetStatistics], field: str, site: str) -> tuple[int, int]:
    """Return the fewest and the most values behind a histogram or a percentile of a site.

    ``field`` is "histogram_values" or "quantile_values"; (0, 0) where nothing was counted.
    """
    counts = [getattr(one, field)[SITES.index(site)] for one in snapshots]
    seen = np.concatenate([*counts, np.zeros(0, int)])
    seen = seen[seen > 0]
    return (int(seen.min()), int(seen.max())) if seen.size else (0, 0)


def whole_range(low: int, high: int) -> str:
    """Return "4,096" or "3,000 to 4,096"."""
    return f"{high:,}" if low == high else f"{low:,} to {high:,}"


def power(value: float) -> str:
    """Return a power of ten for a sentence; minus infinity is that of zero."""
    return "zero" if value == -np.inf else f"{value:.2f}"


def listed(
    record: Record,
    step: int,
    values: Iterable[float],
    words: Callable[[float], str] = plain,
) -> str:
    """Return "No norm diverged, BN before 0.12 (1 of 3 seeds diverged)" from one number an arm."""
    parts = []
    for i, (arm, value) in enumerate(zip(record.comparison.arms, values, strict=True)):
        lost, all_seeds = lost_seeds(record, i, step), record.comparison.base.replicas
        known = np.isfinite(value) or value == -np.inf
        if lost == all_seeds:
            said = "diverged"
        elif lost:
            told = lost_words(record, i, step)
            said = f"{words(value)} ({told})" if known else f"diverged ({told})"
        else:
            said = words(value) if known else "no value"
        parts.append(f"{arm.label} {said}")
    return ", ".join(parts)


def left_out(record: Record, step: int) -> str:
    """Return which seeds a median of activations or gradients is without, a sentence an arm."""
    all_seeds = record.comparison.base.replicas
    said = ""
    for i, arm in enumerate(record.comparison.arms):
        lost = lost_seeds(record, i, step)
        if 0 < lost < all_seeds:
            said += f" {arm.label}: {all_seeds - lost} of {all_seeds} seeds; {lost} diverged."
    return said
