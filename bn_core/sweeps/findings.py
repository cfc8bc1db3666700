"""What a finished map shows, in sentences that carry its numbers."""

from collections.abc import Sequence

import numpy as np

from bn_core.sweeps.axis import Value
from bn_core.sweeps.reading import (
    border,
    box_counts,
    box_dimension,
    crossings,
    grid_fates,
    grid_steps,
    grid_values,
    largest_rates,
    upper_median,
)
from bn_core.sweeps.stability_map import LEARNED, StabilityMap
from bn_core.sweeps.sweep import SIZES, refines

Array = np.ndarray

_MOST_RANGES = 4
_STRAIGHT = "A straight line has dimension 1."


def sentence(found: StabilityMap) -> str:
    """Return all that is said of a map; it begins with "So: ". Nothing while a part is unknown."""
    said = findings(found)
    return "So: " + " ".join(said) if said else ""


def findings(found: StabilityMap) -> list[str]:
    """Return what a map shows, a finding each, the most important first.

    Nothing is said before all that the sweep measures is measured, as of one cancelled early.
    """
    if not found.is_complete:
        return []
    if found.sweep.two_layers:
        return [_counts_words(found), _border_words(found)]
    parts = [_rates_words(found), _counts_words(found), *where_each_wins(found)]
    return [part for part in parts if part]


def where_each_wins(found: StabilityMap) -> list[str]:
    """Return where the second net does better and where it does worse than the first."""
    if len(found.sweep.arms) < 2 or found.sweep.two_layers:
        return []
    parts = [_higher_words(found), _only_first_words(found), _sooner_words(found)]
    return [part for part in parts if part]


def _rates_words(found: StabilityMap) -> str:
    """Return the largest stable rates, over the values of the other axis."""
    sweep, said, ranges, middles = found.sweep, list[str](), list[str](), list[float]()
    rate_axis = sweep.x if sweep.x.name == "learning_rate" else sweep.y
    other = sweep.y if sweep.x.name == "learning_rate" else sweep.x
    name = other.spec.label.lower()
    for arm, one in enumerate(sweep.arms):
        largest = largest_rates(found, arm)
        if largest is None:
            return ""
        middle = float(upper_median(largest))
        middles.append(middle)
        more = "at least " if middle >= rate_axis.high else ""
        said.append(f"{more}{_rate(middle)} with {one.label}")
        low, high = (_rate(end) for end in (largest.min(), largest.max()))
        spread = f"is {low} throughout" if low == high else f"ranges from {low} to {high}"
        ranges.append(f"{spread} with {one.label}")
    words = f"the largest learning rate that learned is {_listed(said)}"
    if len(middles) == 2 and min(middles) > 0:
        words += f", {middles[1] / middles[0]:.2g} times as large"
    return f"{words} (medians over {name}). Over {name} it {_listed(ranges)}."


def _rate(value: float) -> str:
    return f"{value:.2g}" if value else "none"


def _counts_words(found: StabilityMap) -> str:
    sweep = found.sweep
    learned = [grid_fates(found, arm) == LEARNED for arm in range(len(sweep.arms))]
    cells = learned[0].size
    shares = [
        f"{one.label} learned in {held.sum()} of {cells} cells"
        for one, held in zip(sweep.arms, learned, strict=True)
    ]
    words = _listed(shares) + "."
    if any(map(refines, range(sweep.levels))):
        rows, columns = learned[0].shape
        words += (
            f" Counted are the {columns} x {rows} cells of the even grid, all measured; between "
            "them only cells near a change were."
        )
    if len(sweep.arms) < 2:
        return words
    first, second = (arm.label for arm in sweep.arms[:2])
    only = [(learned[0] & ~learned[1]).sum(), (learned[1] & ~learned[0]).sum()]
    return words + f" {only[1]} learned only with {second}, {only[0]} only with {first}."


def _higher_words(found: StabilityMap) -> str:
    """Return at which values of the other axis the second net's largest rate is lower or higher."""
    largest = [rates for arm in (0, 1) if (rates := largest_rates(found, arm)) is not None]
    if not largest:
        return ""
    sweep = found.sweep
    other = sweep.y if sweep.x.name == "learning_rate" else sweep.x
    x_values, y_values = grid_values(sweep)
    values = y_values if other is sweep.y else x_values
    first, second = (arm.label for arm in sweep.arms[:2])
    name, parts = other.spec.label.lower(), list[str]()
    for kind, rows in (("lower", largest[1] < largest[0]), ("higher", largest[1] > largest[0])):
        if rows.any():
            at = _spans(values, rows)
            rates = [_span(one[rows].tolist(), digits=2) for one in largest]
            parts.append(f"{kind} at {name} {at} ({rates[1]} against {rates[0]})")
    if not parts:
        return f"The largest rates of {second} and {first} are equal at every value of {name}."
    return f"The largest rate of {second} is {_listed(parts)} than that of {first}."


