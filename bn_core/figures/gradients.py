"""Gradients: their size in every layer, and how large a step they make."""

import math
from typing import Any

import numpy as np

from bn_core.figures import record_queries as queries
from bn_core.figures.bands import Hover, median_and_band
from bn_core.figures.chart import Chart, LegendEntry
from bn_core.figures.context import (
    FigureContext,
    Tile,
    Trace,
    arm_legend,
    arm_title,
    cursor_lines,
    group,
    over_steps,
    steps_axis,
    tiles,
)
from bn_core.figures.layout import axis, guide, layout, line, text_size
from bn_core.figures.record_queries import float32
from bn_core.figures.step_marks import margin_for_rates, rate_labels, rate_lines
from bn_core.figures.theme import SEQUENTIAL
from bn_core.figures.view import View
from bn_core.figures.x_axis import axis_end
from bn_core.records import Record

Array = np.ndarray

FLOOR, CEILING = -10, 4
"""The colours of the map reach no further than these powers of ten; the numbers do."""

LOWEST_RATIO, HIGHEST_RATIO = -8.0, 2.0
"""The axis of the update : data ratio reaches no further than these powers of ten."""

MAP_HELP = (
    "The Euclidean norm of each weight matrix's gradient, as a power of ten: a row is a layer, a "
    "column is a step, and all nets share one scale. Healthy maps have about one colour from top "
    "to bottom. Colours that darken towards layer 1 mean that the gradient vanishes on its way "
    "back, colours that brighten that it explodes (Glorot & Bengio, 2010). Seeds that diverged "
    "have no gradient and are left out. In a recurrent net a row is a time step, and the gradient "
    "is that of the loss with respect to the hidden state there, the root mean square over the "
    "examples: colours that darken towards time step 1 mean that it vanishes through time."
)
RATIO_HELP = (
    "How large a step is compared with the weights it changes: log10 of the standard deviation of "
    "the step over that of the weights. The line is the median over layers, the band reaches from "
    "the slowest to the fastest layer. About -3 is a rule of thumb for healthy (Karpathy, makemore "
    "part 3, 2022): far above it training is rough, far below it hardly moves. Seeds that diverged "
    "take no step and are left out."
)


def heat_map(record: Record, view: View, cursor: int | None) -> Chart:
    """Return the gradient norm of each layer at each snapshot, a panel an arm, one colour scale."""
    context = FigureContext(record, view, cursor)
    maps = [_map_of(context, arm) for arm in range(len(context.arms))]
    places, height = _map_tiles(context)
    data, notes, axes = [], [], {}
    for arm, (tile, powers) in enumerate(zip(places, maps, strict=True)):
        data.append(_map_trace(context, arm, powers, f"y{tile.number}"))
        up = list(tile.up)
        axes[f"yaxis{tile.number}"] = _rows_axis(context, powers.shape[0], up, len(maps))
        left = {"x": 0, "xref": "paper", "xanchor": "left", "yshift": -2}
        notes.append(arm_title(context, arm, tile, **left))
    figure_layout = layout(
        view,
        margin={"l": 40, "r": 10, "t": 24 if view.projector else 18, "b": 32, "pad": 0},
        xaxis=steps_axis(context, anchor=f"y{len(maps)}" if len(maps) > 1 else "y"),
        coloraxis=_power_scale(view, maps),
        shapes=_cursor_on_map(context),
        annotations=notes,
        **axes,
    )
    return Chart(
        "gradients",
        f"Gradient of each {context.layer_word}",
        {"data": data, "layout": figure_layout},
        _map_words(context, maps),
        MAP_HELP,
        legend=arm_legend(context),
        height=height,
        **over_steps(f"{context.layer_word} 1 / output", unit=context.time_unit),
    )


def _map_tiles(context: FigureContext) -> tuple[list[Tile], int]:
    """Return the places of the maps, one above the other, and the height that they need."""
    count, title = len(context.arms), text_size(context.view) + 5
    height = 60 + count * (title + (60 if context.view.projector else 44))
    gap = title / (height - 60)
    return tiles(count, 1, (0.0, gap)), height


def _map_of(context: FigureContext, arm: int) -> Array:
    """Return log10 of the gradient norms, medians over the seeds, (L + 1, n).

    NaN where there is none, minus infinity for a gradient of zero.
    """
    norms = queries.middle(queries.series(context.record, arm, "gradient_norm"), 1)
    return queries.log10(norms).T


def _map_trace(context: FigureContext, arm: int, powers: Array, y_axis: str) -> Trace:
    steps = context.places[arm]
    if len(steps) == 1:
        # A single column needs edges: its width cannot follow from its neighbours.
        steps = (
            np.array([0, max(1.0, axis_end(context.record, context.axis) / 64)], np.float32)
            + steps[0]
        )
    where = context.where.replace(":,", ":,.0f")
    rows, value, texts = powers.shape[0], "10^%{z:.2f}", {}
    if (powers == -np.inf).any():
        value = "%{customdata}"
        texts = {"customdata": [[_power_text(power) for power in row] for row in powers]}
    return {
        "type": "heatmap",
        # A gradient of zero has the colour of the scale's low end.
        "z": float32(np.where(powers == -np.inf, FLOOR, powers)),
        "x": steps,
        "y": np.arange(1, rows + 1, dtype=np.float32),
        "yaxis": y_axis,
        "coloraxis": "coloraxis",
        "hoverongaps": False,
        "name": context.arms[arm].label,
        "meta": {"read": "power", "y": context.layer_word},
        **group(context, arm),
        "hovertemplate": f"{context.layer_word} %{{y}} · {where}<br>gradient {value}"
        f"<extra>{context.arms[arm].label}</extra>",
        **texts,
    }


