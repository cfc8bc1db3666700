"""Rows of what a part has seen so far, and medians that leave out what is not a number."""

from collections.abc import Sequence

import numpy as np

Array = np.ndarray


def middle(values: Array, axis: int | tuple[int, ...]) -> Array:
    """Return the median along some axes of the finite values; NaN where there are none."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    rest = [one for one in range(values.ndim) if one not in {a % values.ndim for a in axes}]
    kept = [values.shape[one] for one in rest]
    flat = np.transpose(values, (*rest, *axes)).reshape(int(np.prod(kept)), -1)
    found = [row[np.isfinite(row)] for row in flat]
    return np.array([np.median(row) if row.size else np.nan for row in found]).reshape(kept)


def by_seed(rows: Sequence[Array], seeds: int) -> Array:
    """Return T rows of (R, ...) as (R, T, ...); without rows an empty (R, 0)."""
    return np.stack(rows, axis=1) if rows else np.zeros((seeds, 0))
