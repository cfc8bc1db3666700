"""Charts of a study's finding: any panel of curves, any row of heat maps."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bn_core.figures.bands import area
from bn_core.figures.chart import Chart
from bn_core.figures.context import split_interval
from bn_core.figures.layout import axis, guide, layout, legend, line, log_axis, note, thick
from bn_core.figures.record_queries import float32, highest, lowest, middle
from bn_core.figures.theme import (
    ARM_STYLES,
    DIVERGING,
    SEQUENTIAL,
    SPARE_STYLES,
    ArmStyle,
)
from bn_core.figures.view import View
from bn_core.results import Contours, Curve, HeatMap, HeatMaps, Panel

Array = np.ndarray
Trace = dict[str, Any]

_MOST_ACROSS = 4
"""Heat maps in one row; more take several."""
_NOTHING = "There are no numbers"


def chart(part: Panel | HeatMaps | Contours, view: View) -> Chart:
    """Return the chart of a panel, of a row of heat maps, or of contours."""
    match part:
        case Panel():
            made, alt = _panel(part, view), _panel_words(part)
        case HeatMaps():
            made, alt = _map(part, view), _map_words(part)
        case Contours():
            made, alt = _contours(part, view), _contour_words(part)
    return Chart(
        part.id, part.title, made, alt, part.help, isinstance(part, HeatMaps) and part.wide
    )


def style_of(curve: Curve) -> ArmStyle:
    """Return a curve's style: its arm's, or one of the spare ones."""
    return ARM_STYLES.get(curve.arm) or SPARE_STYLES[curve.tone % len(SPARE_STYLES)]


def _panel(panel: Panel, view: View) -> dict[str, Any]:
    traces = [trace for curve in panel.curves for trace in _curve(curve, panel, view)]
    shown = layout(view, **(legend(view) if len(panel.curves) > 1 else {}))
    shown["xaxis"] = _x_axis(panel, view)
    shown["yaxis"] = _y_axis(panel, view)
    shown["shapes"] = [
        guide(view, (0, 1), (at, at), xref="paper", yref="y") for at, _ in panel.marks
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
        for at, words in panel.marks
    ]
    return {"data": traces, "layout": shown}


def _x_axis(panel: Panel, view: View) -> dict[str, Any]:
    if panel.categories:
        ticks = {"tickvals": list(range(len(panel.categories))), "ticktext": panel.categories}
        ends = [-0.5, len(panel.categories) - 0.5]
        return axis(view, panel.x_label, range=ends, **ticks)
    xs = _finite(np.concatenate([curve.x for curve in panel.curves] or [np.zeros(0)]))
    if panel.x_scale == "log" and (xs > 0).any():
        return log_axis(view, panel.x_label, xs[xs > 0].min() / 1.15, xs.max() * 1.15)
    return axis(view, panel.x_label)


def _y_axis(panel: Panel, view: View) -> dict[str, Any]:
    if panel.y_scale == "log":
        ys = _finite(np.concatenate([curve.y.ravel() for curve in panel.curves] or [np.ones(1)]))
        ys = np.concatenate([ys[ys > 0], [at for at, _ in panel.marks]])
        low, high = (ys.min(), ys.max()) if ys.size else (0.1, 1.0)
        return log_axis(view, panel.y_label, low / 1.3, high * 1.3)
    return axis(view, panel.y_label, **({"range": panel.y_range} if panel.y_range else {}))


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)]


def _curve(curve: Curve, panel: Panel, view: View) -> list[Trace]:
    """Return the median of a curve over its seeds, and the range if there are several."""
    style, y = style_of(curve), np.where(np.isfinite(curve.y), curve.y, np.nan)
    group = {"legendgroup": curve.label, "name": curve.label}
    main = {
        "type": "scatter",
        "x": float32(curve.x),
        "y": float32(middle(y, 0)),
        "hovertemplate": f"{curve.label}: %{{y:.4g}}<extra></extra>",
        **group,
    }
    points = curve.kind == "points"
    if points or len(curve.x) <= 12:
        marker = {"symbol": style.symbol, "size": thick(view, 8), "color": style.colour}
        main |= {"mode": "markers" if points else "lines+markers", "marker": marker}
    else:
        main |= {"mode": "lines"}
    main["line"] = line(view, style.colour, style.dash, 2)
    if curve.faint:
        main["line"] = line(view, style.faint(0.45))
    if len(y) == 1:
        return [main]
    low, high = lowest(y, 0), highest(y, 0)
    if points:
        centre = middle(y, 0)
        main["error_y"] = {
            "array": float32(high - centre),
            "arrayminus": float32(centre - low),
            "color": style.faint(0.6),
            "symmetric": False,
        }
        return [main]
    beside = {"legendgroup": curve.label, "showlegend": False}
    return [area(style, curve.x, low, high) | beside, main]


def _map(part: HeatMaps, view: View) -> dict[str, Any]:
    low, high = _scale(part.fields, part.signed)
    shown = layout(view, margin={"l": 40, "r": 60, "t": 24, "b": 36, "pad": 0})
    traces, notes = [], []
    for index, (across, down) in enumerate(_places(len(part.fields))):
        field, tail = part.fields[index], str(index + 1) if index else ""
        traces.append(_heat(field, part, low, high, tail, last=index == len(part.fields) - 1))
        first = across[0] == 0 and down[0] == 0
        titles = (part.x_label, part.y_label) if first else ("", "")
        shown[f"xaxis{tail}"] = axis(view, titles[0], domain=across, anchor=f"y{tail}")
        shown[f"yaxis{tail}"] = axis(
            view, titles[1], autorange="reversed", anchor=f"x{tail}", domain=down
        )
        if part.square:
            shown[f"xaxis{tail}"] |= {"constrain": "domain", "showticklabels": False}
            fixed = {"scaleanchor": f"x{tail}", "constrain": "domain", "showticklabels": False}
            shown[f"yaxis{tail}"] |= fixed
        middle, top = (across[0] + across[1]) / 2, {"xanchor": "center", "yanchor": "bottom"}
        notes.append(note(view, f"<b>{field.label}</b>", middle, down[1], **top))
    shown["annotations"] = notes
    return {"data": traces, "layout": shown}


def _places(count: int) -> list[tuple[list[float], list[float]]]:
    """Return where each of some fields stands, across and down: many take several rows."""
    if not count:
        return []
    across = count if count <= _MOST_ACROSS else -(-count // (-(-count // _MOST_ACROSS)))
    rows = -(-count // across)
    downs = split_interval(rows, 0.16)[::-1]
    return [
        (list(column), list(down)) for down in downs for column in split_interval(across, 0.05)
    ][:count]


def _heat(
    field: HeatMap, part: HeatMaps, low: float, high: float, tail: str, *, last: bool
) -> Trace:
    colours = DIVERGING if part.signed else SEQUENTIAL
    return {
        "type": "heatmap",
        "z": float32(field.values),
        "zmin": low,
        "zmax": high,
        "colorscale": colours,
        "xaxis": f"x{tail}",
        "yaxis": f"y{tail}",
        "showscale": last and part.scale,
        "colorbar": {"title": {"text": part.unit, "side": "right"}, "thickness": 10},
        "hovertemplate": "row %{y}, column %{x}: %{z:.4g}<extra></extra>",
        **({"text": field.text, "texttemplate": "%{text}"} if field.text else {}),
    }


def _contours(part: Contours, view: View) -> dict[str, Any]:
    heights = {
        "type": "contour",
        "x": float32(part.x),
        "y": float32(part.y),
        "z": float32(part.heights),
        "contours": {"coloring": "none"},
        "line": line(view, "@muted/0.6"),
        "ncontours": 14,
        "showlegend": False,
        "showscale": False,
        "hovertemplate": f"{part.unit}: %{{z:.3g}}<extra></extra>",
    }
    shown = layout(view, **legend(view))
    shown["xaxis"], shown["yaxis"] = axis(view, part.x_label), axis(view, part.y_label)
    paths = [_path(curve, view) for curve in part.curves]
    return {"data": [heights, *paths], "layout": shown}


def _path(curve: Curve, view: View) -> Trace:
    style = style_of(curve)
    points = curve.kind == "points"
    return {
        "type": "scatter",
        "mode": "markers" if points else "lines+markers",
        "x": float32(curve.x),
        "y": float32(curve.y[0]),
        "name": curve.label,
        "line": line(view, style.colour, "solid", 1.5),
        "marker": {
            "symbol": "star" if points else "circle",
            "size": thick(view, 13 if points else 4),
            "color": style.colour,
        },
        "hovertemplate": f"{curve.label} %{{pointNumber}}: (%{{x:.4g}}, %{{y:.4g}})<extra></extra>",
    }


def _scale(fields: Sequence[HeatMap], signed: bool) -> tuple[float, float]:
    values = _finite(np.concatenate([field.values.ravel() for field in fields] or [np.zeros(0)]))
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    return (-max(-low, high, 1e-12), max(-low, high, 1e-12)) if signed else (low, high)


def _panel_words(panel: Panel) -> str:
    said = [
        f"{curve.label} ends at {_number(middle(curve.y, 0)[-1])}"
        for curve in panel.curves
        if curve.y.size
    ]
    return f"{panel.y_label} over {panel.x_label}. {'; '.join(said) or _NOTHING}."


def _contour_words(part: Contours) -> str:
    path = part.curves[0]
    begin = f"({_number(path.x[0])}, {_number(path.y[0, 0])})"
    end = f"({_number(path.x[-1])}, {_number(path.y[0, -1])})"
    return f"{path.label} of {len(path.x) - 1} steps from {begin} to {end}, over {part.unit}."


def _map_words(part: HeatMaps) -> str:
    said = [
        f"{field.label} lies between {_number(_finite(field.values).min())} "
        f"and {_number(_finite(field.values).max())}"
        for field in part.fields
        if _finite(field.values).size
    ]
    return f"{part.unit}: {part.y_label} by {part.x_label}. {'; '.join(said) or _NOTHING}."


def _number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "no number"
