"""Several kept runs in the same charts: a colour for each run, a dash for each net."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from bn_core.figures.bands import alone_shown, area
from bn_core.figures.chart import Chart, LegendEntry
from bn_core.figures.context import Trace
from bn_core.figures.ghosts import escaped
from bn_core.figures.layout import axis, guide, layout, line, note, text_size, thick
from bn_core.figures.record_queries import float32, percent, plain
from bn_core.figures.theme import CURVE_STYLES, ArmStyle, arm_styles
from bn_core.figures.view import View
from bn_core.kept_runs import KeptArm, KeptRun, Spread, names_among

Array = np.ndarray

LETTERS = "ABCD"
"""What the runs are called beside their curves; so many can be laid over one another."""
_COLOURS = tuple(CURVE_STYLES[f"neutral-{n}"].colour for n in range(1, len(LETTERS) + 1))
_LOSS_HELP = (
    "Training loss over the steps of the runs that are ticked below. A colour is a run, a dash a "
    "net, and at the end of each curve stands which it is. Lines are medians over the seeds."
)
_ACCURACY_HELP = (
    "The share of validation examples classified correctly, over the steps of the runs that are "
    "ticked below. Lines are medians over the seeds, bands reach from the lowest to the highest."
)
_LABEL_PIXELS, _PLOT_PIXELS = 13, 250
_MOST_LABELS = 16


@dataclass(frozen=True)
class _Line:
    """One net of one run, ready to be drawn."""

    run: KeptRun
    arm: KeptArm
    style: ArmStyle
    label: str


def colour_of(place: int) -> str:
    """Return the colour of the run in a place among those that are laid over one another."""
    return _COLOURS[place]


def loss(runs: Sequence[KeptRun], view: View) -> Chart:
    """Return the training losses of up to four runs over the steps."""
    lines = _lines(runs)
    top = _top(lines)
    traces, ends = [], []
    for one in lines:
        drawn = np.minimum(one.arm.train_loss, top)
        steps = one.run.train_steps
        traces.append(_curve(view, one, steps, drawn, "%{y:.4g} nats"))
        ends.append((_last(drawn), one))
    figure = _figure(view, runs, traces, ends, axis(view, "cross entropy (nats)", range=[0, top]))
    words = _words(lines, "final_loss", "Validation loss at the end, median", plain)
    return _chart("loss", "Loss", figure, words, _LOSS_HELP, runs)


def accuracy(runs: Sequence[KeptRun], view: View) -> Chart:
    """Return the validation accuracies of up to four runs over the steps."""
    traces, ends = [], []
    lines = _lines(runs)
    for one in lines:
        steps, (median, low, high) = one.run.measured_steps, 100 * one.arm.accuracy
        if (low < high).any():
            traces.append(area(one.style, steps, low, high, 0.1))
        traces.append(_curve(view, one, steps, median, "%{y:.1f} %"))
        ends.append((_last(median), one))
    percents = axis(view, "accuracy (%)", range=[-2, 102], dtick=25, tick0=0)
    words = _words(lines, "final_accuracy", "Validation accuracy at the end, median", percent)
    figure = _figure(view, runs, traces, ends, percents)
    return _chart("accuracy", "Accuracy", figure, words, _ACCURACY_HELP, runs)


def overlay(runs: Sequence[KeptRun], view: View) -> dict[str, Any]:
    """Return what makes each chart of the runs, by the chart's name."""
    return {"loss": partial(loss, runs, view), "accuracy": partial(accuracy, runs, view)}


def _chart(
    id: str, title: str, figure: dict[str, Any], words: str, help: str, runs: Sequence[KeptRun]
) -> Chart:
    """Return a chart whose legend names the runs; which net a curve is stands at its end."""
    legend = [
        LegendEntry(f"{LETTERS[place]}: {name}", colour=colour_of(place), dash="solid")
        for place, name in enumerate(names_among(runs[: len(LETTERS)]))
    ]
    return Chart(
        id, title, figure, words, help, legend=legend, time_axes=["xaxis"], time_unit="step"
    )


