"""The gradient that each output receives, before any layer has shaped it."""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from bn_core.figures import reading
from bn_core.figures.chart import Chart
from bn_core.figures.layout import axis, guide, layout, line, note, text_size
from bn_core.figures.reading import float32
from bn_core.figures.sheet import Sheet, absence, arm_title, spread, titled_margin
from bn_core.figures.theme import DIVERGING
from bn_core.figures.view import View
from bn_core.records import ArmLook, Record

Array = np.ndarray

OUTPUT_HELP = (
    "The gradient of the loss at the net's outputs, predicted shares minus the true class: a row "
    "is an image, a column is a class. Blue asks the net to raise that class, orange to lower it. "
    "Orange columns mean that the net gives nearly every image the same class; Bjorck et al. "
    "(2018) found them in deep nets without batch norm before training. A trained net's map fades."
)


def output_gradient(record: Record, view: View, cursor: int | None) -> Chart:
    """Return the gradient at the outputs, images by classes, a panel an arm, one colour scale."""
    sheet = Sheet(record, view, cursor)
    count = len(sheet.arms)
    parts = spread(count, 0.04)
    data, notes, axes = [], [], {}
    for arm, (left, right) in enumerate(parts):
        number, look = str(arm + 1) if arm else "", sheet.look.arms[arm]
        axes[f"xaxis{number}"] = _classes_axis(sheet, [left, right])
        notes.append(arm_title(sheet, arm, (left + right) / 2, 1))
        gradient = gradient_of(look)
        if gradient is None:
            text = first_seed_absence(sheet, arm)
            notes.append(note(view, text, (left + right) / 2, 0.5, xanchor="center"))
        data.append(_output_trace(sheet, arm, gradient) | {"xaxis": f"x{number}"})
    figure_layout = layout(
        view,
        margin=titled_margin(sheet),
        yaxis=_images_axis(sheet),
        coloraxis=_signed_scale(view),
        shapes=_class_borders(sheet),
        annotations=notes,
        **axes,
    )
    figure = {"data": data, "layout": figure_layout}
    return Chart("moment", "Output gradient", figure, _output_words(sheet), OUTPUT_HELP)


def gradient_of(look: ArmLook | None) -> Array | None:
    """Return an arm's output gradient (R, C); nothing where none of it is finite."""
    found = look is not None and np.isfinite(look.output_gradient).any()
    return float32(look.output_gradient) if look is not None and found else None


def first_seed_absence(sheet: Sheet, arm: int) -> str:
    """Return why an arm's first seed, the only one drawn here, shows nothing at the cursor."""
    for one in sheet.record.divergences:
        if one.arm == arm and one.replica == 0:
            return f"seed {reading.seed(sheet.record, 0)}<br>diverged at<br>step {one.step:,}"
    return absence(sheet, arm)


def _output_trace(sheet: Sheet, arm: int, z: Array | None) -> dict[str, Any]:
    scene = sheet.record.scene
    if z is None:
        # An empty trace keeps the panel's axes.
        return {"type": "scatter", "x": [None], "y": [None], "hoverinfo": "skip"}
    return {
        "type": "heatmap",
        "z": z,
        "x": np.arange(z.shape[1], dtype=np.float32),
        "y": np.arange(1, len(z) + 1, dtype=np.float32),
        "customdata": np.repeat(scene.row_labels[: len(z), None], z.shape[1], 1).astype(np.int32),
        "coloraxis": "coloraxis",
        "hoverongaps": False,
        "hovertemplate": "image %{y} (class %{customdata})<br>output %{x}: %{z:.3f}"
        f"<extra>{sheet.arms[arm].label}</extra>",
    }


def _classes_axis(sheet: Sheet, domain: list[float]) -> dict[str, Any]:
    classes = sheet.record.scene.classes
    size = text_size(sheet.view) - (2 if len(classes) > 2 and len(sheet.arms) > 2 else 1)
    crowded = len(classes) * len(sheet.arms) > (20 if sheet.view.projector else 30)
    every = math.ceil(len(sheet.arms) / 2) if crowded else 1
    return axis(
        sheet.view,
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


def _images_axis(sheet: Sheet) -> dict[str, Any]:
    """Return an axis that names the true class once for each run of its images."""
    scene = sheet.record.scene
    runs = _class_runs(scene.row_labels)
    return axis(
        sheet.view,
        "image, by true class",
        range=[len(scene.row_labels) + 0.5, 0.5],
        tickvals=[(begin + end + 1) / 2 for begin, end in runs],
        ticktext=[scene.classes[scene.row_labels[begin]] for begin, _ in runs],
        showgrid=False,
    )


def _class_borders(sheet: Sheet) -> list[dict[str, Any]]:
    """Return thin lines between the classes; one crosses all panels, which draws faster."""
    thin = line(sheet.view, "@muted/0.45", width=0.6)
    return [
        guide(sheet.view, (0, 1), (end + 0.5, end + 0.5), xref="paper", layer="above", line=thin)
        for _, end in _class_runs(sheet.record.scene.row_labels)[:-1]
    ]


def _signed_scale(view: View) -> dict[str, Any]:
    size = text_size(view)
    return {
        "cmin": -1,
        "cmid": 0,
        "cmax": 1,
        "colorscale": DIVERGING,
        "colorbar": {
            "thickness": 9,
            "len": 1,
            "xpad": 6,
            "ypad": 0,
            "outlinewidth": 0,
            "tickvals": [-1, -0.5, 0, 0.5, 1],
            "tickfont": {"size": size - 1, "color": "@muted"},
        },
    }


def _output_words(sheet: Sheet) -> str:
    """Tell each arm's commonest predicted class; the truth's -1 is undone to find it."""
    scene, parts = sheet.record.scene, []
    for arm, look in enumerate(sheet.look.arms):
        gradient, label = gradient_of(look), sheet.arms[arm].label
        if gradient is None:
            parts.append(f"{label} has none")
            continue
        truth = np.arange(gradient.shape[1]) == scene.row_labels[: len(gradient), None]
        counts = np.bincount((gradient + truth).argmax(axis=1), minlength=gradient.shape[1])
        size = float(np.mean(np.abs(gradient[np.isfinite(gradient)])))
        parts.append(
            f"{label} puts {reading.percent(counts.max() / len(gradient))} of the images into "
            f"class {scene.classes[int(counts.argmax())]}, mean size {reading.plain(size)}"
        )
    return (
        f"Gradient at the outputs {reading.when(sheet.look.step)}, seed "
        f"{reading.seed(sheet.record, 0)}, {len(scene.row_labels)} images: {'; '.join(parts)}."
    )
