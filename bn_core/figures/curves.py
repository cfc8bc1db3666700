"""Loss and accuracy over the steps."""

import math
from collections.abc import Sequence

import numpy as np

from bn_core.figures import record_queries as queries
from bn_core.figures.bands import Hover, median_and_band, reading
from bn_core.figures.chart import Chart, LegendEntry
from bn_core.figures.context import (
    FigureContext,
    Trace,
    arm_legend,
    cursor_lines,
    faint_line,
    group,
    marker,
    over_steps,
    steps_axis,
)
from bn_core.figures.ghosts import accuracy_ghosts, ghost_legend, ghost_words, loss_ghosts
from bn_core.figures.layout import (
    axis,
    guide,
    layout,
    line,
    thick,
)
from bn_core.figures.loss_axis import inner, loss_axis, loss_ends
from bn_core.figures.record_queries import float32
from bn_core.figures.smoothing import decimated, means_at, smoothed, window_of
from bn_core.figures.step_marks import margin_for_rates, rate_labels, rate_lines
from bn_core.figures.view import View
from bn_core.figures.x_axis import axis_values
from bn_core.kept_runs import KeptRun
from bn_core.records import Divergence, Record

Array = np.ndarray

LOSS_HELP = (
    "Cross entropy over the steps: how far the predicted shares are from the true classes. Faint: "
    "each mini-batch; line: the mean of the last few steps; markers: validation data. With "
    "several seeds the line is their median and the band reaches from the best to the worst; a "
    "seed that diverged counts as infinite. A healthy net starts near ln(number of classes), 2.30 "
    "for ten, and falls; Ioffe & Szegedy (2015) report that a net with batch norm reaches a "
    "given accuracy in far fewer steps."
)
ACCURACY_HELP = (
    "The share of examples classified correctly, of data that the nets do not train on. Faint: "
    "the mini-batch just trained on. The dotted line is chance; a net that stays on it has "
    "learned nothing. With several seeds the line is their median and the band their range; a "
    "seed that diverged counts as 0 %."
)


def loss(record: Record, view: View, cursor: int | None, ghosts: Sequence[KeptRun] = ()) -> Chart:
    """Return training and validation loss over the steps, medians with bands over the seeds.

    ``ghosts`` are earlier runs, drawn faintly behind.
    """
    context = FigureContext(record, view, cursor)
    ghosts = ghosts if view.axis == "steps" else ()  # which is all that is kept of them
    steps, means = _smoothed_losses(record)
    ends = loss_ends(context, means)
    data = loss_ghosts(context, ghosts, ends[1]) + _raw_losses(context)
    for arm, label in enumerate(arm.label for arm in context.arms):
        hover = _loss_hover(context, f"{label}, training", ends)
        places = _places_of_steps(context, arm, steps)
        # Its points are not at the steps that are measured: the legend has its number there.
        data += median_and_band(context, arm, places, means[:, arm], hover, hoverinfo="skip")
        data.append(_validation_loss(context, arm, ends))
    crosses = _crosses(context, steps, means, ends)
    figure_layout = layout(
        view,
        xaxis=steps_axis(context, "(line: training, marks: validation)"),
        yaxis=loss_axis(view, ends),
        shapes=[*rate_lines(context), *cursor_lines(context)],
        annotations=rate_labels(context),
        margin=margin_for_rates(context),
    )
    return Chart(
        "loss",
        "Loss",
        {"data": data + crosses, "layout": figure_layout},
        _loss_words(context, ends) + ghost_words(context, ghosts),
        LOSS_HELP,
        legend=[
            *arm_legend(context),
            *[LegendEntry("diverged", symbol="x")] * bool(crosses),
            *_lost_legend(context, "shaded to the top: some seeds diverged"),
            *ghost_legend(context, ghosts),
        ],
        **over_steps("training / validation", unit=context.time_unit),
    )


