"""What a comparison will cost a worker, estimated from its settings before anything is built."""

import os
from dataclasses import dataclass

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.net_shapes import EXAMPLES_OF_A_PART, layer_shapes

_FLOAT = 4
_OPTIMIZER_STATES = {"sgd": 0, "momentum": 1, "rmsprop": 1, "adam": 2}
_PROBE_EXAMPLES = 128
_VALIDATION_EXAMPLES = 1000
_ACTIVATIONS_A_LAYER = 6
"""Arrays of a layer's size that a step holds: inputs, normalized values, outputs, gradients."""
_PROBED_ARRAYS = 10
"""Arrays of all probed values that the statistics of a snapshot hold at once."""
_PER_TENSOR = 4_000
"""Bytes of Python and torch objects for each replica and layer, generators included."""
SMALL, SMALL_TURN = 8_000_000, 40_000_000
"""Bytes of the smallest run, and of the libraries and data that a worker loads for its first."""

GIGABYTE = 1e9
COMPUTATION_BYTES = 100_000_000
"""What one of the demos or experiments holds; their nets are small."""


@dataclass(frozen=True)
class Cost:
    """Bytes that a run holds while it is open, and bytes that it needs on top during its turn."""

    resident: float
    transient: float

    @property
    def total(self) -> float:
        """The most that the run needs by itself, in bytes."""
        return self.resident + self.transient


def cost_of(comparison: Comparison) -> Cost:
    """Return the estimated memory of a comparison.

    Arms are trained one after the other: what a step holds counts once, for the largest arm;
    parameters and optimizer states count for each.
    """
    arms = [_arm_cost(config) for config in comparison.configs]
    return Cost(
        resident=SMALL + sum(arm.resident for arm in arms),
        transient=SMALL_TURN + max(arm.transient for arm in arms),
    )


def _arm_cost(config: Config) -> Cost:
    replicas, shapes = config.replicas, layer_shapes(config)
    hidden = shapes[:-1]
    weights = sum(shape.weights for shape in shapes) + 4 * sum(shape.units for shape in hidden)
    parameters = _FLOAT * replicas * weights
    values = _FLOAT * replicas * sum(shape.values for shape in hidden)
    step = values * config.batch_size * _ACTIVATIONS_A_LAYER
    probe = values * _PROBE_EXAMPLES * _PROBED_ARRAYS
    largest = max(shape.values for shape in hidden)
    in_parts = config.needs_images and not config.evaluates_by_batch
    at_once = EXAMPLES_OF_A_PART if in_parts else _VALIDATION_EXAMPLES
    validation = 3 * _FLOAT * replicas * largest * at_once
    data = 2 * _FLOAT * config.train_size * config.data_spec.inputs
    resident = (1 + _OPTIMIZER_STATES[config.optimizer]) * parameters
    # The gradient and, for a snapshot, the weights before the step and the step taken.
    return Cost(
        resident=resident + _PER_TENSOR * len(hidden) * replicas,
        transient=3 * parameters + max(step, probe) + validation + data,
    )


def worker_bytes(workers: int) -> float:
    """Return how many bytes the runs of one worker may take: a part of the machine's memory."""
    most = 4.5 * GIGABYTE  # of the address space that a worker is limited to; torch maps the rest
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        physical = 8 * GIGABYTE  # not every system tells
    return min(most, 0.6 * physical / max(workers, 1))
