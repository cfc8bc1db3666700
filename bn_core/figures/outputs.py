"""The gradient that each output receives, before any layer has shaped it."""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from bn_core.figures import record_queries as queries
from bn_core.figures.chart import Chart
from bn_core.figures.context import (
    MOST_COLUMNS,
    TWO_ROWS,
    FigureContext,
    Tile,
    absence,
    absence_note,
    arm_title,
    row_gap,
    tiles,
    titled_margin,
)
from bn_core.figures.layout import axis, guide, layout, line, text_size
from bn_core.figures.record_queries import float32
from bn_core.figures.theme import DIVERGING
from bn_core.figures.view import View
from bn_core.records import NetStatistics, Record

Array = np.ndarray

OUTPUT_HELP = (
    "The gradient of the loss at the net's outputs, predicted shares minus the true class: a row "
    "is an image, a column is a class. Violet asks the net to raise that class, olive or yellow to "
    "lower it. Columns of that colour mean that the net gives nearly every image the same class; "
    "Bjorck et al. (2018) found them in deep nets without batch norm before training. A trained "
    "net's map fades."
)


def output_gradient(record: Record, view: View, cursor: int | None) -> Chart:
    """Return the gradient at the outputs, images by classes, a panel an arm, one colour scale."""
    context = FigureContext(record, view, cursor)
    parts = tiles(len(context.arms), MOST_COLUMNS, (0.04, row_gap(view)))
    data, notes, axes = [], [], {}
    for arm, tile in enumerate(parts):
        axes[f"xaxis{tile.number}"] = _classes_axis(context, tile)
        axes[f"yaxis{tile.number}"] = _images_axis(context, tile)
        notes.append(arm_title(context, arm, tile))
        gradient = gradient_of(context.snapshot.arms[arm])
        if gradient is None:
            text = first_seed_absence(context, arm)
            notes.append(absence_note(context, text, tile))
        axes_of = {"xaxis": f"x{tile.number}", "yaxis": f"y{tile.number}"}
        data.append(_output_trace(context, arm, gradient) | axes_of)
    figure_layout = layout(
        view,
        margin=titled_margin(context),
        coloraxis=_signed_scale(view),
        shapes=[border for tile in parts for border in _class_borders(context, tile)],
        annotations=notes,
        **axes,
    )
    figure = {"data": data, "layout": figure_layout}
    words, height = _output_words(context), TWO_ROWS if len(parts) > MOST_COLUMNS else 0
    return Chart(
        "moment", "Output gradient: predicted minus true", figure, words, OUTPUT_HELP, height=height
    )


def gradient_of(snapshot: NetStatistics | None) -> Array | None:
    """Return an arm's output gradient (R, C); nothing where none of it is finite."""
    found = snapshot is not None and np.isfinite(snapshot.output_gradient).any()
    return float32(snapshot.output_gradient) if snapshot is not None and found else None


def first_seed_absence(context: FigureContext, arm: int) -> str:
    """Return why an arm's first seed, the only one drawn here, shows nothing at the cursor."""
    for one in context.record.divergences:
        if one.arm == arm and one.replica == 0:
            return f"seed {queries.seed(context.record, 0)}<br>diverged at<br>step {one.step:,}"
    return absence(context, arm)


def _output_trace(context: FigureContext, arm: int, z: Array | None) -> dict[str, Any]:
    summary = context.record.summary
    if z is None:
        # An empty trace keeps the panel's axes.
        return {"type": "scatter", "x": [None], "y": [None], "hoverinfo": "skip"}
    return {
        "type": "heatmap",
        "z": z,
        "x": np.arange(z.shape[1], dtype=np.float32),
        "y": np.arange(1, len(z) + 1, dtype=np.float32),
        "customdata": np.repeat(summary.row_labels[: len(z), None], z.shape[1], 1).astype(np.int32),
        "coloraxis": "coloraxis",
        "name": context.arms[arm].label,
        "meta": {"x": "class, from 0", "y": "image"},
        "hoverongaps": False,
        "hovertemplate": "image %{y} (class %{customdata})<br>output %{x}: %{z:.3f}"
        f"<extra>{context.arms[arm].label}</extra>",
    }


