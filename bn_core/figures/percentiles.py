"""How one layer's values move while its net trains."""

from typing import Any

import numpy as np

from bn_core.figures import record_queries as queries
from bn_core.figures.bands import band
from bn_core.figures.chart import Chart
from bn_core.figures.context import (
    MOST_COLUMNS,
    TWO_ROWS,
    FigureContext,
    Tile,
    Trace,
    absence,
    absence_note,
    arm_legend,
    arm_title,
    group,
    over_steps,
    row_gap,
    steps_axis,
    tiles,
    titled_margin,
)
from bn_core.figures.distributions import SITE_NAMES, missing_words
from bn_core.figures.layout import axis, guide, layout, line
from bn_core.figures.record_queries import float32
from bn_core.figures.values import ValueAxis, value_axis
from bn_core.figures.view import View
from bn_core.records import SITES, Record

Array = np.ndarray

PERCENTILES_HELP = (
    "The 15th, 50th and 85th percentile of one layer's values while the net trains, drawn like "
    "Figure 1 of Ioffe & Szegedy (2015). The thick line is the median. A healthy layer settles "
    "soon and keeps its width; there, batch norm held the percentiles steadier. Whether that is "
    "why it helps is contested (Santurkar et al., 2018). Those of a whole layer are taken over an "
    "even choice of its values, as many as the pointer tells, so they carry a little sampling "
    "error."
)


def percentiles(record: Record, view: View, cursor: int | None) -> Chart:
    """Return the 15th, 50th and 85th percentile of one layer over the steps, a panel an arm."""
    context = FigureContext(record, view, cursor)
    layer = queries.last_layer(record, view.layer)
    values = value_axis(context, layer)
    parts = tiles(len(context.arms), MOST_COLUMNS, (0.03, row_gap(view)))
    data: list[Trace] = []
    axes: dict[str, Any] = {}
    notes, found = [], []
    for arm, tile in enumerate(parts):
        axes |= _axes(context, tile, values)
        notes.append(arm_title(context, arm, tile))
        three = _percentile_curves(context, arm, layer)
        found.append(three[queries.position(record, cursor)] if len(three) else np.full(3, np.nan))
        if np.isfinite(three).any():
            axes_of = {"xaxis": f"x{tile.number}", "yaxis": f"y{tile.number}"}
            data += [t | axes_of for t in _percentile_traces(context, arm, three, values)]
        if not np.isfinite(found[-1]).any():
            notes.append(_empty(context, arm, layer, tile))
    figure_layout = layout(
        view,
        margin=titled_margin(context),
        shapes=[
            guide(
                view,
                (at, at),
                (0, 1),
                xref=f"x{tile.number}",
                yref=f"y{tile.number} domain",
                line=line(view, "@muted/0.8"),
            )
            for tile, at in zip(parts, context.places_of_cursor, strict=True)
        ],
        annotations=notes,
        **axes,
    )
    words = _percentile_words(context, layer, found)
    return Chart(
        "distributions",
        f"{context.layer_word.capitalize()} {layer + 1} over time",
        {"data": data, "layout": figure_layout},
        words,
        PERCENTILES_HELP,
        legend=arm_legend(context),
        height=TWO_ROWS if len(parts) > MOST_COLUMNS else 0,
        **over_steps("15th / 50th / 85th percentile", len(parts), unit=context.time_unit),
    )


def _percentile_curves(context: FigureContext, arm: int, layer: int) -> Array:
    """Return the three percentiles over the snapshots, medians over the seeds, (n, 3)."""
    values = queries.series(context.record, arm, _field(context))
    if layer >= context.setting(arm, "depth"):
        return np.full((len(values), 3), np.nan)
    return queries.middle(values[:, :, SITES.index(context.view.site), layer], 1)


def _field(context: FigureContext) -> str:
    return "unit_quantiles" if context.view.unit == "first" else "quantiles"


def _counted(context: FigureContext) -> str:
    """Return how many values each percentile is taken over, in each seed; empty if unknown."""
    if context.view.unit == "first":
        return ""
    snapshots = [snapshot for _, snapshot in context.present]
    counts = queries.values_counted(snapshots, "quantile_values", context.view.site)
    return queries.whole_range(*counts) if counts[1] else ""


def _percentile_traces(
    context: FigureContext, arm: int, three: Array, values: ValueAxis
) -> list[Trace]:
    style, label = context.styles[arm], context.arms[arm].label
    count = _counted(context)
    behind = f"<br>of {count} values in each seed" if count else ""
    places = values.place(three)
    traces = [band(context, arm, context.places[arm], places[:, 0], places[:, 2])]
    for column, (name, width) in enumerate((("15th", 1), ("50th", 2.2), ("85th", 1))):
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": context.places[arm],
                "y": float32(places[:, column]),
                "customdata": float32(three[:, column]),
                "line": line(context.view, style.colour, style.dash, width),
                "hovertemplate": f"{name} percentile %{{customdata:.3g}} · "
                f"{context.where}{behind}<extra>{label}</extra>",
                "name": f"{label}, {name} percentile",
                "meta": {
                    "read": "customdata",
                    "columns": [SITE_NAMES[context.view.site]],
                    "warped": "y",
                },
                **group(context, arm),
            }
        )
    return traces


def _axes(context: FigureContext, tile: Tile, values: ValueAxis) -> dict[str, Any]:
    """Return the axes of one panel; the values are named at the left, the steps at the foot."""
    count = 6 if tile.columns == 1 else 3
    x = steps_axis(context, domain=list(tile.across), anchor=f"y{tile.number}", nticks=count)
    y = axis(
        context.view,
        SITE_NAMES[context.view.site] if tile.index == 0 else "",
        domain=list(tile.up),
        anchor=f"x{tile.number}",
        showticklabels=tile.column == 0,
        **values.ticks(),
    )
    if tile.index:
        y["matches"] = "y"  # one zoom for all panels
    if not tile.last_row:
        x["title"] = {"text": ""}
    return {f"xaxis{tile.number}": x, f"yaxis{tile.number}": y}


def _empty(context: FigureContext, arm: int, layer: int, tile: Tile) -> dict[str, Any]:
    config = context.record.configs[arm]
    if layer >= config.depth:
        text = f"no {context.layer_word} {layer + 1}"
    elif context.view.site == "normalized" and not config.normalizes_values(layer):
        text = "no normalization"
    else:
        text = absence(context, arm)
    return absence_note(context, text, tile)


def _percentile_words(context: FigureContext, layer: int, found: list[Array]) -> str:
    units = "its first unit" if context.view.unit == "first" else "all its units"
    parts = [
        f"{arm.label} {', '.join(queries.plain(value) for value in three)}"
        for arm, three in zip(context.arms, found, strict=True)
        if np.isfinite(three).all()
    ]
    words = (
        f"15th, 50th and 85th percentile of each {SITE_NAMES[context.view.site]} in "
        f"{context.layer_word} {layer + 1}, {units}, {queries.when(context.snapshot.step)}, "
        f"{queries.of_seeds(context.record)}: {'; '.join(parts) or 'nothing finite'}."
    )
    words += missing_words(context, [float(three[1]) for three in found])
    for arm, held in zip(context.arms, context.record.configs, strict=True):
        lacking = f" {arm.label} has no {context.layer_word} {layer + 1}."
        words += lacking if layer >= held.depth else ""
    count = _counted(context)
    words += f" Each is taken over {count} values in each seed." if count else ""
    return words + queries.left_out(context.record, context.snapshot.step)
