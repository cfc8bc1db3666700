"""Loss and accuracy over the steps."""

import math

import numpy as np

from bn_core.figures import record_queries as queries
from bn_core.figures.chart import Chart
from bn_core.figures.context import (
    FigureContext,
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
from bn_core.figures.record_queries import float32
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
    context = FigureContext(record, view, cursor)
    steps, means = _smoothed_losses(record)
    ends = loss_ends(context, means)
    data = _raw_losses(context)
    for arm, label in enumerate(arm.label for arm in context.arms):
        hover = f"%{{y:.4g}} nats · step %{{x:,}}<extra>{label}, training</extra>"
        data += median_and_band(context, arm, steps, means[:, arm], hover)
        data.append(_validation_loss(context, arm))
    data += _crosses(context, steps, means, ends) + legend_entries(context)
    figure_layout = layout(
        view,
        xaxis=steps_axis(context, "step (line: training, marks: validation)"),
        yaxis=loss_axis(view, ends),
        shapes=[*rate_lines(context), cursor_line(context)],
        annotations=rate_labels(context),
        **legend(view),
    )
    figure = {"data": data, "layout": figure_layout}
    return Chart("loss", "Loss", figure, _loss_words(context, ends[1]), LOSS_HELP)


def accuracy(record: Record, view: View, cursor: int | None) -> Chart:
    """Return validation accuracy, and faintly that of the mini-batches, over the steps."""
    context = FigureContext(record, view, cursor)
    data: list[Trace] = []
    for arm in range(len(context.arms)):
        train = 100 * queries.middle(_accuracies(context, arm, "train_accuracy"), 1)
        data.append(faint_line(context, arm, context.steps, train))
    for arm, label in enumerate(arm.label for arm in context.arms):
        shares = 100 * _accuracies(context, arm, "validation_accuracy")
        hover = f"%{{y:.1f}} % · step %{{x:,}}<extra>{label}, validation</extra>"
        data += median_and_band(context, arm, context.steps, shares, hover)
    chance = 100 / max(len(record.summary.classes), 1)
    chance_note = {"yref": "y", "xanchor": "right", "yanchor": "top"}
    figure_layout = layout(
        view,
        xaxis=steps_axis(context, "step (line: validation, faint: training)"),
        yaxis=axis(view, "accuracy (%)", range=[-2, 102], dtick=25, tick0=0),
        shapes=[
            guide(
                view, (0, 1), (chance, chance), xref="paper", line=line(view, "@muted", "2px,2px")
            ),
            *rate_lines(context),
            cursor_line(context),
        ],
        annotations=[note(view, "chance", 1, chance, **chance_note)],
        **legend(view),
    )
    figure = {"data": data + legend_entries(context), "layout": figure_layout}
    return Chart("accuracy", "Accuracy", figure, _accuracy_words(context, chance), ACCURACY_HELP)


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


def _raw_losses(context: FigureContext) -> list[Trace]:
    if not context.record.step:
        return []
    middles = queries.middle(context.record.train_loss, 2)
    traces = []
    for arm in range(len(context.arms)):
        kept = decimated(middles[:, arm], context.planned)
        traces.append(faint_line(context, arm, kept + 1, middles[kept, arm]))
    return traces


def _validation_loss(context: FigureContext, arm: int) -> Trace:
    values = queries.middle(context.validation_losses[arm], 1)
    label = context.arms[arm].label
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": context.steps,
        "y": float32(values),
        "line": line(context.view, context.styles[arm].faint(0.7), "2px,3px"),
        "marker": marker(context, arm, 5) | {"maxdisplayed": 12},
        "hovertemplate": f"%{{y:.4g}} nats · step %{{x:,}}<extra>{label}, validation</extra>",
        **group(context, arm),
    }


def _crosses(
    context: FigureContext, steps: Array, means: Array, ends: tuple[float, float]
) -> list[Trace]:
    """Return a cross where each replica diverged, at its last finite loss; the first is named."""
    traces = []
    for arm in range(len(context.arms)):
        found = [one for one in context.record.divergences if one.arm == arm]
        heights = []
        for one in found:
            before = means[steps < one.step, arm, one.replica]
            finite = before[np.isfinite(before)]
            heights.append(float(finite[-1]) if len(finite) else ends[1])
        if found:
            logarithmic = context.view.loss_scale == "log"
            inside = np.clip(heights, *inner(ends, logarithmic))
            traces.append(_cross_trace(context, arm, found, float32(inside)))
    return traces


def _cross_trace(
    context: FigureContext, arm: int, found: list[Divergence], heights: Array
) -> Trace:
    colour = context.styles[arm].colour
    late = found[0].step > 0.7 * context.planned
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": np.array([one.step for one in found], np.float32),
        "y": heights,
        "text": ["diverged", *[""] * (len(found) - 1)],
        "textposition": "middle left" if late else "middle right",
        "textfont": {"color": colour, "size": text_size(context.view)},
        "marker": {"symbol": "x", "size": thick(context.view, 9), "color": colour},
        "customdata": [f"seed {queries.seed(context.record, one.replica)}" for one in found],
        "hovertemplate": "%{customdata} diverged at step %{x:,}"
        f"<extra>{context.arms[arm].label}</extra>",
        "cliponaxis": False,
        **group(context, arm),
    }


def _loss_words(context: FigureContext, top: float) -> str:
    record, step = context.record, context.snapshot.step
    validation = [
        float(queries.middle(snapshot.validation_loss, 0)) if snapshot else math.nan
        for snapshot in context.snapshot.arms
    ]
    held = queries.listed(record, validation)
    words = f"Validation loss {queries.when(step)}, {queries.of_seeds(record)}: {held}."
    if step:
        trained = queries.listed(record, queries.middle(last_losses(record, step), 1))
        words = (
            f"Training loss {queries.when(step)}, {queries.of_seeds(record)}: {trained}. "
            f"Validation loss: {held}."
        )
    beyond = [arm.label for arm, value in zip(context.arms, validation, strict=True) if value > top]
    if beyond:
        words += f" Beyond the top of the axis, {queries.plain(top)}: {', '.join(beyond)}."
    return words


def _accuracies(context: FigureContext, arm: int, field: str) -> Array:
    """Return an accuracy over all looks, (n, K); that of a replica without a loss is NaN."""
    known = np.isfinite(context.validation_losses[arm])
    return np.where(known, queries.series(context.record, arm, field), np.nan)


def _accuracy_words(context: FigureContext, chance: float) -> str:
    record = context.record
    position = queries.position(record, context.cursor)
    shares = []
    for arm in range(len(context.arms)):
        values = _accuracies(context, arm, "validation_accuracy")
        shares.append(float(queries.middle(values[position], 0)) if len(values) else math.nan)
    return (
        f"Validation accuracy {queries.when(context.snapshot.step)}, {queries.of_seeds(record)}: "
        f"{queries.listed(record, shares, queries.percent)}. Chance is {chance:.0f} %."
    )