def _classes_axis(context: FigureContext, tile: Tile) -> dict[str, Any]:
    classes = context.record.summary.classes
    size = text_size(context.view) - (2 if len(classes) > 2 and tile.columns > 2 else 1)
    crowded = len(classes) * tile.columns > (14 if context.view.projector else 20)
    every = math.ceil((tile.columns + 1) / (1 if context.view.projector else 2)) if crowded else 1
    return axis(
        context.view,
        "class" if tile.last_row else "",
        domain=list(tile.across),
        anchor=f"y{tile.number}",
        range=[-0.5, len(classes) - 0.5],
        tickvals=list(range(0, len(classes), every)),
        ticktext=list(classes[::every]),
        tickangle=0,
        tickfont={"size": size, "color": "@muted"},
        showgrid=False,
    )


def _class_runs(labels: Array) -> list[tuple[int, int]]:
    """Return where each run of images of one class begins and ends; images come sorted."""
    borders = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    return list(pairwise(borders)) if len(labels) else []


def _readable(runs: list[tuple[int, int]], tile: Tile, view: View) -> list[tuple[int, int]]:
    """Return the runs whose labels do not stand in one another, where panels are low."""
    images, room = runs[-1][1] if runs else 0, 0.06 if tile.up == (0, 1) else 0.11
    room *= 2 if view.projector else 1
    kept: list[tuple[int, int]] = []
    for begin, end in runs:
        if not kept or (begin + end - sum(kept[-1])) / 2 >= room * images:
            kept.append((begin, end))
    return kept


def _images_axis(context: FigureContext, tile: Tile) -> dict[str, Any]:
    """Return an axis that names the true class once for each run of its images."""
    summary = context.record.summary
    runs = _readable(_class_runs(summary.row_labels), tile, context.view)
    return axis(
        context.view,
        "image, by true class" if tile.index == 0 else "",
        domain=list(tile.up),
        anchor=f"x{tile.number}",
        showticklabels=tile.column == 0,
        **({"matches": "y"} if tile.index else {}),
        range=[len(summary.row_labels) + 0.5, 0.5],
        tickvals=[(begin + end + 1) / 2 for begin, end in runs],
        ticktext=[summary.classes[summary.row_labels[begin]] for begin, _ in runs],
        showgrid=False,
    )


def _class_borders(context: FigureContext, tile: Tile) -> list[dict[str, Any]]:
    """Return thin lines between the classes; one crosses a row of panels, which draws faster."""
    if tile.column:
        return []
    y = f"y{tile.number}"
    thin = line(context.view, "@muted/0.45", width=0.6)
    return [
        guide(context.view, (0, 1), (at, at), xref="paper", yref=y, layer="above", line=thin)
        for _, end in _class_runs(context.record.summary.row_labels)[:-1]
        for at in [end + 0.5]
    ]


def _signed_scale(view: View) -> dict[str, Any]:
    size = text_size(view)
    return {
        "cmin": -1,
        "cmid": 0,
        "cmax": 1,
        "colorscale": DIVERGING,
        "colorbar": {
            "title": {
                "text": "gradient",
                "side": "right",
                "font": {"size": size, "color": "@muted"},
            },
            "thickness": 9,
            "len": 1,
            "xpad": 6,
            "ypad": 0,
            "outlinewidth": 0,
            "tickvals": [-1, -0.5, 0, 0.5, 1],
            "tickfont": {"size": size - 1, "color": "@muted"},
        },
    }


def _output_words(context: FigureContext) -> str:
    """Tell each arm's commonest predicted class; the truth's -1 is undone to find it."""
    summary, parts = context.record.summary, []
    for arm, snapshot in enumerate(context.snapshot.arms):
        gradient, label = gradient_of(snapshot), context.arms[arm].label
        if gradient is None:
            parts.append(f"{label} has none")
            continue
        truth = np.arange(gradient.shape[1]) == summary.row_labels[: len(gradient), None]
        counts = np.bincount((gradient + truth).argmax(axis=1), minlength=gradient.shape[1])
        size = float(np.mean(np.abs(gradient[np.isfinite(gradient)])))
        parts.append(
            f"{label} puts {queries.percent(counts.max() / len(gradient))} of the images into "
            f"class {summary.classes[int(counts.argmax())]}, mean size {queries.plain(size)}"
        )
    return (
        f"Gradient at the outputs {queries.when(context.snapshot.step)}, seed "
        f"{queries.seed(context.record, 0)}, {len(summary.row_labels)} images: {'; '.join(parts)}."
    )
