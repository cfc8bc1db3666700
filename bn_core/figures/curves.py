"""Loss and accuracy over the steps."""

import math

import numpy as np

from bn_core.figures import reading
from bn_core.figures.chart import Chart
from bn_core.figures.layout import (
    axis,
    guide,
    layout,
    legend,
    line,
    note,
    text_size,
    thick,
)
from bn_core.figures.loss_axis import inner, loss_axis, loss_ends
from bn_core.figures.reading import float32
from bn_core.figures.sheet import (
    Sheet,
    Trace,
    cursor_line,
    faint_line,
    group,
    legend_entries,
    marker,
    median_and_band,
    rate_labels,
    rate_lines,
    steps_axis,
)
from bn_core.figures.smoothing import decimated, means_at, smoothed, window_of
from bn_core.figures.view import View
from bn_core.records import Divergence, Record

Array = np.ndarray

LOSS_HELP = (
    "Cross entropy over the steps: how far the predicted shares are from the true classes. "
    "Faint: each mini-batch; line: the mean of the last few steps; markers: validation data. With "
    "several seeds the line is their median and the band reaches from the best to the worst. "
    "A healthy net starts near ln(number of classes), 2.30 for ten, and falls; Ioffe & Szegedy "
    "(2015) report that batch norm gets there in far fewer steps."
)
ACCURACY_HELP = (
    "The share of right answers on data that the nets do not train on. Faint: the mini-batch just "
    "trained on. The dotted line is chance; a net that stays on it has learned nothing. With "
    "several seeds the line is their median and the band their range."
)


def loss(record: Record, view: View, cursor: int | None) -> Chart:
    """Return training and validation loss over the steps, medians with bands over the seeds."""
    sheet = Sheet(record, view, cursor)
    steps, means = _smoothed_losses(record)
    ends = loss_ends(sheet, means)
    data = _raw_losses(sheet)
    for arm, label in enumerate(arm.label for arm in sheet.arms):
        hover = f"%{{y:.4g}} nats · step %{{x:,}}<extra>{label}, training</extra>"
        data += median_and_band(sheet, arm, steps, means[:, arm], hover)
        data.append(_validation_loss(sheet, arm))
    data += _crosses(sheet, steps, means, ends) + legend_entries(sheet)
    figure_layout = layout(
        view,
        xaxis=steps_axis(sheet, "step (line: training, marks: validation)"),
        yaxis=loss_axis(view, ends),
        shapes=[*rate_lines(sheet), cursor_line(sheet)],
        annotations=rate_labels(sheet),
        **legend(view),
    )
    figure = {"data": data, "layout": figure_layout}
    return Chart("loss", "Loss", figure, _loss_words(sheet, ends[1]), LOSS_HELP)


def accuracy(record: Record, view: View, cursor: int | None) -> Chart:
    """Return validation accuracy, and faintly that of the mini-batches, over the steps."""
    sheet = Sheet(record, view, cursor)
    data: list[Trace] = []
    for arm in range(len(sheet.arms)):
        train = 100 * reading.middle(_accuracies(sheet, arm, "train_accuracy"), 1)
        data.append(faint_line(sheet, arm, sheet.steps, train))
    for arm, label in enumerate(arm.label for arm in sheet.arms):
        shares = 100 * _accuracies(sheet, arm, "validation_accuracy")
        hover = f"%{{y:.1f}} % · step %{{x:,}}<extra>{label}, validation</extra>"
        data += median_and_band(sheet, arm, sheet.steps, shares, hover)
    chance = 100 / max(len(record.scene.classes), 1)
    chance_note = {"yref": "y", "xanchor": "right", "yanchor": "top"}
    figure_layout = layout(
        view,
        xaxis=steps_axis(sheet, "step (line: validation, faint: training)"),
        yaxis=axis(view, "accuracy (%)", range=[-2, 102], dtick=25, tick0=0),
        shapes=[
            guide(
                view, (0, 1), (chance, chance), xref="paper", line=line(view, "@muted", "2px,2px")
            ),
            *rate_lines(sheet),
            cursor_line(sheet),
        ],
        annotations=[note(view, "chance", 1, chance, **chance_note)],
        **legend(view),
    )
    figure = {"data": data + legend_entries(sheet), "layout": figure_layout}
    return Chart("accuracy", "Accuracy", figure, _accuracy_words(sheet, chance), ACCURACY_HELP)


def last_losses(record: Record, step: int) -> Array:
    """Return each net's mean training loss over the last few steps up to ``step``, (A, K)."""
    step = min(step, record.step)
    if step < 1:
        return np.full((len(record.comparison.arms), record.comparison.base.replicas), np.nan)
    window = window_of(record.comparison.base.steps)
    return means_at(record.train_loss[:step], np.array([step - 1]), window)[0]


