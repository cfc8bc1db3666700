"""The axis of a loss: it shows the nets that learn, whatever the others do."""

import math
from typing import Any

import numpy as np

from bn_core.figures import record_queries as queries
from bn_core.figures.context import FigureContext
from bn_core.figures.layout import axis, log_axis
from bn_core.figures.view import View

Array = np.ndarray

TIMES_INITIAL = 2.0
"""A linear axis ends at this many times the smallest initial loss, so that a net that blows up
does not press the others flat."""

LOG_REACH = 1e3, 1e-6
"""A logarithmic axis goes no further than these many times the smallest initial loss."""


def loss_ends(context: FigureContext, means: Array) -> tuple[float, float]:
    """Return where the loss axis begins and ends; ``means`` (P, A, K) are training losses."""
    seen = np.concatenate(
        [means.ravel(), *(values.ravel() for values in context.validation_losses)]
    )
    seen = seen[np.isfinite(seen) & (seen > 0)]
    reference = _smallest_initial(context, means)
    if not len(seen):
        return (0.1, 10.0) if context.view.loss_scale == "log" else (0.0, 3.0)
    highest, lowest = float(seen.max()), float(seen.min())
    if context.view.loss_scale != "log":
        return 0.0, _rounded_up(min(highest, TIMES_INITIAL * reference) * 1.04)
    # In quarters of a power of ten: the axis seldom changes.
    top = math.ceil(4 * math.log10(min(highest, LOG_REACH[0] * reference) * 1.1)) / 4
    low = math.floor(4 * math.log10(max(lowest, LOG_REACH[1] * reference) / 1.1)) / 4
    return 10 ** min(low, top - 0.5), 10**top


def _smallest_initial(context: FigureContext, means: Array) -> float:
    """Return the smallest loss an arm begins with, in training or in validation.

    Batch norm's first validation uses running averages that nothing has filled yet: in a deep
    net that loss is as large as if there were no batch norm.
    """
    initial = [queries.median(values[0], 0) for values in context.validation_losses if len(values)]
    if len(means):
        initial += list(queries.median(means[0], 1))
    known = [float(value) for value in initial if np.isfinite(value) and value > 0]
    return min(known, default=1.0)


def _rounded_up(value: float) -> float:
    """Return the next of a few steps a decade, so that an axis seldom changes."""
    power = 10 ** math.floor(math.log10(value))
    steps = (step * power for step in (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10))
    return next((step for step in steps if step >= value), value)


def inner(ends: tuple[float, float], logarithmic: bool) -> tuple[float, float]:
    """Return the part of the loss axis in which a mark stays clear of the frame."""
    if logarithmic:
        edge = (ends[1] / ends[0]) ** 0.06
        return ends[0] * edge, ends[1] / edge
    edge = 0.06 * (ends[1] - ends[0])
    return ends[0] + edge, ends[1] - edge


def loss_axis(view: View, ends: tuple[float, float]) -> dict[str, Any]:
    """Return the y axis of a loss."""
    title = "cross entropy (nats)"
    if view.loss_scale == "log":
        return log_axis(view, title, *ends)
    return axis(view, title, range=list(ends))
