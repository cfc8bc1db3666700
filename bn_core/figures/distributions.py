"""How activations are distributed in every layer at one step."""

import dataclasses
import math
from typing import Any

import numpy as np

from bn_core.figures import record_queries as queries
from bn_core.figures.chart import Chart, LegendEntry
from bn_core.figures.context import (
    FigureContext,
    Trace,
    arm_legend,
    group,
    marker,
)
from bn_core.figures.layout import axis, guide, layout, line, note, text_size
from bn_core.figures.record_queries import float32
from bn_core.figures.values import ValueAxis, value_axis
from bn_core.figures.view import View
from bn_core.records import HISTOGRAM_EDGES, SITES, NetStatistics, Record

Array = np.ndarray

WIDTHS = np.diff(HISTOGRAM_EDGES)
MIDDLES = 0.5 * (HISTOGRAM_EDGES[1:] + HISTOGRAM_EDGES[:-1])
_DRAWN_AT = np.concatenate([HISTOGRAM_EDGES[:1], MIDDLES, HISTOGRAM_EDGES[-1:]])
"""Where a hill has its points: each bin, and a foot at either end of the axis."""

RIDGE = 0.88
"""Height of a ridge as a share of its row: ridges never touch."""

LOWEST_DRAWN = 0.004
"""Tails below this share of the peak are left out: a line of ink without news."""

SHARE_WIDTH = 0.085
"""Space for one arm's numbers at the right of the ridges, as a share of the width."""

MOST_SHARES = 3
"""With more arms the shares' columns would leave the ridges no room: the legend has the worst."""

SITE_NAMES = {
    "pre_activation": "value that enters the activation",
    "post_activation": "value that leaves the activation",
    "normalized": "value that leaves the normalization",
}
RIDGES_HELP = (
    "Each row is a hidden layer; each hill shows how its values are distributed over a fixed set "
    "of examples and all seeds that have not diverged, scaled to its own height. Healthy hills "
    "keep about the same place and width in every layer, near mean 0 and deviation 1; hills that "
    "shrink to a needle or run away to the sides pass no useful gradient on (Glorot & Bengio, "
    "2010). At the right: the share of units that are zero for every example (dead), or of "
    "outputs on the flat part of a sigmoidal activation (saturated). Exact zeros of ReLU are not "
    "in the hills."
)


def ridges(record: Record, view: View, cursor: int | None) -> Chart:
    """Return every layer's distribution at the cursor, arms overlaid, layer 1 at the top."""
    context = FigureContext(record, view, cursor)
    values, shares = value_axis(context), _share_columns(context)
    columns = shares if len(shares) <= MOST_SHARES else []
    data = [_ridges_of(context, arm, snapshot, values) for arm, snapshot in context.present]
    data += [_outermost(context, arm, snapshot, values) for arm, snapshot in context.present]
    data += [_share_texts(context, *column, at) for at, column in enumerate(columns)]
    depth, right = record.comparison.depth, 1 - SHARE_WIDTH * len(columns)
    marks = [float(values.place(value)) for value in (-1, 0, 1)][0 if values.negative else 1 :]
    figure_layout = layout(
        view,
        xaxis=axis(
            view, SITE_NAMES[view.site], domain=[0, right], showgrid=False, **values.ticks()
        ),
        xaxis2=axis(
            view, domain=[right, 1], anchor="y", visible=False, range=[-0.5, len(columns) - 0.5]
        ),
        yaxis=_layers_axis(context, depth),
        shapes=[
            guide(view, (mark, mark), (0, 1), yref="paper", line=line(view, "@grid", width=1.2))
            for mark in marks
        ],
        annotations=_share_heading(context, columns),
        margin={"l": 40, "r": 10, "t": text_size(view) + 7, "b": 32, "pad": 0},
    )
    figure = {"data": data, "layout": figure_layout}
    words, legend = _ridges_words(context), _ridges_legend(context, shares)
    return Chart("distributions", "Distributions", figure, words, RIDGES_HELP, legend=legend)


def density(histogram: Array) -> Array:
    """Return the density per unit of value, (..., B), of counts on HISTOGRAM_EDGES; 0 if empty."""
    counts = histogram.astype(np.float64)
    total = counts.sum(axis=-1, keepdims=True)
    return counts / np.maximum(total, 1) / WIDTHS


