"""What curves stand over: steps, examples seen, or seconds of computing.

Arms with different batch sizes, depths or normalizations take different steps: the same number of
steps is not the same number of examples, nor the same time.
"""

from typing import Literal

import numpy as np

from bn_core.records import Record

Array = np.ndarray
Axis = Literal["steps", "examples", "seconds"]


def axis_values(record: Record, arm_index: int, axis: Axis) -> tuple[Array, Array]:
    """Return where an arm's losses (T,) and its snapshots (n,) stand on an x axis.

    "steps": 1 to T, and the snapshots' own steps. "examples": those times the arm's batch size.
    "seconds": the compute time of the arm's steps so far, without that of the snapshots; a record
    without the time of each step shares its total out evenly. A step of an arm that has diverged
    takes no time. Errors: ``ValueError`` for an axis that does not exist.
    """
    taken = np.arange(1, record.step + 1)
    measured = np.array([snapshot.step for snapshot in record.snapshots], int)
    match axis:
        case "steps":
            found = taken, measured
        case "examples":
            size = record.configs[arm_index].batch_size
            found = taken * size, measured * size
        case "seconds":
            passed = np.concatenate([[0.0], _seconds_passed(record, arm_index)])
            found = passed[1:], passed[np.minimum(measured, record.step)]
        case _:
            raise ValueError(f"“{axis}” is no x axis: steps, examples or seconds.")
    return found[0].astype(np.float32), found[1].astype(np.float32)


def axis_end(record: Record, axis: Axis) -> float:
    """Return where the x axis ends: that of the planned steps, or the most seconds so far."""
    if axis == "seconds":
        ends = [axis_values(record, arm, axis)[0] for arm in range(len(record.configs))]
        return max((float(one[-1]) for one in ends if len(one)), default=0.0)
    size = max(config.batch_size for config in record.configs) if axis == "examples" else 1
    return float(record.comparison.base.steps * size)


def _seconds_passed(record: Record, arm_index: int) -> Array:
    """Return the compute time of an arm after each step, (T,)."""
    if len(record.step_seconds) == record.step and record.step:
        return np.cumsum(record.step_seconds[:, arm_index], dtype=np.float64)
    total = float(record.seconds[arm_index]) if len(record.seconds) else 0.0
    return np.linspace(0, total, record.step + 1)[1:]
