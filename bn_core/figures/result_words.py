"""What a result's charts show, in words."""

from typing import Any

import numpy as np

from bn_core.figures.record_queries import median
from bn_core.results import Contours, Curve, HeatMap, HeatMaps, Panel

Array = np.ndarray
_NOTHING = "there are no numbers yet"


def panel_words(panel: Panel) -> str:
    """Tell each curve's median at its end, or in each category."""
    of_curve = _by_category if panel.categories else _at_the_end
    said = [of_curve(curve, panel) for curve in panel.curves if curve.y.size]
    seeds = max((len(curve.y) for curve in panel.curves), default=1)
    medians = f", median of {seeds} seeds" if seeds > 1 else ""
    over = f" by {panel.x_label}" if panel.x_label else ""
    return (
        f"{_capital(panel.y_label or panel.title)}{over}{medians}: {'; '.join(said) or _NOTHING}."
    )


def _at_the_end(curve: Curve, panel: Panel) -> str:
    values = curve.y[:, -1]
    at = f" at {curve.x[-1]:.6g}" if len(curve.x) > 1 and panel.x_label else ""
    return f"{curve.label} {value_words(median(values, 0), panel.rounding)}{at}{_lacking(values)}"


def _by_category(curve: Curve, panel: Panel) -> str:
    """Tell the value in each category, or the range where a category has many."""
    said = []
    for number, name in enumerate(panel.categories):
        values = curve.y[:, np.round(curve.x) == number]
        centres = finite(median(values, 0))
        if centres.size > 1:
            ends = (value_words(end, panel.rounding) for end in (centres.min(), centres.max()))
            said.append(f"{name} from {' to '.join(ends)}")
        elif values.size:
            said.append(
                f"{name} {value_words(median(values, 0)[0], panel.rounding)}{_lacking(values)}"
            )
    return f"{curve.label}: {', '.join(said) or _NOTHING}"


def _lacking(values: Array) -> str:
    """Return how many seeds have no finite value, where others have one."""
    lacking = int((~np.isfinite(values)).sum())
    return f" ({lacking} of {values.size} without a number)" if 0 < lacking < values.size else ""


def contour_words(part: Contours) -> str:
    """Tell where a path over a plane begins and ends."""
    path = part.curves[0]
    begin = f"({value_words(path.x[0])}, {value_words(path.y[0, 0])})"
    end = f"({value_words(path.x[-1])}, {value_words(path.y[0, -1])})"
    return f"{path.label} of {len(path.x) - 1} steps from {begin} to {end}, over {part.unit}."


def map_words(part: HeatMaps) -> str:
    """Tell what each heat map holds: its own words, its groups, or the range of its values."""
    said = [words for field in part.fields if (words := _field_words(field, part))]
    axes = " by ".join(label for label in (part.y_label, part.x_label) if label)
    where = f" ({axes})" if axes else ""
    return f"{_capital(part.title)}{where}: {'; '.join(said) or _NOTHING}."


def _field_words(field: HeatMap, part: HeatMaps) -> str:
    values = finite(field.values)
    if field.words or not values.size:
        return f"{field.label}: {field.words}" if field.words else ""
    if part.named:
        names = sorted({name for row in field.text for name in row})
        return f"{field.label}: {len(names)} {part.unit}s, {', '.join(names)}"
    low, high = value_words(values.min()), value_words(values.max())
    return f"{field.label}: {part.unit} from {low} to {high}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def value_words(value: Any, rounding: float = 0.0) -> str:
    """Return a number for a sentence or for the pointer."""
    if np.isnan(value):
        return "no number"
    if np.isinf(value):
        return "infinite"
    return "zero to rounding" if abs(value) <= rounding > 0 else f"{value:.4g}"


def finite(values: Array) -> Array:
    """Return the finite values, (n,)."""
    return values[np.isfinite(values)]
