"""A panel of curves: medians over the seeds with their range."""

from typing import Any

import numpy as np

from bn_core.figures.bands import alone_shown, area
from bn_core.figures.chart import LegendEntry
from bn_core.figures.layout import axis, guide, layout, line, log_axis, note, thick
from bn_core.figures.record_queries import extremes, float32, median
from bn_core.figures.result_words import finite, value_words
from bn_core.figures.theme import ArmStyle, curve_style
from bn_core.figures.view import View
from bn_core.results import Curve, Panel

Array = np.ndarray
Trace = dict[str, Any]

STEP = "step"
"""The label of an x axis over the steps of training."""

_FEW = 12
"""Curves of at most so many values have a marker at each."""


def style_of(curve: Curve) -> ArmStyle:
    """Return a curve's style: the one it names, its arm's, or one of the neutral ones."""
    return curve_style(curve.colour, curve.arm, curve.tone)


def panel_figure(panel: Panel, view: View) -> dict[str, Any]:
    """Return the plotly figure of a panel."""
    ends = _y_ends(panel)
    traces = [trace for curve in panel.curves for trace in _curve(curve, panel, view, ends)]
    shown = layout(view)
    shown["xaxis"] = _x_axis(panel, view)
    shown["yaxis"] = _y_axis(panel, view, ends)
    shown["shapes"] = [
        guide(view, (0, 1), (at, at), xref="paper", yref="y") for at, _ in _marks(panel)
    ]
    shown["annotations"] = [
        note(
            view,
            words,
            1,
            np.log10(at) if panel.y_scale == "log" else at,
            yref="y",
            xanchor="right",
            yanchor="bottom",
        )
        for at, words in _marks(panel)
    ]
    return {"data": traces, "layout": shown}


def panel_legend(panel: Panel) -> list[LegendEntry]:
    """Return a line of the legend for each of several curves."""
    styles = [style_of(curve) for curve in panel.curves]
    return [
        LegendEntry(
            label=curve.label,
            group=curve.label,
            colour=style.colour,
            dash="" if _is_points(curve, panel) else "solid" if curve.faint else style.dash,
            symbol=style.symbol if _is_points(curve, panel) or len(curve.x) <= _FEW else "",
            at=float(curve.x[-1]) if len(curve.x) else None,
        )
        for curve, style in zip(panel.curves, styles, strict=True)
        if len(panel.curves) > 1 or panel.x_label == STEP
    ]


def _x_axis(panel: Panel, view: View) -> dict[str, Any]:
    if panel.categories:
        ticks = {"tickvals": list(range(len(panel.categories))), "ticktext": panel.categories}
        ends = [-0.5, len(panel.categories) - 0.5]
        return axis(view, panel.x_label, range=ends, **ticks)
    tried = values_tried(panel)
    xs = finite(np.concatenate([curve.x for curve in panel.curves] or [np.zeros(0)]))
    if panel.x_scale == "log" and (xs > 0).any():
        ticks = {"tickvals": tried, "ticktext": [f"{x:g}" for x in tried]} if tried else {}
        ends = xs[xs > 0].min() / 1.15, xs.max() * 1.15
        return log_axis(view, panel.x_label, *ends, **ticks)
    return axis(view, panel.x_label)


def values_tried(panel: Panel) -> list[float]:
    """Return the few values of a setting at which a panel was measured; none of another panel.

    A setting whose values lie far apart, such as a rate, has a log axis.
    """
    xs = {float(x) for curve in panel.curves if not curve.faint for x in curve.x}
    is_setting = panel.x_scale == "log" and panel.x_label != STEP and not panel.categories
    return sorted(xs) if is_setting and len(xs) <= _FEW and min(xs, default=0) > 0 else []


def _is_points(curve: Curve, panel: Panel) -> bool:
    """Return whether no line joins a curve's values: nothing was measured between them."""
    return curve.kind == "points" or (bool(values_tried(panel)) and not curve.faint)


def _marks(panel: Panel) -> list[tuple[float, str]]:
    """Return a panel's lines with words; one tells where values are zero to rounding."""
    small = any((np.abs(curve.y) <= panel.rounding).any() for curve in panel.curves)
    zero = [(panel.rounding, "zero to rounding")] if panel.rounding and small else []
    return [*panel.marks, *zero]


