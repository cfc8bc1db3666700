"""What a map shows: one fate a cell, a colour value, where the border is, and a sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bn_core.sweeps.stability_map import (
    DIVERGED,
    LEARNED,
    NOT_LEARNED,
    UNKNOWN,
    StabilityMap,
)

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


def steps_to_learn(found: StabilityMap, arm: int) -> Array:
    """Return the median over seeds of the steps to learn, infinite where half never did, (Y, X)."""
    return _median(found.filled(arm)["learned_at"])


def _median(values: Array) -> Array:
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
    broke = np.stack([_median(found.filled(arm)["diverged_at"]) for arm in arms])
    loss = np.stack([_median(found.filled(arm)["loss"]) for arm in arms])
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


def box_dimension(edge: Array) -> float:
    """Return the slope of log2(boxes that hold a border cell) over log2(1 / box size).

    ``edge`` is a square table of truth values, (n, n); boxes of 1, 2, 4 ... up to n / 8 cells. A
    straight line has 1, a full plane 2. NaN where there is no border or n < 16.
    """
    size = 1 << min(edge.shape).bit_length() - 1
    square: Any = edge[:size, :size]
    counts, sizes = [], []
    while square.shape[0] >= 8:
        counts.append(int(square.sum()))
        sizes.append(size // square.shape[0])
        half = square.shape[0] // 2
        square = square.reshape(half, 2, half, 2).any(axis=(1, 3))
    if len(counts) < 2 or not all(counts):
        return float("nan")
    return float(-np.polyfit(np.log2(sizes), np.log2(counts), 1)[0])


def largest_rates(found: StabilityMap, arm: int) -> Array | None:
    """Return the largest learning rate that learned, for each value of the other axis; 0: none.

    None where the learning rate is no axis.
    """
    sweep, learned = found.sweep, fates(found, arm) == LEARNED
    if sweep.x.name == "learning_rate":
        rates = np.array(sweep.x_values)
    elif sweep.y.name == "learning_rate":
        rates, learned = np.array(sweep.y_values), learned.T
    else:
        return None
    return (learned * rates).max(axis=1)


def sentence(found: StabilityMap) -> str:
    """Return what the map shows in a few words that carry its numbers; it begins with "So: "."""
    if not all(found.known(arm).any() for arm in range(len(found.sweep.arms))):
        return ""
    parts = [_rates_words(found), _counts_words(found), _losses_words(found)]
    if found.sweep.two_layers:
        parts = [_counts_words(found), _border_words(found)]
    return "So: " + " ".join(part for part in parts if part)


def _rates_words(found: StabilityMap) -> str:
    """Return the largest stable rates, over the values of the other axis."""
    sweep, said, middles = found.sweep, list[str](), list[float]()
    rate_axis = sweep.x if sweep.x.name == "learning_rate" else sweep.y
    other = sweep.y if sweep.x.name == "learning_rate" else sweep.x
    for arm, one in enumerate(sweep.arms):
        largest = largest_rates(found, arm)
        if largest is None:
            return ""
        middle = float(_median(largest))
        middles.append(middle)
        more = "at least " if middle >= rate_axis.high else ""
        said.append(
            f"{more}{middle:.2g} with {one.label} ({largest.min():.2g} to {largest.max():.2g})"
        )
    words = f"the largest learning rate that learned is {_listed(said)}: median and range over "
    words += f"the values of {other.spec.label.lower()}, 0 where none did."
    if len(middles) > 1 and middles[0] > 0 and middles[1] > 0:
        words += f" At the median that is {middles[1] / middles[0]:.2g} times."
    return words


def _counts_words(found: StabilityMap) -> str:
    sweep = found.sweep
    learned = [fates(found, arm) == LEARNED for arm in range(len(sweep.arms))]
    cells = learned[0].size
    shares = [
        f"{one.label} learned in {held.sum()} of {cells} cells"
        for one, held in zip(sweep.arms, learned, strict=True)
    ]
    words = _listed(shares) + "."
    if len(sweep.arms) < 2:
        return words
    first, second = (arm.label for arm in sweep.arms[:2])
    only = [(learned[0] & ~learned[1]).sum(), (learned[1] & ~learned[0]).sum()]
    words += f" {only[1]} learned only with {second}, {only[0]} only with {first}."
    both = learned[0] & learned[1]
    if both.any() and not sweep.two_layers:
        steps = [steps_to_learn(found, arm)[both] for arm in (0, 1)]
        sooner = [(steps[0] < steps[1]).sum(), (steps[1] < steps[0]).sum()]
        words += (
            f" Where both did ({both.sum()}), {second} was sooner in {sooner[1]} and {first} in "
            f"{sooner[0]}."
        )
    return words


def _losses_words(found: StabilityMap) -> str:
    """Return where the second net fails and the first learns, as ranges of both settings."""
    sweep = found.sweep
    if len(sweep.arms) < 2:
        return ""
    worse = (fates(found, 0) == LEARNED) & (fates(found, 1) != LEARNED)
    if not worse.any():
        return ""
    ys, xs = np.nonzero(worse)
    names = [axis.spec.label.lower() for axis in (sweep.x, sweep.y)]
    spans = [
        f"{name} {_span([values[i] for i in places])}"
        for name, values, places in zip(
            names, (sweep.x_values, sweep.y_values), (xs, ys), strict=True
        )
    ]
    first, second = (arm.label for arm in sweep.arms[:2])
    return f"{second} loses to {first} at {spans[0]} and {spans[1]}."


def _span(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def _border_words(found: StabilityMap) -> str:
    said = []
    for arm, one in enumerate(found.sweep.arms):
        edge = border(found, arm)
        dimension = box_dimension(edge)
        if np.isnan(dimension):
            said.append(f"{one.label} has no border here")
        else:
            said.append(
                f"the border of {one.label} fills {100 * edge.mean():.0f} % of the cells, with box "
                f"dimension {dimension:.2f}"
            )
    return _listed(said).capitalize() + " (a straight line: 1)."


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