def accuracy(
    record: Record, view: View, cursor: int | None, ghosts: Sequence[KeptRun] = ()
) -> Chart:
    """Return validation accuracy, and faintly that of the mini-batches, over the steps.

    ``ghosts`` are earlier runs, drawn faintly behind.
    """
    context = FigureContext(record, view, cursor)
    ghosts = ghosts if view.axis == "steps" else ()
    data = accuracy_ghosts(context, ghosts)
    for arm in range(len(context.arms)):
        train = 100 * queries.middle(queries.accuracies(record, arm, "train_accuracy"), 1)
        data.append(faint_line(context, arm, context.places[arm], train))
    for arm, label in enumerate(arm.label for arm in context.arms):
        lost = np.isinf(context.validation_losses[arm])
        shares = np.where(lost, -np.inf, 100 * queries.accuracies(record, arm))
        hover = Hover(".1f", " %", context.where, f"{label}, validation", bottom=0, clips=True)
        data += median_and_band(context, arm, context.places[arm], shares, hover)
    chance = 100 / max(len(record.summary.classes), 1)
    figure_layout = layout(
        view,
        xaxis=steps_axis(context, "(line: validation, faint: training)"),
        yaxis=axis(view, "accuracy (%)", range=[-2, 102], dtick=25, tick0=0),
        shapes=[
            guide(
                view, (0, 1), (chance, chance), xref="paper", line=line(view, "@muted", "2px,2px")
            ),
            *rate_lines(context),
            *cursor_lines(context),
        ],
        annotations=rate_labels(context),
        margin=margin_for_rates(context),
    )
    return Chart(
        "accuracy",
        "Accuracy",
        {"data": data, "layout": figure_layout},
        _accuracy_words(context, chance) + ghost_words(context, ghosts),
        ACCURACY_HELP,
        legend=[
            *arm_legend(context),
            LegendEntry(f"chance, {chance:.0f} %", dash="2px,2px"),
            *_lost_legend(context, "shaded to 0: some seeds diverged"),
            *ghost_legend(context, ghosts),
        ],
        **over_steps("validation, %", unit=context.time_unit),
    )


def _lost_legend(context: FigureContext, label: str) -> list[LegendEntry]:
    """Return what a band means that has no end: in the colour of the first arm that has one."""
    seeds = context.record.comparison.base.replicas
    for arm, style in enumerate(context.styles):
        lost = {one.replica for one in context.record.divergences if one.arm == arm}
        if 0 < len(lost) < seeds:
            return [LegendEntry(label, colour=style.faint(0.35), symbol="square")]
    return []


def last_losses(record: Record, step: int) -> Array:
    """Return each net's mean training loss over the last few steps up to ``step``, (A, K).

    Infinite for a net that has diverged, NaN before the first step.
    """
    step = min(step, record.step)
    if step < 1:
        return np.full((len(record.comparison.arms), record.comparison.base.replicas), np.nan)
    window = window_of(record.comparison.base.steps)
    means = means_at(record.train_loss[:step], np.array([step - 1]), window)[0]
    return queries.worst_for_lost(means, np.inf)


def _smoothed_losses(record: Record) -> tuple[Array, Array]:
    """Return steps (P,) and smoothed training losses (P, A, K); infinite for a diverged net."""
    if not record.step:
        base = record.comparison.base
        return np.zeros(0), np.zeros((0, len(record.comparison.arms), base.replicas))
    indices, means = smoothed(record.train_loss, record.comparison.base.steps)
    return indices + 1, queries.worst_for_lost(float32(means), np.inf)


def _places_of_steps(context: FigureContext, arm: int, steps: Array) -> Array:
    """Return where an arm's losses after some steps, (P,) from 1, stand on the x axis."""
    if context.axis == "steps" or not len(steps):
        return steps
    return axis_values(context.record, arm, context.axis)[0][steps.astype(int) - 1]


def _raw_losses(context: FigureContext) -> list[Trace]:
    if not context.record.step:
        return []
    middles = queries.median(queries.worst_for_lost(context.record.train_loss, np.inf), 2)
    traces = []
    for arm in range(len(context.arms)):
        kept = decimated(float32(middles[:, arm]), context.planned)
        places = _places_of_steps(context, arm, kept + 1)
        traces.append(faint_line(context, arm, places, middles[kept, arm]))
    return traces