def _power_text(power: float) -> str:
    if np.isnan(power):
        return ""
    return "zero" if power == -np.inf else f"10^{power:.2f}"


def _rows_axis(
    context: FigureContext, rows: int, domain: list[float], panels: int
) -> dict[str, Any]:
    """Return an axis of layers with layer 1 at the top, as many labels as fit, and the output."""
    every = math.ceil(rows / max(2, 9 // panels))
    shown = [number for number in range(1, rows, every) if rows - number >= every * 0.7]
    return axis(
        context.view,
        context.layer_word if panels == 1 else "",
        range=[rows + 0.5, 0.5],
        domain=domain,
        tickvals=[*shown, rows],
        ticktext=[*(str(number) for number in shown), "out"],
        showgrid=False,
    )


def _power_scale(view: View, maps: list[Array]) -> dict[str, Any]:
    """Return the one scale of all maps; its ends are whole powers, so that it seldom changes."""
    low = float(np.fmax(queries.lowest(np.array([queries.lowest(m) for m in maps])), FLOOR))
    high = float(np.fmin(queries.highest(np.array([queries.highest(m) for m in maps])), CEILING))
    low, high = math.floor(low), math.ceil(max(high, low + 1))
    size = text_size(view)
    return {
        "cmin": low,
        "cmax": high,
        "colorscale": SEQUENTIAL,
        "colorbar": {
            "title": {
                "text": "log<sub>10</sub> ‖gradient‖",
                "side": "right",
                "font": {"size": size, "color": "@muted"},
            },
            "thickness": 9,
            "len": 1,
            "lenmode": "fraction",
            "xpad": 6,
            "ypad": 0,
            "outlinewidth": 0,
            "tickfont": {"size": size - 1, "color": "@muted"},
            "dtick": max(1, math.ceil((high - low) / 7)),
        },
    }


def _cursor_on_map(context: FigureContext) -> list[dict[str, Any]]:
    """Return the cursor as a white line with dark edges: it shows on every colour."""
    panels = ["y domain", *(f"y{arm + 1} domain" for arm in range(1, len(context.arms)))]
    places = context.places_of_cursor
    dark = line(context.view, "@shade/0.55", width=2.6)
    light = line(context.view, "@shine/0.95", width=1.1)
    return [
        guide(context.view, (at, at), (0, 1), yref=panel, layer="above", line=style)
        for panel, at in zip(panels, places, strict=True)
        for style in (dark, light)
    ]


def _map_words(context: FigureContext, maps: list[Array]) -> str:
    position = queries.position(context.record, context.cursor)
    ends = [m[:, position] if m.shape[1] else np.full(2, np.nan) for m in maps]
    first, last = (
        queries.listed(
            context.record,
            context.snapshot.step,
            [float(column[row]) for column in ends],
            queries.power,
        )
        for row in (0, -1)
    )
    return (
        f"log10 of the gradient norm {queries.when(context.snapshot.step)}, "
        f"{queries.of_seeds(context.record)}, in {context.layer_word} 1: {first}; in the output "
        f"layer: {last}."
    )


def update_ratio(record: Record, view: View, cursor: int | None) -> Chart:
    """Return log10 of update : data over the steps, the median of the layers and their range."""
    context = FigureContext(record, view, cursor)
    data: list[Trace] = []
    curves = [_ratios_of(context, arm) for arm in range(len(context.arms))]
    seen = np.concatenate([powers.ravel() for powers in curves])
    low = float(np.fmin(math.floor(np.fmax(queries.lowest(seen), LOWEST_RATIO)), -5))
    high = float(np.fmax(math.ceil(np.fmin(queries.highest(seen), HIGHEST_RATIO)), -1))
    for arm, powers in enumerate(curves):
        name = context.arms[arm].label
        hover = Hover(".2f", "", context.where, name, low, high, clips=True, power=True)
        data += median_and_band(context, arm, context.places[arm], powers, hover)
    figure_layout = layout(
        view,
        xaxis=steps_axis(context),
        yaxis=axis(view, "log<sub>10</sub> step : weights", range=[low, high], dtick=1),
        shapes=[
            guide(view, (0, 1), (-3, -3), xref="paper", line=line(view, "@muted", "2px,2px", 1.3)),
            *rate_lines(context),
            *cursor_lines(context),
        ],
        annotations=rate_labels(context),
        margin=margin_for_rates(context),
    )
    return Chart(
        "gradients",
        "Update : data",
        {"data": data, "layout": figure_layout},
        _ratio_words(context, curves),
        RATIO_HELP,
        legend=[*arm_legend(context), LegendEntry("-3: rule of thumb", dash="2px,2px")],
        **over_steps("median of the layers", unit=context.time_unit),
    )


def _ratios_of(context: FigureContext, arm: int) -> Array:
    """Return log10 of step : weights of each layer, medians over the seeds, (n, L + 1)."""
    return queries.log10(queries.middle(queries.series(context.record, arm, "update_ratio"), 1))


def _ratio_words(context: FigureContext, curves: list[Array]) -> str:
    position = queries.position(context.record, context.cursor)
    if context.snapshot.step == 0:
        return "log10 of the step size over the weight size: no step has been taken yet."
    values = [float(queries.median(powers[position], 0)) for powers in curves]
    said = queries.listed(context.record, context.snapshot.step, values, queries.power)
    return (
        f"log10 of the step size over the weight size {queries.when(context.snapshot.step)}, "
        f"median of layers and seeds: {said}. About -3 is a rule of thumb."
    )