def _ridges_of(
    context: FigureContext, arm: int, snapshot: NetStatistics, values: ValueAxis
) -> Trace:
    """Return all of an arm's hills as one trace: a hill a layer, gaps between them."""
    densities = density(snapshot.histogram[SITES.index(context.view.site)])
    layers = len(densities)
    # Where the axis is warped a density per place, so that areas stay shares of the values.
    heights = densities * WIDTHS if values.warped else densities
    scaled = heights / np.maximum(heights.max(axis=1, keepdims=True), 1e-300)
    scaled, densities = (np.pad(part, ((0, 0), (1, 1))) for part in (scaled, densities))
    floors = (context.record.comparison.depth - 1 - np.arange(layers))[:, None]
    drawn = _with_feet(scaled > LOWEST_DRAWN)
    y = np.where(drawn, floors + RIDGE * np.where(scaled > LOWEST_DRAWN, scaled, 0), np.nan)
    gap = np.full((layers, 1), np.nan)
    numbers = np.empty((layers, len(_DRAWN_AT) + 1, 3), np.float32)
    numbers[:, :-1, 0], numbers[:, :-1, 1], numbers[:, -1] = _DRAWN_AT, densities, np.nan
    numbers[..., 2] = np.arange(1, layers + 1)[:, None]
    places = np.broadcast_to(values.place(_DRAWN_AT), scaled.shape)
    style, label = context.styles[arm], context.arms[arm].label
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label,
        "x": float32(np.hstack([places, gap])).ravel(),
        "y": float32(np.hstack([y, gap])).ravel(),
        "customdata": numbers.reshape(-1, 3),
        "meta": {
            "columns": [SITE_NAMES[context.view.site], "density", context.layer_word],
            "warped": "xy",
        },
        "fill": "toself",
        "hoveron": "points",
        "fillcolor": style.faint(0.22),
        "line": line(context.view, style.colour, style.dash, 1.4 if layers <= 10 else 1),
        "hovertemplate": f"{context.layer_word} "
        "%{customdata[2]} · value %{customdata[0]:.3g} · "
        f"%{{customdata[1]:.3g}} per unit<extra>{label}</extra>",
        **group(context, arm),
    }


