"""Where a net draws the line between two classes of points in the plane."""

from typing import Any

import numpy as np

from bn_core.figures import record_queries as queries
from bn_core.figures.chart import Chart, LegendEntry
from bn_core.figures.context import (
    MOST_COLUMNS,
    TWO_ROWS,
    FigureContext,
    Tile,
    Trace,
    absence_note,
    arm_title,
    tiles,
)
from bn_core.figures.layout import axis, layout, line, text_size, thick
from bn_core.figures.outputs import first_seed_absence
from bn_core.figures.record_queries import float32
from bn_core.figures.theme import BOUNDARY, CLASSES
from bn_core.figures.view import View
from bn_core.records import DataSummary, Record

Array = np.ndarray

MOST_POINTS = 150

HELP = (
    "What the net of the first seed answers at every place of the plane: olive or yellow for one "
    "class, violet for the other, the page's own colour between, and a line at equal shares. The "
    "points are validation data; a good line passes between circles and diamonds and stays smooth. "
    "Batch norm uses its running averages here, as it does in inference (Ioffe & Szegedy, 2015)."
)


def boundary(record: Record, view: View, cursor: int | None) -> Chart:
    """Return the share for class 1 over the plane with the validation points, a panel an arm."""
    context = FigureContext(record, view, cursor)
    shares = [_share_of(context, arm) for arm in range(len(context.arms))]
    data: list[Trace] = []
    notes, axes = [], {}
    # Up to two stand side by side, more on two rows, to stay large.
    parts = tiles(len(shares), 2 if len(shares) < 5 else MOST_COLUMNS, (0.05, 0.16))
    for arm, tile in enumerate(parts):
        share, number = shares[arm], tile.number
        names = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
        axes |= _axes(context, tile)
        notes.append(arm_title(context, arm, tile))
        if share is None:
            notes.append(absence_note(context, first_seed_absence(context, arm), tile))
            panel = [{"type": "scatter", "x": [None], "y": [None]}]
        else:
            panel = [*_plane(context, arm, share), *_points(context)]
        data += [trace | names for trace in panel]
    figure_layout = layout(view, annotations=notes, **axes)
    margin = figure_layout["margin"] | {"l": 8, "r": 8, "b": 8, "t": text_size(view) + 10}
    figure = {"data": data, "layout": figure_layout | {"margin": margin}}
    legend = _legend(record.summary)
    return Chart(
        "moment",
        "Decision boundary",
        figure,
        _words(context),
        HELP,
        legend=legend,
        height=TWO_ROWS - 60 if len(parts) > 2 else 0,
    )


_TOWARDS = {(0, 2): "right", (1, 2): "left"}
"""Squares on two columns stand side by side, however wide the chart is."""


def _axes(context: FigureContext, tile: Tile) -> dict[str, Any]:
    number, towards = tile.number, _TOWARDS.get((tile.column, tile.columns), "center")
    extent = context.record.summary.extent or 1.0
    plain = {"range": [-extent, extent], "showticklabels": False, "showgrid": False}
    plain["constrain"] = "domain"
    # Equal aspect: a circle of points is drawn as one.
    equal = {"scaleanchor": f"x{number}", "scaleratio": 1}
    x = {"domain": list(tile.across), "anchor": f"y{number}", "constraintoward": towards}
    y = {"domain": list(tile.up), "anchor": f"x{number}"}
    return {
        f"xaxis{number}": axis(context.view, **plain, **x),
        f"yaxis{number}": axis(context.view, **plain, **y, **equal),
    }


def _share_of(context: FigureContext, arm: int) -> Array | None:
    snapshot = context.snapshot.arms[arm]
    if snapshot is None or not np.isfinite(snapshot.boundary).any():
        return None
    return float32(snapshot.boundary)


def _plane(context: FigureContext, arm: int, share: Array) -> list[Trace]:
    extent = context.record.summary.extent or 1.0
    line_up = float32(np.linspace(-extent, extent, len(share)))
    classes, label = context.record.summary.classes, context.arms[arm].label
    shared = {"z": share, "x": line_up, "y": line_up, "showscale": False}
    heat = {
        "type": "heatmap",
        "zmin": 0,
        "zmax": 1,
        "colorscale": BOUNDARY,
        "zsmooth": "fast",
        "opacity": 0.85,
        "hoverongaps": False,
        "name": label,
        "hovertemplate": f"%{{x:.2f}}, %{{y:.2f}}<br>share for {classes[-1]}: %{{z:.3f}}"
        f"<extra>{label}</extra>",
    }
    contour = {
        "type": "contour",
        "autocontour": False,
        "contours": {"coloring": "none", "start": 0.5, "end": 0.5, "size": 1},
        "line": line(context.view, "@text", width=1.6),
        "hoverinfo": "skip",
        "name": f"{label}, border",
    }
    return [shared | heat, shared | contour]


def _points(context: FigureContext) -> list[Trace]:
    """Return the points of each class; in all panels the same."""
    summary = context.record.summary
    return [
        _class_points(context, summary, number) for number in range(min(2, len(summary.classes)))
    ]


def _class_points(context: FigureContext, summary: DataSummary, number: int) -> Trace:
    colour, symbol = CLASSES[number]
    chosen = summary.points[:MOST_POINTS][summary.labels[:MOST_POINTS] == number]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": summary.classes[number],
        "x": float32(chosen[:, 0]),
        "y": float32(chosen[:, 1]),
        "marker": {
            "symbol": symbol,
            "size": thick(context.view, 4.5),
            "color": colour,
            "line": {"color": "@paper", "width": 0.7},
        },
        "hoverinfo": "skip",
        "legendgroup": f"class {number}",
    }


def _legend(summary: DataSummary) -> list[LegendEntry]:
    """Return the two classes' names: colour and marker of their points."""
    return [
        LegendEntry(name, f"class {number}", colour, symbol=symbol)
        for number, (name, (colour, symbol)) in enumerate(
            zip(summary.classes[:2], CLASSES, strict=True)
        )
    ]


def _words(context: FigureContext) -> str:
    summary, parts = context.record.summary, []
    for arm in range(len(context.arms)):
        share = _share_of(context, arm)
        if share is None:
            parts.append(f"{context.arms[arm].label} none")
            continue
        of_last = float((share > 0.5).mean())
        parts.append(f"{context.arms[arm].label} {queries.percent(of_last)}")
    return (
        f"Share of the plane that the net of seed {queries.seed(context.record, 0)} gives to class "
        f"{summary.classes[-1]}, {queries.when(context.snapshot.step)}: {', '.join(parts)}."
    )
