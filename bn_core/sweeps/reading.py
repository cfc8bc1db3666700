"""What a map shows: one fate a cell, a colour value, the largest rates, where the border is."""

from typing import Any

import numpy as np

from bn_core.sweeps.axis import Value
from bn_core.sweeps.stability_map import (
    DIVERGED,
    LEARNED,
    NOT_LEARNED,
    UNKNOWN,
    StabilityMap,
)
from bn_core.sweeps.sweep import Sweep, refines

Array = np.ndarray


def fates(found: StabilityMap, arm: int) -> Array:
    """Return what more than half of a cell's seeds did, (Y, X); NOT_LEARNED where none did.

    Cells that were not measured have the fate of the coarser cell around them.
    """
    fate = found.filled(arm)["fate"]
    majority = np.full(fate.shape[1:], NOT_LEARNED, np.int8)
    for kind in (LEARNED, DIVERGED):
        majority[(fate == kind).mean(axis=0) > 0.5] = kind
    majority[fate[0] == UNKNOWN] = UNKNOWN
    return majority


def measured_fates(found: StabilityMap, arm: int) -> Array:
    """Return the fates of the cells that were measured themselves, (Y, X); UNKNOWN of others."""
    return np.where(found.known(arm), fates(found, arm), UNKNOWN)


def even_grid(sweep: Sweep) -> tuple[Array, Array]:
    """Return the indices, along y and along x, of the finest grid all of whose cells are measured.

    A level that refines measures only cells near a change, so that no share can be counted there.
    """
    level = max(level for level in range(sweep.levels) if not refines(level))
    return np.array(sweep.indices("y", level)), np.array(sweep.indices("x", level))


def grid_values(sweep: Sweep) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    """Return the values along x and along y of the even grid."""
    ys, xs = even_grid(sweep)
    return tuple(sweep.x_values[x] for x in xs), tuple(sweep.y_values[y] for y in ys)


def grid_fates(found: StabilityMap, arm: int) -> Array:
    """Return the fates at the cells of the even grid."""
    return fates(found, arm)[np.ix_(*even_grid(found.sweep))]


def grid_steps(found: StabilityMap, arm: int) -> Array:
    """Return the steps to learn at the cells of the even grid."""
    return steps_to_learn(found, arm)[np.ix_(*even_grid(found.sweep))]


def steps_to_learn(found: StabilityMap, arm: int) -> Array:
    """Return the median over seeds of the steps to learn, infinite where half never did, (Y, X)."""
    return upper_median(found.filled(arm)["learned_at"])


def upper_median(values: Array) -> Array:
    """Return the upper median over the first axis: no average with an infinity."""
    return np.sort(values, axis=0)[values.shape[0] // 2]


def scores(found: StabilityMap) -> list[Array]:
    """Return for each arm a number from -1 to 1 a cell, (Y, X); NaN where nothing is known.

    Above 0: learned, and the larger the sooner; below 0: diverged, and the smaller the sooner; 0:
    finite and not learned. Sizes are ranks over all arms at once, so that every step of colour
    holds as many cells (after Sohl-Dickstein 2024, figure 1).
    """
    arms = range(len(found.sweep.arms))
    fate = np.stack([fates(found, arm) for arm in arms])
    learned = np.stack([steps_to_learn(found, arm) for arm in arms])
    broke = np.stack([upper_median(found.filled(arm)["diverged_at"]) for arm in arms])
    loss = np.stack([upper_median(found.filled(arm)["loss"]) for arm in arms])
    score = np.where(fate == UNKNOWN, np.nan, 0.0)
    chosen = fate == LEARNED
    score[chosen] = _ranks(-learned[chosen], -loss[chosen])
    chosen = fate == DIVERGED
    score[chosen] = -_ranks(-broke[chosen])
    return list(score)


def _ranks(*keys: Array) -> Array:
    """Return ranks in (0, 1] by the first key, then by the others; equal ones share theirs."""
    if not keys[0].size:
        return np.zeros(0)
    table = np.stack(keys, axis=1)
    _, place, counts = np.unique(table, axis=0, return_inverse=True, return_counts=True)
    upto = np.cumsum(counts) / counts.sum()
    return upto[place.ravel()]


def border(found: StabilityMap, arm: int) -> Array:
    """Return the cells that learned and have a neighbour to the side that did not, or the reverse,
    (Y, X)."""
    learned = fates(found, arm) == LEARNED
    edge = np.zeros(learned.shape, bool)
    for side, marked in ((learned, edge), (learned.T, edge.T)):
        apart = side[:-1] != side[1:]
        marked[:-1] |= apart
        marked[1:] |= apart
    return edge


def crossings(found: StabilityMap, arm: int) -> Array:
    """Return the corners of cells around which some learned and some did not, (Y - 1, X - 1).

    A straight border crosses one corner in each row, or each column: boxes count it with dimension
    1 wherever it lies, which two cells beside each other would not.
    """
    learned = fates(found, arm) == LEARNED
    sides = np.stack([learned[:-1, :-1], learned[:-1, 1:], learned[1:, :-1], learned[1:, 1:]])
    return sides.max(axis=0) != sides.min(axis=0)


def box_dimension(edge: Array) -> float:
    """Return the slope of log2(boxes that hold a border cell) over log2(1 / box size).

    ``edge`` is a square table of truth values, (n, n); boxes as in ``box_counts``. A straight line
    has 1, a full plane 2. NaN where there is no border or n < 16.
    """
    counts = box_counts(edge)
    if len(counts) < 2 or not all(counts):
        return float("nan")
    return float(-np.polyfit(np.arange(len(counts)), np.log2(counts), 1)[0])


def box_counts(edge: Array) -> list[int]:
    """Return how many boxes hold a border cell, for boxes of 1, 2, 4 ... up to n / 8 cells."""
    size = 1 << min(edge.shape).bit_length() - 1
    square: Any = edge[:size, :size]
    counts = []
    while square.shape[0] >= 8:
        counts.append(int(square.sum()))
        half = square.shape[0] // 2
        square = square.reshape(half, 2, half, 2).any(axis=(1, 3))
    return counts


def largest_rates(found: StabilityMap, arm: int) -> Array | None:
    """Return the largest learning rate that learned, for each value of the other axis; 0: none.

    Both axes have the values of the even grid. None where the learning rate is no axis.
    """
    sweep, learned = found.sweep, grid_fates(found, arm) == LEARNED
    x_values, y_values = grid_values(sweep)
    if sweep.x.name == "learning_rate":
        rates = np.array(x_values)
    elif sweep.y.name == "learning_rate":
        rates, learned = np.array(y_values), learned.T
    else:
        return None
    return (learned * rates).max(axis=1)