def _outermost(
    context: FigureContext, arm: int, snapshot: NetStatistics, values: ValueAxis
) -> Trace:
    """Return unseen points over the two outermost bins, which hold all that lies beyond them."""
    counts = snapshot.histogram[SITES.index(context.view.site)].astype(np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    x, y, texts = [], [], []
    for at, side, edge in ((0, "below", HISTOGRAM_EDGES[1]), (-1, "above", HISTOGRAM_EDGES[-2])):
        for layer in np.flatnonzero(counts[:, at]):
            x.append(float(values.place(MIDDLES[at])))
            y.append(context.record.comparison.depth - 1 - layer + 0.5 * RIDGE)
            share = f"{100 * shares[layer, at]:.2g} % of the values are {side} {edge:,.0f}"
            texts.append(f"{context.layer_word} {layer + 1} · {share}")
    return {
        "type": "scatter",
        "mode": "markers",
        "x": np.array(x, np.float32),
        "y": np.array(y, np.float32),
        "marker": marker(context, arm, 12) | {"opacity": 0},
        "customdata": texts,
        "name": f"{context.arms[arm].label}, beyond the axis",
        "meta": {"warped": "xy"},
        "hovertemplate": f"%{{customdata}}<extra>{context.arms[arm].label}</extra>",
        **group(context, arm),
    }


def _with_feet(present: Array) -> Array:
    """Return which bins to draw: from one before the first present bin to one behind the last."""
    begun = np.maximum.accumulate(present, axis=1)
    unfinished = np.maximum.accumulate(present[:, ::-1], axis=1)[:, ::-1]
    inside = begun & unfinished
    feet = inside.copy()
    feet[:, :-1] |= inside[:, 1:]
    feet[:, 1:] |= inside[:, :-1]
    return feet


def _layers_axis(context: FigureContext, depth: int) -> dict[str, Any]:
    shown = layer_numbers(depth)
    return axis(
        context.view,
        context.layer_word,
        range=[-0.06, depth + 0.02],
        tickvals=[depth - number + 0.3 for number in shown],
        ticktext=[str(number) for number in shown],
        showgrid=False,
    )


def layer_numbers(depth: int, most: int = 10) -> list[int]:
    """Return which layers get a label: all, or an even choice from the first on."""
    return list(range(1, depth + 1, math.ceil(depth / most)))


def _share_field(context: FigureContext, arm: int) -> str:
    """Return what can go wrong with an arm's activation: its field in a snapshot, or nothing."""
    activation = context.setting(arm, "activation")
    return {"relu": "dead", "tanh": "saturated", "sigmoid": "saturated"}.get(activation, "")


def _share_columns(context: FigureContext) -> list[tuple[int, str, Array]]:
    """Return arm, field and shares (L,) of each arm that has any."""
    fields = [(arm, _share_field(context, arm), snapshot) for arm, snapshot in context.present]
    return [
        (arm, field, queries.shares(snapshot, field)) for arm, field, snapshot in fields if field
    ]


def _ridges_legend(
    context: FigureContext, shares: list[tuple[int, str, Array]]
) -> list[LegendEntry]:
    """Return the arms; where they have no column, with the largest share of a layer."""
    entries = arm_legend(context)
    if len(shares) > MOST_SHARES:
        for arm, field, values in shares:
            worst = float(queries.highest(values))
            if np.isfinite(worst):
                words = f"≤ {100 * worst:.0f} % {field}"
                entries[arm] = dataclasses.replace(entries[arm], value=words)
    return entries


def _share_texts(context: FigureContext, arm: int, field: str, shares: Array, at: int) -> Trace:
    depth, label = context.record.comparison.depth, context.arms[arm].label
    layers = [number - 1 for number in layer_numbers(len(shares), 20)]
    return {
        "type": "scatter",
        "mode": "text",
        "x": float32(np.full(len(layers), at)),
        "y": float32(np.array([depth - layer - 0.7 for layer in layers])),
        "xaxis": "x2",
        "text": [f"{100 * shares[i]:.0f}" if np.isfinite(shares[i]) else "" for i in layers],
        "textfont": {"color": context.styles[arm].colour, "size": text_size(context.view) - 1},
        "hovertemplate": f"%{{text}} % {field}<extra>{label}</extra>",
        "name": f"{label}, {field} units in %",
        "customdata": np.array(layers, np.float32)[:, None] + 1,
        "meta": {"columns": [context.layer_word], "warped": "xy"},
        **group(context, arm),
    }


def _share_heading(
    context: FigureContext, columns: list[tuple[int, str, Array]]
) -> list[dict[str, Any]]:
    if not columns:
        return []
    fields = " / ".join(dict.fromkeys(field for _, field, _ in columns))
    return [note(context.view, f"{fields}, %", 1, 1, xanchor="right", yanchor="bottom")]


def _ridges_words(context: FigureContext) -> str:
    site, record = SITES.index(context.view.site), context.record
    means, stds = (
        [
            float(queries.middle(getattr(snapshot, field)[:, site, -1], 0))
            if snapshot
            else math.nan
            for snapshot in context.snapshot.arms
        ]
        for field in ("mean", "std")
    )
    pairs = [
        f"{arm.label} mean {queries.plain(mean)}, deviation {queries.plain(std)}"
        for arm, mean, std in zip(context.arms, means, stds, strict=True)
        if np.isfinite(mean) and np.isfinite(std)
    ]
    words = (
        f"Distribution of each {SITE_NAMES[context.view.site]}, "
        f"{queries.when(context.snapshot.step)}; "
        f"in the last {context.layer_word}, {queries.of_seeds(record)}: "
        f"{'; '.join(pairs) or 'nothing finite'}."
    )
    for arm, field, shares in _share_columns(context):
        worst = float(queries.highest(shares))
        if np.isfinite(worst):
            words += f" {context.arms[arm].label}: at most {queries.percent(worst)} {field}."
    count = _counted(context)
    words += f" Each histogram is made of {count} values." if count else ""
    words += missing_words(context, means)
    return words + queries.left_out(record, context.snapshot.step)


def _counted(context: FigureContext) -> str:
    """Return how many values each histogram is made of; empty if unknown."""
    snapshots = [snapshot for _, snapshot in context.present]
    counts = queries.values_counted(snapshots, "histogram_values", context.view.site)
    return queries.whole_range(*counts) if counts[1] else ""


def missing_words(context: FigureContext, values: list[float]) -> str:
    """Return why arms without a finite value are absent, a sentence each."""
    words = ""
    for arm, value in enumerate(values):
        label = context.arms[arm].label
        if context.setting(arm, "normalization") == "none" and context.view.site == "normalized":
            words += f" {label} has no normalization, so nothing is drawn for it."
        elif not np.isfinite(value) and queries.divergence_of(context.record, arm):
            words += f" {label} has diverged."
    return words
