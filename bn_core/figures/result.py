"""Charts of a computation's result: any panel of curves, any row of heat maps."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bn_core.figures.bands import alone_shown, area
from bn_core.figures.chart import Chart
from bn_core.figures.context import split_interval
from bn_core.figures.layout import axis, guide, layout, legend, line, log_axis, note, thick
from bn_core.figures.record_queries import extremes, float32, median
from bn_core.figures.theme import DIVERGING, SEQUENTIAL, ArmStyle, curve_style
from bn_core.figures.view import View
from bn_core.results import Contours, Curve, HeatMap, HeatMaps, Panel

Array = np.ndarray
Trace = dict[str, Any]

_MOST_ACROSS = 4
"""Heat maps in one row; more take several."""
_FEW = 12
"""Curves of at most so many values have a marker at each."""
_NOTHING = "there are no numbers yet"


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
    """Return a curve's style: the one it names, its arm's, or one of the neutral ones."""
    return curve_style(curve.colour, curve.arm, curve.tone)


def _panel(panel: Panel, view: View) -> dict[str, Any]:
    ends = _y_ends(panel)
    traces = [trace for curve in panel.curves for trace in _curve(curve, panel, view, ends)]
    shown = layout(view, **(legend(view) if len(panel.curves) > 1 else {}))
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


def _x_axis(panel: Panel, view: View) -> dict[str, Any]:
    if panel.categories:
        ticks = {"tickvals": list(range(len(panel.categories))), "ticktext": panel.categories}
        ends = [-0.5, len(panel.categories) - 0.5]
        return axis(view, panel.x_label, range=ends, **ticks)
    xs = _finite(np.concatenate([curve.x for curve in panel.curves] or [np.zeros(0)]))
    if panel.x_scale == "log" and (xs > 0).any():
        return log_axis(view, panel.x_label, xs[xs > 0].min() / 1.15, xs.max() * 1.15)
    return axis(view, panel.x_label)


def _marks(panel: Panel) -> list[tuple[float, str]]:
    """Return a panel's lines with words; one tells where values are zero to rounding."""
    small = any((np.abs(curve.y) <= panel.rounding).any() for curve in panel.curves)
    zero = [(panel.rounding, "zero to rounding")] if panel.rounding and small else []
    return [*panel.marks, *zero]


def _y_ends(panel: Panel) -> tuple[float, float] | None:
    """Return where the y axis begins and ends; None if plotly may choose."""
    if panel.y_range and panel.y_scale != "log":
        return panel.y_range
    ys = _finite(np.concatenate([curve.y.ravel() for curve in panel.curves] or [np.ones(1)]))
    ys = np.concatenate([np.maximum(ys, panel.rounding), [at for at, _ in _marks(panel)]])
    if panel.y_scale == "log":
        ys = ys[ys > 0]
        return (float(ys.min()) / 1.3, float(ys.max()) * 1.3) if ys.size else (0.077, 1.3)
    if any(np.isinf(curve.y).any() for curve in panel.curves) and ys.size:
        room = 0.08 * max(float(np.ptp(ys)), 1e-12)
        return float(ys.min()) - room, float(ys.max()) + room
    return None


def _y_axis(panel: Panel, view: View, ends: tuple[float, float] | None) -> dict[str, Any]:
    if panel.y_scale == "log" and ends:
        return log_axis(view, panel.y_label, *ends)
    return axis(view, panel.y_label, **({"range": list(ends)} if ends else {}))


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)]


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
        **beside,
        **_marked(curve, style, drawn, view),
    }
    if len(curve.y) == 1:
        return [main]
    if curve.kind == "points":
        main["error_y"] = {
            "array": float32(high - drawn),
            "arrayminus": float32(drawn - low),
            "color": style.faint(0.6),
            "symmetric": False,
        }
        return [main]
    return [area(style, curve.x, low, high) | beside | {"showlegend": False}, main]


def _within(values: Array, ends: tuple[float, float] | None, panel: Panel) -> Array:
    """Return where values stand: infinite ones, and on a log axis small ones, at its end."""
    if ends is None:
        return values
    if panel.y_scale == "log":
        return np.clip(values, max(ends[0], panel.rounding), ends[1])
    return np.where(np.isinf(values), np.clip(values, *ends), values)


def _full_line(style: ArmStyle, view: View) -> dict[str, Any]:
    return line(view, style.colour, style.dash, 2)


def _marked(curve: Curve, style: ArmStyle, drawn: Array, view: View) -> dict[str, Any]:
    """Return whether a curve has markers: points, few values, or values without a neighbour."""
    points = curve.kind == "points"
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
        said = f"{curve.label}: {_value(median(known, 0), panel.rounding)}"
        if known.min() != known.max():
            low, high = (_value(end, panel.rounding) for end in (known.min(), known.max()))
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


def _value(value: Any, rounding: float = 0.0) -> str:
    """Return a number for a sentence or for the pointer."""
    if np.isnan(value):
        return "no number"
    if np.isinf(value):
        return "infinite"
    return "zero to rounding" if abs(value) <= rounding > 0 else f"{value:.4g}"


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
    return f"{curve.label} {_value(median(values, 0), panel.rounding)}{at}{_lacking(values)}"


def _by_category(curve: Curve, panel: Panel) -> str:
    """Tell the value in each category, or the range where a category has many."""
    said = []
    for number, name in enumerate(panel.categories):
        values = curve.y[:, np.round(curve.x) == number]
        centres = _finite(median(values, 0))
        if centres.size > 1:
            ends = (_value(end, panel.rounding) for end in (centres.min(), centres.max()))
            said.append(f"{name} from {' to '.join(ends)}")
        elif values.size:
            said.append(f"{name} {_value(median(values, 0)[0], panel.rounding)}{_lacking(values)}")
    return f"{curve.label}: {', '.join(said) or _NOTHING}"


def _lacking(values: Array) -> str:
    """Return how many seeds have no finite value, where others have one."""
    lacking = int((~np.isfinite(values)).sum())
    return f" ({lacking} of {values.size} without a number)" if 0 < lacking < values.size else ""


def _contour_words(part: Contours) -> str:
    path = part.curves[0]
    begin = f"({_value(path.x[0])}, {_value(path.y[0, 0])})"
    end = f"({_value(path.x[-1])}, {_value(path.y[0, -1])})"
    return f"{path.label} of {len(path.x) - 1} steps from {begin} to {end}, over {part.unit}."


def _map_words(part: HeatMaps) -> str:
    said = [words for field in part.fields if (words := _field_words(field, part))]
    axes = " by ".join(label for label in (part.y_label, part.x_label) if label)
    where = f" ({axes})" if axes else ""
    return f"{_capital(part.title)}{where}: {'; '.join(said) or _NOTHING}."


def _field_words(field: HeatMap, part: HeatMaps) -> str:
    values = _finite(field.values)
    if field.words or not values.size:
        return f"{field.label}: {field.words}" if field.words else ""
    if part.named:
        names = sorted({name for row in field.text for name in row})
        return f"{field.label}: {len(names)} {part.unit}s, {', '.join(names)}"
    return f"{field.label}: {part.unit} from {_value(values.min())} to {_value(values.max())}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