def _loss_hover(context: FigureContext, name: str, ends: tuple[float, float]) -> Hover:
    """Return the hover of a loss; a logarithmic axis has no place for 0, so its foot stands in."""
    logarithmic = context.view.loss_scale == "log"
    low = ends[0] if logarithmic else -np.inf
    return Hover(".4g", " nats", context.where, name, low, ends[1], clips=logarithmic)


def _validation_loss(context: FigureContext, arm: int, ends: tuple[float, float]) -> Trace:
    each = context.validation_losses[arm]
    values = queries.median(each, 1)
    hover = _loss_hover(context, f"{context.arms[arm].label}, validation", ends)
    numbers, template = hover.of(values, *queries.extremes(each, 1))
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": context.places[arm],
        "y": float32(hover.drawn(values)),
        "line": line(context.view, context.styles[arm].faint(0.7), "2px,3px"),
        "marker": marker(context, arm, 5) | {"maxdisplayed": 12},
        "customdata": numbers,
        "hovertemplate": template,
        "name": hover.name,
        "meta": reading(numbers),
        **group(context, arm),
    }


def _crosses(
    context: FigureContext, steps: Array, means: Array, ends: tuple[float, float]
) -> list[Trace]:
    """Return a cross where each replica diverged, at its last finite loss."""
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
    return {
        "type": "scatter",
        "mode": "markers",
        "x": float32(_places_of_steps(context, arm, np.array([one.step for one in found]))),
        "y": heights,
        "marker": {"symbol": "x", "size": thick(context.view, 9), "color": colour},
        "customdata": [
            f"seed {queries.seed(context.record, one.replica)} diverged at step {one.step:,}"
            for one in found
        ],
        "hovertemplate": f"%{{customdata}}<extra>{context.arms[arm].label}</extra>",
        "name": f"{context.arms[arm].label}, diverged",
        "cliponaxis": False,
        **group(context, arm),
    }


def _loss_words(context: FigureContext, ends: tuple[float, float]) -> str:
    record, step = context.record, context.snapshot.step
    position = queries.position(record, context.cursor)
    validation = [
        float(queries.median(values[position], 0)) if len(values) else math.nan
        for values in context.validation_losses
    ]
    held = queries.listed(record, step, validation)
    words = f"Validation loss {queries.when(step)}, {queries.of_seeds(record)}: {held}."
    if step:
        trained = queries.listed(record, step, queries.median(last_losses(record, step), 1))
        words = (
            f"Training loss {queries.when(step)}, {queries.of_seeds(record)}: {trained}. "
            f"Validation loss: {held}."
        )
    labelled = [
        (arm.label, value)
        for arm, value in zip(context.arms, validation, strict=True)
        if np.isfinite(value)
    ]
    above = [label for label, value in labelled if value > ends[1]]
    below = [label for label, value in labelled if value < ends[0]]
    if above:
        words += f" Beyond the top of the axis, {queries.plain(ends[1])}: {', '.join(above)}."
    if below:
        words += f" Below the foot of the axis, {queries.plain(ends[0])}: {', '.join(below)}."
    return words


def _accuracy_words(context: FigureContext, chance: float) -> str:
    record = context.record
    position, step = queries.position(record, context.cursor), context.snapshot.step
    shares = []
    for arm in range(len(context.arms)):
        values = queries.accuracies(record, arm)
        share = float(queries.median(values[position], 0)) if len(values) else math.nan
        most_lost = len(values) and np.isinf(
            queries.median(context.validation_losses[arm][position], 0)
        )
        shares.append(math.nan if most_lost else share)
    return (
        f"Validation accuracy {queries.when(step)}, {queries.of_seeds(record)}: "
        f"{queries.listed(record, step, shares, queries.percent)}. Chance is {chance:.0f} %."
    )