def _only_first_words(found: StabilityMap) -> str:
    """Return where the second net fails and the first learns, as ranges of both settings."""
    sweep = found.sweep
    first, second = (arm.label for arm in sweep.arms[:2])
    worse = (grid_fates(found, 0) == LEARNED) & (grid_fates(found, 1) != LEARNED)
    if not worse.any():
        return f"In no cell did {first} learn and {second} not."
    ys, xs = np.nonzero(worse)
    names = [axis.spec.label.lower() for axis in (sweep.x, sweep.y)]
    spans = [
        f"{name} {_span([values[i] for i in places])}"
        for name, values, places in zip(names, grid_values(sweep), (xs, ys), strict=True)
    ]
    return f"{second} loses to {first} at {spans[0]} and {spans[1]}."


def _sooner_words(found: StabilityMap) -> str:
    """Return which net was sooner where both learned, and at which values it was mostly the first.

    These are values of the learning rate, where it is an axis, else of x.
    """
    sweep = found.sweep
    first, second = (arm.label for arm in sweep.arms[:2])
    both = (grid_fates(found, 0) == LEARNED) & (grid_fates(found, 1) == LEARNED)
    if not both.any():
        return ""
    steps = [grid_steps(found, arm) for arm in (0, 1)]
    sooner = [both & (steps[0] < steps[1]), both & (steps[1] < steps[0])]
    words = (
        f"Where both learned ({both.sum()} cells), {second} was sooner in {sooner[1].sum()} and "
        f"{first} in {sooner[0].sum()}."
    )
    down = sweep.y.name == "learning_rate"
    axis, values = sweep.y if down else sweep.x, grid_values(sweep)[1 if down else 0]
    across = 1 if down else 0
    mostly = sooner[0].sum(axis=across) > both.sum(axis=across) / 2
    if mostly.any() and not mostly.all():
        at = f"{axis.spec.label.lower()} {_spans(values, mostly)}"
        words += f" In most of those at {at} it was {first}."
    return words


def _border_words(found: StabilityMap) -> str:
    """Return how rough each arm's border is, by counting boxes, and what to make of it."""
    said = [_border_of(found, arm) for arm in range(len(found.sweep.arms))]
    words = " ".join(f"{part[0].upper()}{part[1:]}." for part in said) + f" {_STRAIGHT}"
    if min(found.sweep.shape) < SIZES[-1]:
        return f"{words} Too few cells for a dimension: choose {SIZES[-1]} along each axis."
    return (
        f"{words} Boxes of 1, 2, 4 and 8 cells give four points, through which the dimension is "
        "the slope: its second digit is not certain, and neighbouring sizes alone give the range."
    )


def _border_of(found: StabilityMap, arm: int) -> str:
    edge, crossed = border(found, arm) & found.known(arm), crossings(found, arm)
    label = found.sweep.arms[arm].label
    if not edge.any():
        return f"{label} has no border here"
    words = f"the border of {label} is {100 * edge.mean():.0f} % of the cells"
    straight = f"a straight one would be {200 / min(edge.shape):.0f} %"
    dimension, counts = box_dimension(crossed), box_counts(crossed)
    if min(edge.shape) < SIZES[-1] or np.isnan(dimension):
        return f"{words} ({straight})"
    slopes = -np.diff(np.log2(counts))
    return (
        f"{words} ({straight}), with box dimension {dimension:.2f} ({slopes.min():.2f} to "
        f"{slopes.max():.2f})"
    )


def _span(values: Sequence[Value], digits: int = 3) -> str:
    low, high = (f"{end:.{digits}g}" for end in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _spans(values: Sequence[Value], chosen: Array) -> str:
    """Return the chosen values of an axis; neighbours among them as a range."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False]))))
    ranges = [_span(values[start:end]) for start, end in edges.reshape(-1, 2).tolist()]
    if len(ranges) <= _MOST_RANGES:
        return _listed(ranges)
    known = [value for value, yes in zip(values, chosen, strict=True) if yes]
    return f"{len(known)} values from {_span(known)}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
