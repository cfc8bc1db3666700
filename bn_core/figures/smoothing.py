"""Curves thinned to what a panel can show."""

import math

import numpy as np

MOST_POINTS = 400

Array = np.ndarray


def decimated(values: Array, planned: int = 0, most: int = MOST_POINTS) -> Array:
    """Return the indices, at most ``most``, that keep the extremes of a curve, (T,) -> (P,).

    The curve is cut into blocks and the lowest and the highest point of each are kept. Blocks
    follow from the ``planned`` length, so that a growing curve keeps the points it has shown.
    """
    count = len(values)
    if max(count, planned) <= most:
        return np.arange(count)
    block = math.ceil(2 * max(count, planned) / most)
    blocks = math.ceil(count / block)
    padded = np.full(blocks * block, np.nan)
    padded[:count] = values
    table = padded.reshape(blocks, block)
    missing = np.isnan(table)
    starts = np.arange(blocks) * block
    low = np.where(missing, np.inf, table).argmin(axis=1) + starts
    high = np.where(missing, -np.inf, table).argmax(axis=1) + starts
    return np.unique(np.concatenate([low, high]))


def window_of(planned: int) -> int:
    """Return how many steps a smoothed curve averages in a run of ``planned`` steps."""
    return max(1, planned // 50)


def smoothed(values: Array, planned: int, most: int = MOST_POINTS) -> tuple[Array, Array]:
    """Return trailing means over ``window_of(planned)`` steps and the indices they end at.

    ``values`` (T, ...) -> indices (P,) and means (P, ...), P at most ``most`` + 2. The first means
    are over the steps there are. NaN and infinity make a mean NaN.
    """
    count, window = len(values), window_of(planned)
    stride = math.ceil(max(planned, count) / most)
    if not count:
        return np.zeros(0, int), values
    ends = np.arange(stride - 1, count, stride)
    first = [0] if stride > 1 else []
    last = [count - 1] if count % stride and count > 1 else []
    indices = np.concatenate([first, ends, last]).astype(int)
    return indices, means_at(values, indices, window)


def means_at(values: Array, indices: Array, window: int) -> Array:
    """Return the means of the ``window`` values that end at each index, (P, ...)."""
    finite = np.where(np.isfinite(values), values, np.nan)
    before = np.zeros((window - 1, *values.shape[1:]), finite.dtype)
    windows = np.lib.stride_tricks.sliding_window_view(
        np.concatenate([before, finite]), window, axis=0
    )[indices]
    lengths = np.minimum(indices + 1, window).reshape(-1, *[1] * (values.ndim - 1))
    # Summed anew at each point: a running sum would never recover from one huge loss.
    return windows.sum(axis=-1, dtype=np.float64) / lengths
