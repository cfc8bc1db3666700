"""Where a net draws the line between two classes of points in the plane."""

import math
from typing import Any

import numpy as np

from bn_core.figures import reading
from bn_core.figures.chart import Chart
from bn_core.figures.layout import axis, layout, line, note, thick
from bn_core.figures.outputs import first_seed_absence
from bn_core.figures.reading import float32
from bn_core.figures.sheet import Sheet, Trace, arm_title, spread
from bn_core.figures.theme import BOUNDARY, CLASSES
from bn_core.figures.view import View
from bn_core.records import Record, Scene

Array = np.ndarray

MOST_POINTS = 150

HELP = (
    "What the net of the first seed answers at every place of the plane: orange for one class, "
    "blue for the other, pale where it is undecided, and a line where the shares are equal. The "
    "points are validation data; a good line passes between circles and diamonds and stays smooth. "
    "Batch norm uses its running averages here, as a deployed net does (Ioffe & Szegedy, 2015)."
)


def boundary(record: Record, view: View, cursor: int | None) -> Chart:
    """Return the share for class 1 over the plane with the validation points, a panel an arm."""
    sheet = Sheet(record, view, cursor)
    shares = [_share_of(sheet, arm) for arm in range(len(sheet.arms))]
    drawn = [arm for arm, share in enumerate(shares) if share is not None]
    data: list[Trace] = []
    notes, axes = [], {}
    for arm, ((column, columns), across, up) in enumerate(_places(len(shares), view)):
        number, share = str(arm + 1) if arm else "", shares[arm]
        names = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
        axes |= _axes(sheet, number, across, up, _TOWARDS.get((column, columns), "center"))
        # Relative to the drawn square, which is smaller than its cell.
        place = {"xref": f"x{number} domain", "yref": f"y{number} domain"}
        notes.append(arm_title(sheet, arm, 0.5, 1, **place))
        if share is None:
            notes.append(note(view, first_seed_absence(sheet, arm), 0.5, 0.5, **place))
            panel = [{"type": "scatter", "x": [None], "y": [None], "showlegend": False}]
        else:
            panel = [*_plane(sheet, arm, share), *_points(sheet, named=arm == drawn[0])]
        data += [trace | names for trace in panel]
    legend = _legend(beside=len(shares) == 3)
    figure_layout = layout(view, showlegend=True, annotations=notes, **legend, **axes)
    margin = figure_layout["margin"] | {"l": 8, "r": 8, "t": 28 if view.projector else 20}
    figure = {"data": data, "layout": figure_layout | {"margin": margin}}
    return Chart("moment", "Decision boundary", figure, _words(sheet), HELP)


_TOWARDS = {(0, 2): "right", (1, 2): "left"}
"""Squares on two columns stand side by side, however wide the chart is."""


def _places(count: int, view: View) -> list[tuple[tuple[int, int], Any, Any]]:
    """Return each panel's column of how many, and its place across and up, in shares of 1.

    Up to two stand side by side, more on two rows, to stay large.
    """
    rows = 1 if count < 3 else 2
    columns = math.ceil(count / rows)
    across, up = spread(columns, 0.05), spread(rows, 0.13 if view.projector else 0.11)[::-1]
    cells = [divmod(i, columns) for i in range(count)]
    return [((column, columns), across[column], up[row]) for row, column in cells]


def _axes(sheet: Sheet, number: str, across: Any, up: Any, towards: str) -> dict[str, Any]:
    extent = sheet.record.scene.extent or 1.0
    plain = {"range": [-extent, extent], "showticklabels": False, "showgrid": False}
    plain["constrain"] = "domain"
    # Equal aspect: a circle of points looks like one.
    equal = {"scaleanchor": f"x{number}", "scaleratio": 1}
    x = {"domain": list(across), "anchor": f"y{number}", "constraintoward": towards}
    y = {"domain": list(up), "anchor": f"x{number}"}
    return {
        f"xaxis{number}": axis(sheet.view, **plain, **x),
        f"yaxis{number}": axis(sheet.view, **plain, **y, **equal),
    }


def _share_of(sheet: Sheet, arm: int) -> Array | None:
    look = sheet.look.arms[arm]
    found = look is not None and look.boundary.size and np.isfinite(look.boundary).any()
    return float32(look.boundary) if look is not None and found else None


def _plane(sheet: Sheet, arm: int, share: Array) -> list[Trace]:
    extent = sheet.record.scene.extent or 1.0
    line_up = float32(np.linspace(-extent, extent, len(share)))
    classes, label = sheet.record.scene.classes, sheet.arms[arm].label
    shared = {"z": share, "x": line_up, "y": line_up, "showscale": False, "showlegend": False}
    heat = {
        "type": "heatmap",
        "zmin": 0,
        "zmax": 1,
        "colorscale": BOUNDARY,
        "zsmooth": "fast",
        "opacity": 0.85,
        "hoverongaps": False,
        "hovertemplate": f"%{{x:.2f}}, %{{y:.2f}}<br>share for {classes[-1]}: %{{z:.3f}}"
        f"<extra>{label}</extra>",
    }
    contour = {
        "type": "contour",
        "autocontour": False,
        "contours": {"coloring": "none", "start": 0.5, "end": 0.5, "size": 1},
        "line": line(sheet.view, "@text", width=1.6),
        "hoverinfo": "skip",
    }
    return [shared | heat, shared | contour]


def _points(sheet: Sheet, *, named: bool) -> list[Trace]:
    """Return the points of each class; in all panels the same, named in the legend once."""
    scene = sheet.record.scene
    return [
        _class_points(sheet, scene, number, named) for number in range(min(2, len(scene.classes)))
    ]


def _class_points(sheet: Sheet, scene: Scene, number: int, named: bool) -> Trace:
    colour, symbol = CLASSES[number]
    chosen = scene.points[:MOST_POINTS][scene.labels[:MOST_POINTS] == number]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": scene.classes[number],
        "x": float32(chosen[:, 0]),
        "y": float32(chosen[:, 1]),
        "marker": {
            "symbol": symbol,
            "size": thick(sheet.view, 4.5),
            "color": colour,
            "line": {"color": "@paper", "width": 0.7},
        },
        "hoverinfo": "skip",
        "legendgroup": f"class {number}",
        "showlegend": named,
    }


def _legend(*, beside: bool) -> dict[str, Any]:
    """Return the legend below the panels, or in the fourth cell that three panels leave free."""
    shared = {"bgcolor": "@paper/0"}
    if beside:
        return {"legend": shared | {"x": 0.54, "xanchor": "left", "y": 0.22, "yanchor": "middle"}}
    below = {"x": 0.5, "xanchor": "center", "y": 0, "yanchor": "top", "orientation": "h"}
    return {"legend": shared | below}


def _words(sheet: Sheet) -> str:
    scene, parts = sheet.record.scene, []
    for arm in range(len(sheet.arms)):
        share = _share_of(sheet, arm)
        if share is None:
            parts.append(f"{sheet.arms[arm].label} none")
            continue
        blue = float((share > 0.5).mean())
        parts.append(f"{sheet.arms[arm].label} {reading.percent(blue)}")
    return (
        f"Share of the plane that the net of seed {reading.seed(sheet.record, 0)} gives to class "
        f"{scene.classes[-1]}, {reading.when(sheet.look.step)}: {', '.join(parts)}."
    )
