"""The gradient that each output receives, before any layer has shaped it."""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from bn_core.figures import record_queries as queries
from bn_core.figures.chart import Chart
from bn_core.figures.context import FigureContext, absence, arm_title, split_interval, titled_margin
from bn_core.figures.layout import axis, guide, layout, line, note, text_size
from bn_core.figures.record_queries import float32
from bn_core.figures.theme import DIVERGING
from bn_core.figures.view import View
from bn_core.records import NetStatistics, Record

Array = np.ndarray

OUTPUT_HELP = (
    "The gradient of the loss at the net's outputs, predicted shares minus the true class: a row "
    "is an image, a column is a class. Violet asks the net to raise that class, olive to lower it. "
    "Olive columns mean that the net gives nearly every image the same class; Bjorck et al. "
    "(2018) found them in deep nets without batch norm before training. A trained net's map fades."
)


def output_gradient(record: Record, view: View, cursor: int | None) -> Chart:
    """Return the gradient at the outputs, images by classes, a panel an arm, one colour scale."""
    context = FigureContext(record, view, cursor)
    count = len(context.arms)
    parts = split_interval(count, 0.04)
    data, notes, axes = [], [], {}
    for arm, (left, right) in enumerate(parts):
        number, snapshot = str(arm + 1) if arm else "", context.snapshot.arms[arm]
        axes[f"xaxis{number}"] = _classes_axis(context, [left, right])
        notes.append(arm_title(context, arm, (left + right) / 2, 1))
        gradient = gradient_of(snapshot)
        if gradient is None:
            text = first_seed_absence(context, arm)
            notes.append(note(view, text, (left + right) / 2, 0.5, xanchor="center"))
        data.append(_output_trace(context, arm, gradient) | {"xaxis": f"x{number}"})
    figure_layout = layout(
        view,
        margin=titled_margin(context),
        yaxis=_images_axis(context),
        coloraxis=_signed_scale(view),
        shapes=_class_borders(context),
        annotations=notes,
        **axes,
    )
    figure = {"data": data, "layout": figure_layout}
    return Chart("moment", "Output gradient", figure, _output_words(context), OUTPUT_HELP)


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


def _classes_axis(context: FigureContext, domain: list[float]) -> dict[str, Any]:
    classes = context.record.summary.classes
    size = text_size(context.view) - (2 if len(classes) > 2 and len(context.arms) > 2 else 1)
    crowded = len(classes) * len(context.arms) > (20 if context.view.projector else 30)
    every = math.ceil(len(context.arms) / 2) if crowded else 1
    return axis(
        context.view,
        "class",
        domain=domain,
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


def _images_axis(context: FigureContext) -> dict[str, Any]:
    """Return an axis that names the true class once for each run of its images."""
    summary = context.record.summary
    runs = _class_runs(summary.row_labels)
    return axis(
        context.view,
        "image, by true class",
        range=[len(summary.row_labels) + 0.5, 0.5],
        tickvals=[(begin + end + 1) / 2 for begin, end in runs],
        ticktext=[summary.classes[summary.row_labels[begin]] for begin, _ in runs],
        showgrid=False,
    )


def _class_borders(context: FigureContext) -> list[dict[str, Any]]:
    """Return thin lines between the classes; one crosses all panels, which draws faster."""
    thin = line(context.view, "@muted/0.45", width=0.6)
    return [
        guide(context.view, (0, 1), (end + 0.5, end + 0.5), xref="paper", layer="above", line=thin)
        for _, end in _class_runs(context.record.summary.row_labels)[:-1]
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