def _smoothed_losses(record: Record) -> tuple[Array, Array]:
    """Return steps (P,) and smoothed training losses (P, A, K)."""
    if not record.step:
        base = record.comparison.base
        return np.zeros(0), np.zeros((0, len(record.comparison.arms), base.replicas))
    indices, means = smoothed(record.train_loss, record.comparison.base.steps)
    return indices + 1, float32(means)


def _raw_losses(sheet: Sheet) -> list[Trace]:
    if not sheet.record.step:
        return []
    middles = reading.middle(sheet.record.train_loss, 2)
    traces = []
    for arm in range(len(sheet.arms)):
        kept = decimated(middles[:, arm], sheet.planned)
        traces.append(faint_line(sheet, arm, kept + 1, middles[kept, arm]))
    return traces


def _validation_loss(sheet: Sheet, arm: int) -> Trace:
    values = reading.middle(sheet.validation_losses[arm], 1)
    label = sheet.arms[arm].label
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": sheet.steps,
        "y": float32(values),
        "line": line(sheet.view, sheet.styles[arm].faint(0.7), "2px,3px"),
        "marker": marker(sheet, arm, 5) | {"maxdisplayed": 12},
        "hovertemplate": f"%{{y:.4g}} nats · step %{{x:,}}<extra>{label}, validation</extra>",
        **group(sheet, arm),
    }


def _crosses(sheet: Sheet, steps: Array, means: Array, ends: tuple[float, float]) -> list[Trace]:
    """Return a cross where each replica diverged, at its last finite loss; the first is named."""
    traces = []
    for arm in range(len(sheet.arms)):
        found = [one for one in sheet.record.divergences if one.arm == arm]
        heights = []
        for one in found:
            before = means[steps < one.step, arm, one.replica]
            finite = before[np.isfinite(before)]
            heights.append(float(finite[-1]) if len(finite) else ends[1])
        if found:
            logarithmic = sheet.view.loss_scale == "log"
            inside = np.clip(heights, *inner(ends, logarithmic))
            traces.append(_cross_trace(sheet, arm, found, float32(inside)))
    return traces


def _cross_trace(sheet: Sheet, arm: int, found: list[Divergence], heights: Array) -> Trace:
    colour = sheet.styles[arm].colour
    late = found[0].step > 0.7 * sheet.planned
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": np.array([one.step for one in found], np.float32),
        "y": heights,
        "text": ["diverged", *[""] * (len(found) - 1)],
        "textposition": "middle left" if late else "middle right",
        "textfont": {"color": colour, "size": text_size(sheet.view)},
        "marker": {"symbol": "x", "size": thick(sheet.view, 9), "color": colour},
        "customdata": [f"seed {reading.seed(sheet.record, one.replica)}" for one in found],
        "hovertemplate": "%{customdata} diverged at step %{x:,}"
        f"<extra>{sheet.arms[arm].label}</extra>",
        "cliponaxis": False,
        **group(sheet, arm),
    }


def _loss_words(sheet: Sheet, top: float) -> str:
    record, step = sheet.record, sheet.look.step
    validation = [
        float(reading.middle(look.validation_loss, 0)) if look else math.nan
        for look in sheet.look.arms
    ]
    held = reading.listed(record, validation)
    words = f"Validation loss {reading.when(step)}, {reading.of_seeds(record)}: {held}."
    if step:
        trained = reading.listed(record, reading.middle(last_losses(record, step), 1))
        words = (
            f"Training loss {reading.when(step)}, {reading.of_seeds(record)}: {trained}. "
            f"Validation loss: {held}."
        )
    beyond = [arm.label for arm, value in zip(sheet.arms, validation, strict=True) if value > top]
    if beyond:
        words += f" Beyond the top of the axis, {reading.plain(top)}: {', '.join(beyond)}."
    return words


def _accuracies(sheet: Sheet, arm: int, field: str) -> Array:
    """Return an accuracy over all looks, (n, K); that of a replica without a loss is NaN."""
    known = np.isfinite(sheet.validation_losses[arm])
    return np.where(known, reading.series(sheet.record, arm, field), np.nan)


def _accuracy_words(sheet: Sheet, chance: float) -> str:
    record = sheet.record
    position = reading.position(record, sheet.cursor)
    shares = []
    for arm in range(len(sheet.arms)):
        values = _accuracies(sheet, arm, "validation_accuracy")
        shares.append(float(reading.middle(values[position], 0)) if len(values) else math.nan)
    return (
        f"Validation accuracy {reading.when(sheet.look.step)}, {reading.of_seeds(record)}: "
        f"{reading.listed(record, shares, reading.percent)}. Chance is {chance:.0f} %."
    )
