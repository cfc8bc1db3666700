"""A finer sweep of a part of another: places among the cells become ends of axes."""

import dataclasses
import math

import numpy as np

from bn_core.settings import SettingError
from bn_core.sweeps.axis import Axis, Value
from bn_core.sweeps.reading import border
from bn_core.sweeps.stability_map import StabilityMap
from bn_core.sweeps.sweep import Sweep

Range = tuple[float, float]

_DIGITS_OF_PART, _MOST_DIGITS = 3, 16
"""Ends of a part have so many digits beyond those that they share, so that links stay short."""
_CLOSE = 1e-3
"""Neighbouring rates that differ by less, relatively, are computed in float64."""
_SHARE_AT_BORDER = 10


def zoomed(sweep: Sweep, xs: Range, ys: Range) -> Sweep:
    """Return the sweep of a rectangle; its ends are places along x and along y.

    Place 2 is the middle of the third cell, 2.5 the edge behind it. Ends of whole numbers are
    rounded. Errors: ``SettingError`` where there is nothing left to zoom into.
    """
    x = _part(sweep.x, sweep.x_values, xs)
    y = _part(sweep.y, sweep.y_values, ys)
    if (x, y) == (sweep.x, sweep.y):
        raise SettingError("That is the whole map already: choose a smaller part.")
    finer = dataclasses.replace(sweep, x=x, y=y)
    return dataclasses.replace(finer, double=sweep.double or _is_close(finer))


def zoomed_at_border(found: StabilityMap) -> Sweep:
    """Return the sweep of the tenth part around the first net's border cell nearest the middle.

    Errors: ``SettingError`` if the map has no border.
    """
    rows, columns = found.sweep.shape
    cells = np.argwhere(border(found, 0)).tolist()
    if not cells:
        label = found.sweep.arms[0].label
        raise SettingError(f"{label} has no border in this map: every cell learned, or none did.")
    y, x = min(cells, key=lambda at: (at[0] - rows / 2) ** 2 + (at[1] - columns / 2) ** 2)
    return zoomed(found.sweep, _around(x, columns), _around(y, rows))


def _around(index: int, count: int) -> Range:
    half = max(1.0, count / (2 * _SHARE_AT_BORDER))
    return index - half, index + half


def _part(axis: Axis, values: tuple[Value, ...], places: Range) -> Axis:
    """Return the axis between two places among its values."""
    if not all(map(math.isfinite, places)):
        raise SettingError(f"{axis.spec.label}: the ends of an axis are two numbers.")
    low, high = (_value(axis, values, place) for place in sorted(places))
    if axis.spec.whole:
        low, high = round(low), round(high)
        if low == high:  # the least that an axis of whole numbers can have
            low, high = (low, low + 1) if low + 1 <= axis.high else (low - 1, low)
        return Axis(axis.name, low, high)
    share = max((high - low) / max(abs(high), abs(low)), 10.0**-_MOST_DIGITS)
    digits = min(_DIGITS_OF_PART + math.ceil(-math.log10(share)), _MOST_DIGITS)
    low, high = (float(f"{end:.{digits}g}") for end in (low, high))
    return Axis(axis.name, max(low, axis.low), min(high, axis.high))


def _value(axis: Axis, values: tuple[Value, ...], place: float) -> float:
    """Return the value at a place: between cells by the axis's own spacing."""
    last = len(values) - 1
    if place <= 0 or place >= last:
        return values[0 if place <= 0 else last]
    known = np.array(values, dtype=float)
    if axis.spec.logarithmic:
        return math.exp(float(np.interp(place, np.arange(last + 1), np.log(known))))
    return float(np.interp(place, np.arange(last + 1), known))


def _is_close(sweep: Sweep) -> bool:
    """Return whether neighbours of an axis that is no whole number are hard to tell apart."""
    for axis, values in ((sweep.x, sweep.x_values), (sweep.y, sweep.y_values)):
        if not axis.spec.whole and abs(values[1] - values[0]) < _CLOSE * abs(values[1]):
            return True
    return False
