"""Mean and standard deviation of the activations from layer to layer."""

import math
from typing import Any

import numpy as np

from bn_core.figures import record_queries as queries
from bn_core.figures.bands import Hover, median_and_band
from bn_core.figures.chart import Chart
from bn_core.figures.context import FigureContext, Trace, arm_legend, marker
from bn_core.figures.distributions import SITE_NAMES, layer_numbers, missing_words
from bn_core.figures.layout import axis, guide, layout, line, log_axis
from bn_core.figures.view import View
from bn_core.records import SITES, NetStatistics, Record

Array = np.ndarray

FLOOR, CEILING = -6, 6
"""The deviation's axis reaches no further than these powers of ten."""

LARGEST_MEAN = 1e6

HELP = (
    "Left the mean, right the standard deviation of the values in each layer at this step, over a "
    "fixed set of examples; note the logarithmic axis on the right. Healthy layers stay near the "
    "dotted lines, mean 0 and deviation 1. A deviation that grows or shrinks by a steady factor "
    "from layer to layer is a straight line on that axis; Bjorck et al. (2018) saw it grow in "
    "deep nets without batch norm, which resets both in every layer. Diverged seeds have no "
    "moments and are left out; values beyond the axis are drawn at its end and hovered as they "
    "are."
)


def by_depth(record: Record, view: View, cursor: int | None) -> Chart:
    """Return mean and deviation over the layers at the cursor, medians with bands over seeds."""
    context = FigureContext(record, view, cursor)
    site = SITES.index(view.site)
    means = [_of_layers(snapshot, "mean", site) for snapshot in context.snapshot.arms]
    stds = [_of_layers(snapshot, "std", site) for snapshot in context.snapshot.arms]
    data: list[Trace] = []
    for arm in range(len(context.arms)):
        data += _curves(context, arm, means[arm], "mean", (-LARGEST_MEAN, LARGEST_MEAN), {})
        # Zero has no place on a logarithmic axis: it is drawn at its foot.
        ends = 10.0**FLOOR, 10.0**CEILING
        data += _curves(context, arm, stds[arm], "std", ends, {"xaxis": "x2", "yaxis": "y2"})
    figure_layout = layout(
        view,
        xaxis=_layers_axis(context, [0, 0.4]),
        xaxis2=_layers_axis(context, [0.62, 1]) | {"anchor": "y2"},
        yaxis=axis(view, "mean", range=_mean_range(means), nticks=5, tickformat="~g"),
        yaxis2=_deviation_axis(view, stds),
        shapes=[
            guide(view, (0, 1), (0, 0), xref="x domain", line=line(view, "@muted", "2px,2px", 1.3)),
            guide(view, (0, 1), (1, 1), xref="x2 domain", line=line(view, "@muted", "2px,2px", 1.3))
            | {"yref": "y2"},
        ],
    )
    figure = {"data": data, "layout": figure_layout}
    words = _words(context, means, stds)
    word = context.layer_word
    title = f"{word.capitalize()} by {word}"
    return Chart("depth", title, figure, words, HELP, legend=arm_legend(context))


def _of_layers(snapshot: NetStatistics | None, field: str, site: int) -> Array:
    """Return a moment of each layer and seed, (L, K)."""
    if snapshot is None:
        return np.full((1, 1), np.nan)
    return queries.only_finite(getattr(snapshot, field)[:, site].T)


def _curves(
    context: FigureContext,
    arm: int,
    values: Array,
    what: str,
    ends: tuple[float, float],
    axes: dict[str, str],
) -> list[Trace]:
    layers, name = np.arange(1, len(values) + 1), f"{context.arms[arm].label}, {what}"
    hover = Hover(".4g", "", f"{context.layer_word} %{{x}}", name, *ends, clips=True)
    traces = median_and_band(
        context, arm, layers, values, hover, mode="lines+markers", marker=marker(context, arm, 5)
    )
    return [trace | axes for trace in traces]


def _layers_axis(context: FigureContext, domain: list[float]) -> dict[str, Any]:
    depth = context.record.comparison.depth
    shown = layer_numbers(depth, 5)
    return axis(
        context.view,
        context.layer_word,
        domain=domain,
        range=[0.6, depth + 0.4],
        tickvals=shown,
        ticktext=[str(number) for number in shown],
        showgrid=False,
    )


def _mean_range(means: list[Array]) -> list[float]:
    """Return a range around zero in few steps a decade, so that it seldom changes."""
    seen = np.clip(
        np.concatenate([values.ravel() for values in means]), -LARGEST_MEAN, LARGEST_MEAN
    )
    ends = []
    for size in (-float(queries.lowest(seen)), float(queries.highest(seen))):
        size = size if size > 0.05 else 0.05
        power = 10 ** math.floor(math.log10(size))
        steps = (step * power for step in (1, 2, 3, 5, 7, 10))
        ends.append(max(next((end for end in steps if end >= size), size), 0.2))
    # The other side keeps a margin, so that the guide at zero never lies on the frame.
    return [-max(ends[0], 0.15 * ends[1]) * 1.05, max(ends[1], 0.15 * ends[0]) * 1.05]


def _deviation_axis(view: View, stds: list[Array]) -> dict[str, Any]:
    seen = np.concatenate([values.ravel() for values in stds])
    low = float(np.fmax(queries.lowest(seen), 10.0**FLOOR))
    high = float(np.fmin(queries.highest(seen), 10.0**CEILING))
    # At least from a half to two, in half powers of ten: the axis seldom changes.
    bottom = math.floor(2 * math.log10(min(low, 0.5))) / 2
    top = math.ceil(2 * math.log10(max(high, 2.0))) / 2
    ends = (0.8 * 10**bottom, 1.25 * 10**top)
    return log_axis(view, "standard deviation", *ends, anchor="x2")


def _words(context: FigureContext, means: list[Array], stds: list[Array]) -> str:
    parts = []
    for arm, (mean, std) in enumerate(zip(means, stds, strict=True)):
        ends = queries.middle(std, 1)[[0, -1]]
        if not np.isfinite(ends).all():
            continue
        last = float(queries.middle(mean, 1)[-1])
        word = context.layer_word
        parts.append(
            f"{context.arms[arm].label} deviation {queries.plain(ends[0])} in {word} 1 and "
            f"{queries.plain(ends[1])} in {word} {len(std)}, mean {queries.plain(last)} there"
        )
    words = (
        f"Moments of each {SITE_NAMES[context.view.site]} {queries.when(context.snapshot.step)}, "
        f"{queries.of_seeds(context.record)}: {'; '.join(parts) or 'nothing finite'}."
    )
    words += missing_words(context, [float(queries.middle(m, 1)[-1]) for m in means])
    return words + queries.left_out(context.record, context.snapshot.step)