def _y_ends(panel: Panel) -> tuple[float, float] | None:
    """Return where the y axis begins and ends; None if plotly may choose."""
    if panel.y_range and panel.y_scale != "log":
        return panel.y_range
    ys = finite(np.concatenate([curve.y.ravel() for curve in panel.curves] or [np.ones(1)]))
    ys = np.concatenate([np.maximum(ys, panel.rounding), [at for at, _ in _marks(panel)]])
    if panel.y_scale == "log":
        ys = ys[ys > 0]
        return (float(ys.min()) / 1.3, float(ys.max()) * 1.3) if ys.size else (0.077, 1.3)
    if any(np.isinf(curve.y).any() for curve in panel.curves) and ys.size:
        margin = 0.08 * max(float(np.ptp(ys)), 1e-12)
        return float(ys.min()) - margin, float(ys.max()) + margin
    return None


def _y_axis(panel: Panel, view: View, ends: tuple[float, float] | None) -> dict[str, Any]:
    if panel.y_scale == "log" and ends:
        return log_axis(view, panel.y_label, *ends)
    return axis(view, panel.y_label, **({"range": list(ends)} if ends else {}))


def _curve(curve: Curve, panel: Panel, view: View, ends: tuple[float, float] | None) -> list[Trace]:
    """Return the median of a curve over its seeds, and the range if there are several."""
    style, y = style_of(curve), curve.y.astype(np.float64)
    centre = median(y, 0)
    low, high = (_within(end, ends, panel) for end in extremes(y, 0))
    drawn = np.where(np.isfinite(centre), _within(centre, ends, panel), np.nan)
    beside = {"legendgroup": curve.label, "name": curve.label}
    main = {
        "type": "scatter",
        "x": float32(curve.x),
        "y": float32(drawn),
        "customdata": _hover_texts(curve, panel),
        "hovertemplate": "%{customdata}<extra></extra>",
        "line": line(view, style.faint(0.45)) if curve.faint else _full_line(style, view),
        "meta": {"read": "y"},
        **beside,
        **_marked(curve, style, drawn, view, points=_is_points(curve, panel)),
    }
    if len(curve.y) == 1:
        return [main]
    if _is_points(curve, panel):
        main["error_y"] = {
            "array": float32(high - drawn),
            "arrayminus": float32(drawn - low),
            "color": style.faint(0.6),
            "symmetric": False,
        }
        return [main]
    return [area(style, curve.x, low, high) | beside, main]


def _within(values: Array, ends: tuple[float, float] | None, panel: Panel) -> Array:
    """Return where values stand: infinite ones, and on a log axis small ones, at its end."""
    if ends is None:
        return values
    if panel.y_scale == "log":
        return np.clip(values, max(ends[0], panel.rounding), ends[1])
    return np.where(np.isinf(values), np.clip(values, *ends), values)


def _full_line(style: ArmStyle, view: View) -> dict[str, Any]:
    return line(view, style.colour, style.dash, 2)


def _marked(
    curve: Curve, style: ArmStyle, drawn: Array, view: View, *, points: bool
) -> dict[str, Any]:
    """Return whether a curve has markers: points, few values, or values without a neighbour."""
    if points or len(curve.x) <= _FEW:
        marker = {"symbol": style.symbol, "size": thick(view, 8), "color": style.colour}
        return {"mode": "markers" if points else "lines+markers", "marker": marker}
    return {"mode": "lines"} | alone_shown(view, drawn, style)


def _hover_texts(curve: Curve, panel: Panel) -> list[str]:
    """Return what stands at each point: the exact median and range, and how many seeds."""
    seeds, texts = len(curve.y), []
    for x, values in zip(curve.x, curve.y.T, strict=True):
        known = values[~np.isnan(values)]
        if not known.size:
            texts.append("")
            continue
        said = f"{curve.label}: {value_words(median(known, 0), panel.rounding)}"
        if known.min() != known.max():
            low, high = (value_words(end, panel.rounding) for end in (known.min(), known.max()))
            said += f" ({low} to {high})"
        if len(known) < seeds:
            said += f", {len(known)} of {seeds} seeds"
        texts.append(f"{said}<br>{_place(x, panel)}")
    return texts


def _place(x: float, panel: Panel) -> str:
    """Return what stands on the x axis at a point: its category, or its number and label."""
    if panel.categories:
        nearest = round(float(np.clip(x, 0, len(panel.categories) - 1)))
        return f"{panel.x_label} {panel.categories[nearest]}".strip()
    return f"{panel.x_label} {x:.6g}".strip()
