"""Charts of a computation's result: any panel of curves, any row of heat maps."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bn_core.figures.chart import Chart, LegendEntry
from bn_core.figures.context import split_interval
from bn_core.figures.layout import axis, layout, line, note, thick
from bn_core.figures.panel import STEP, panel_figure, panel_legend, style_of
from bn_core.figures.record_queries import float32
from bn_core.figures.result_words import contour_words, finite, map_words, panel_words
from bn_core.figures.theme import DIVERGING, SEQUENTIAL
from bn_core.figures.view import View
from bn_core.results import Contours, Curve, HeatMap, HeatMaps, Panel

Array = np.ndarray
Trace = dict[str, Any]

_MOST_ACROSS = 4
"""Heat maps in one row; more take several."""


def chart(part: Panel | HeatMaps | Contours, view: View) -> Chart:
    """Return the chart of a panel, of a row of heat maps, or of contours."""
    match part:
        case Panel():
            made, alt, legend = panel_figure(part, view), panel_words(part), panel_legend(part)
        case HeatMaps():
            made, alt, legend = _map(part, view), map_words(part), []
        case Contours():
            made, alt, legend = _contours(part, view), contour_words(part), _path_legend(part)
    over_steps = isinstance(part, Panel) and part.x_label == STEP and not part.categories
    return Chart(
        part.id,
        part.title,
        made,
        alt,
        part.help,
        wide=isinstance(part, HeatMaps) and part.wide,
        legend=legend,
        time_axes=["xaxis"] if over_steps else [],
        time_unit="step" if over_steps else "",
    )


def _path_legend(part: Contours) -> list[LegendEntry]:
    return [
        LegendEntry(
            label=curve.label,
            group=curve.label,
            colour=style_of(curve).colour,
            dash="" if curve.kind == "points" else "solid",
            symbol="star" if curve.kind == "points" else "circle",
        )
        for curve in part.curves
    ]


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
        if part.rows:
            numbers = [str(row + 1) for row in range(len(part.rows))]
            shown[f"yaxis{tail}"] |= {"tickvals": list(range(len(numbers))), "ticktext": numbers}
        if part.columns:
            shown[f"xaxis{tail}"] |= {"showticklabels": False}
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
        "name": field.label,
        "xaxis": f"x{tail}",
        "yaxis": f"y{tail}",
        "showscale": last and part.scale,
        "colorbar": {"title": {"text": part.unit, "side": "right"}, "thickness": 10},
        **_cell_hover(field, part),
        **({"text": field.text, "texttemplate": "%{text}"} if field.text else {}),
    }


def _cell_hover(field: HeatMap, part: HeatMaps) -> dict[str, Any]:
    """Return what the pointer reads in a cell: where it is, and its value or its group."""
    held = f"{part.unit} %{{text}}" if part.named else f"{part.unit} %{{z:.4g}}"
    if not (part.rows or part.columns):
        return {"hovertemplate": f"row %{{y}}, column %{{x}}: {held}<extra></extra>"}
    rows = part.rows or tuple(map(str, range(len(field.values))))
    columns = part.columns or tuple(map(str, range(field.values.shape[1])))
    places = [[f"{row}, {column}" for column in columns] for row in rows]
    return {"customdata": places, "hovertemplate": f"%{{customdata}}: {held}<extra></extra>"}


def _contours(part: Contours, view: View) -> dict[str, Any]:
    heights = {
        "type": "contour",
        "x": float32(part.x),
        "y": float32(part.y),
        "z": float32(part.heights),
        "contours": {"coloring": "none"},
        "line": line(view, "@muted/0.6"),
        "ncontours": 14,
        "showscale": False,
        "hovertemplate": f"{part.unit}: %{{z:.3g}}<extra></extra>",
    }
    shown = layout(view)
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
        "legendgroup": curve.label,
        "line": line(view, style.colour, "solid", 1.5),
        "marker": {
            "symbol": "star" if points else "circle",
            "size": thick(view, 13 if points else 4),
            "color": style.colour,
        },
        "hovertemplate": f"{curve.label} %{{pointNumber}}: (%{{x:.4g}}, %{{y:.4g}})<extra></extra>",
    }


def _scale(fields: Sequence[HeatMap], signed: bool) -> tuple[float, float]:
    values = finite(np.concatenate([field.values.ravel() for field in fields] or [np.zeros(0)]))
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    return (-max(-low, high, 1e-12), max(-low, high, 1e-12)) if signed else (low, high)
