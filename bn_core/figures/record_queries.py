"""Numbers read off a record for drawing and for words. NaN and infinity never warn here.

Shapes use n looks, K replicas and whatever follows in the record's own field.
"""

from collections.abc import Callable, Iterable

import numpy as np

from bn_core.records import QUANTILES, SITES, NetStatistics, Record, Snapshot

Array = np.ndarray


def position(record: Record, cursor: int | None) -> int:
    """Return the index of the look at the cursor; None is the newest."""
    last = len(record.snapshots) - 1
    return last if cursor is None else max(0, min(cursor, last))


def snapshot_at(record: Record, cursor: int | None) -> Snapshot:
    """Return the look at the cursor; a record without any has an empty one at step 0."""
    if not record.snapshots:
        return Snapshot(0, (None,) * len(record.comparison.arms))
    return record.snapshots[position(record, cursor)]


def snapshot_steps(record: Record) -> Array:
    """Return the steps of all looks, (n,)."""
    return np.array([snapshot.step for snapshot in record.snapshots], np.float32)


def series(record: Record, arm: int, field: str) -> Array:
    """Return one field of one arm over all looks, (n, K, ...), NaN where the arm had ended."""
    snapshots = [snapshot.arms[arm] for snapshot in record.snapshots]
    found = [getattr(snapshot, field) for snapshot in snapshots if snapshot is not None]
    if found and len(found) == len(snapshots):
        return np.array(found)
    filled = np.full((len(snapshots), *_shape(record, arm, field)), np.nan, np.float32)
    if found:
        filled[[i for i, snapshot in enumerate(snapshots) if snapshot is not None]] = found
    return filled


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


def log10(values: Array, floor: float) -> Array:
    """Return log10 of the values, at least ``floor``, which is what zero gives; NaN stays."""
    return np.log10(np.maximum(only_finite(values).astype(np.float64), 10.0**floor))


def float32(values: Array) -> Array:
    """Return the values as the 32-bit floats figures carry; what does not fit is NaN."""
    if values.dtype == np.float32:
        return only_finite(values)
    with np.errstate(over="ignore", invalid="ignore"):
        return only_finite(np.asarray(values, np.float32))


def last_layer(record: Record, layer: int) -> int:
    """Return the index of the layer a view names; 0 is the last, too large ones are the last."""
    depth = record.comparison.base.depth
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
    if size != 0 and (size < 0.01 or size >= 10_000):
        digits, power = f"{value:.1e}".split("e")
        return f"{digits}e{int(power)}"
    return f"{value:.2f}" if size < 100 else f"{value:.0f}"


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


def listed(record: Record, values: Iterable[float], words: Callable[[float], str] = plain) -> str:
    """Return "No norm diverged, BN before 0.12" from one number for each arm."""
    parts = []
    for i, (arm, value) in enumerate(zip(record.comparison.arms, values, strict=True)):
        gone = "no value" if divergence_of(record, i) is None else "diverged"
        parts.append(f"{arm.label} {words(value) if np.isfinite(value) else gone}")
    return ", ".join(parts)