def _lines(runs: Sequence[KeptRun]) -> list[_Line]:
    lines = []
    for place, run in enumerate(runs[: len(LETTERS)]):
        for arm, style in zip(run.arms, arm_styles(arm.name for arm in run.arms), strict=True):
            label = f"{LETTERS[place]} {arm.label}"
            lines.append(_Line(run, arm, replace(style, colour=colour_of(place)), label))
    return lines


def _top(lines: Sequence[_Line]) -> float:
    """Return where the loss axis ends: it shows those that learn, whatever the others do."""
    curves = [one.arm.train_loss[np.isfinite(one.arm.train_loss)] for one in lines]
    highest = max((float(curve.max()) for curve in curves if len(curve)), default=1.0)
    first = min((float(curve[0]) for curve in curves if len(curve) and curve[0] > 0), default=1.0)
    return min(max(highest, 0.1 * first), 2 * first) * 1.04


def _curve(view: View, one: _Line, steps: Array, values: Array, number: str) -> Trace:
    known = np.where(np.isfinite(values), values, np.nan)
    name = escaped(f"{one.label} ({one.run.title})" if one.run.title else one.label)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": float32(steps),
        "y": float32(known),
        "name": name,
        "line": line(view, one.style.colour, one.style.dash, 2),
        "hovertemplate": f"{number}, step %{{x:,}}<extra>{name}</extra>",
        **alone_shown(view, known, one.style),
    }


def _last(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else np.nan


def _figure(
    view: View,
    runs: Sequence[KeptRun],
    traces: list[Trace],
    ends: list[tuple[float, _Line]],
    y_axis: dict[str, Any],
) -> dict[str, Any]:
    longest = max((run.comparison.base.steps for run in runs), default=1)
    size = text_size(view)
    right = min(170, 14 + round(0.56 * size * max((len(one.label) for _, one in ends), default=0)))
    shown = layout(
        view,
        xaxis=axis(view, "step", range=[-0.01 * longest, 1.01 * longest], tickformat=",d"),
        yaxis=y_axis,
        margin={"l": 40, "r": right, "t": 8, "b": 32, "pad": 0},
        shapes=[guide(view, (1, 1), (0, 1), xref="paper", yref="paper")],
        annotations=_labels(view, ends, y_axis["range"]),
    )
    return {"data": traces, "layout": shown}


def _labels(
    view: View, ends: list[tuple[float, _Line]], limits: Sequence[float]
) -> list[dict[str, Any]]:
    """Return each curve's name at its end, moved apart where they would cover each other."""
    low, high = limits
    known = [(min(max((y - low) / (high - low), 0), 1), one) for y, one in ends if np.isfinite(y)]
    known = sorted(known[:_MOST_LABELS], key=lambda pair: pair[0])
    gap = thick(view, _LABEL_PIXELS) / _PLOT_PIXELS
    places = _apart([y for y, _ in known], gap)
    # Not in the colours of the curves, which are too pale for small letters on dark paper.
    font = {"size": text_size(view) - 1, "color": "@text"}
    return [
        note(
            view,
            escaped(one.label if len(one.label) <= 26 else f"{one.label[:25]}…"),
            1,
            place,
            xanchor="left",
            yanchor="middle",
            xshift=5,
            font=font,
        )
        for place, (_, one) in zip(places, known, strict=True)
    ]


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """Return rising heights at least ``gap`` apart, within 0 to 1 where they fit there."""
    places: list[float] = []
    for height in heights:
        places.append(max(height, places[-1] + gap) if places else height)
    ceiling = 1.0
    for i in reversed(range(len(places))):
        places[i] = min(places[i], ceiling)
        ceiling = places[i] - gap
    return places


def _words(lines: Sequence[_Line], field: str, what: str, form: Any) -> str:
    parts = []
    for one in lines:
        spread: Spread = getattr(one.arm, field)
        known = np.isfinite(spread.median)
        parts.append(f"{one.label} {form(spread.median) if known else 'no finite value'}")
    return f"{what}: {', '.join(parts)}." if parts else "No run is ticked."
