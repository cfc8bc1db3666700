"""How one layer's values move while its net trains."""

from typing import Any

import numpy as np

from bn_core.figures import reading
from bn_core.figures.chart import Chart
from bn_core.figures.distributions import SITE_NAMES, missing_words
from bn_core.figures.layout import axis, layout, line, note
from bn_core.figures.reading import float32
from bn_core.figures.sheet import (
    Sheet,
    Trace,
    absence,
    arm_title,
    band,
    cursor_line,
    group,
    spread,
    steps_axis,
    titled_margin,
)
from bn_core.figures.values import ValueAxis, value_axis
from bn_core.figures.view import View
from bn_core.records import SITES, Record

Array = np.ndarray

PERCENTILES_HELP = (
    "The 15th, 50th and 85th percentile of one layer's values while the net trains, drawn like "
    "Figure 1 of Ioffe & Szegedy (2015). The thick line is the median. A healthy layer settles "
    "soon and keeps its width; there, batch norm held the percentiles steadier. Whether that is "
    "why it helps is contested (Santurkar et al., 2018). Those of a whole layer are taken over a "
    "fixed choice of 32 examples and 32 units, so they carry a little sampling error."
)


def percentiles(record: Record, view: View, cursor: int | None) -> Chart:
    """Return the 15th, 50th and 85th percentile of one layer over the steps, a panel an arm."""
    sheet = Sheet(record, view, cursor)
    layer = reading.last_layer(record, view.layer)
    values, parts = value_axis(sheet, layer), spread(len(sheet.arms), 0.03)
    data: list[Trace] = []
    axes: dict[str, Any] = {"yaxis": axis(view, SITE_NAMES[view.site], **values.ticks())}
    notes, found = [], []
    for arm, (left, right) in enumerate(parts):
        number = str(arm + 1) if arm else ""
        marks = {"nticks": 6 if len(parts) == 1 else 3}
        axes[f"xaxis{number}"] = steps_axis(sheet, "step", domain=[left, right], **marks)
        notes.append(arm_title(sheet, arm, (left + right) / 2, 1))
        three = _percentile_curves(sheet, arm, layer)
        found.append(three[reading.position(record, cursor)] if len(three) else np.full(3, np.nan))
        if np.isfinite(three).any():
            data += _percentile_traces(sheet, arm, three, values, f"x{number}")
        if not np.isfinite(found[-1]).any():
            notes.append(_empty(sheet, arm, (left + right) / 2))
    figure_layout = layout(
        view,
        margin=titled_margin(sheet),
        shapes=[
            cursor_line(sheet, xref=f"x{arm + 1}" if arm else "x") for arm in range(len(parts))
        ],
        annotations=notes,
        **axes,
    )
    words = _percentile_words(sheet, layer, found)
    figure = {"data": data, "layout": figure_layout}
    return Chart("distributions", f"Layer {layer + 1} over time", figure, words, PERCENTILES_HELP)


def _percentile_curves(sheet: Sheet, arm: int, layer: int) -> Array:
    """Return the three percentiles over the looks, medians over the seeds, (n, 3)."""
    field = "unit_quantiles" if sheet.view.unit == "first" else "quantiles"
    values = reading.series(sheet.record, arm, field)[:, :, SITES.index(sheet.view.site), layer]
    return reading.middle(values, 1)


def _percentile_traces(
    sheet: Sheet, arm: int, three: Array, values: ValueAxis, x_axis: str
) -> list[Trace]:
    style, label = sheet.styles[arm], sheet.arms[arm].label
    places = values.place(three)
    traces = [band(sheet, arm, sheet.steps, places[:, 0], places[:, 2]) | {"xaxis": x_axis}]
    for column, (name, width) in enumerate((("15th", 1), ("50th", 2.2), ("85th", 1))):
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": sheet.steps,
                "y": float32(places[:, column]),
                "customdata": float32(three[:, column]),
                "xaxis": x_axis,
                "line": line(sheet.view, style.colour, style.dash, width),
                "hovertemplate": f"{name} percentile %{{customdata:.3g}} · "
                f"step %{{x:,}}<extra>{label}</extra>",
                **group(sheet, arm),
            }
        )
    return traces


def _empty(sheet: Sheet, arm: int, x: float) -> dict[str, Any]:
    without = sheet.setting(arm, "normalization") == "none"
    text = "no batch norm" if without and sheet.view.site == "normalized" else absence(sheet, arm)
    return note(sheet.view, text, x, 0.5, xanchor="center")


def _percentile_words(sheet: Sheet, layer: int, found: list[Array]) -> str:
    units = "its first unit" if sheet.view.unit == "first" else "all its units"
    parts = [
        f"{arm.label} {', '.join(reading.plain(value) for value in three)}"
        for arm, three in zip(sheet.arms, found, strict=True)
        if np.isfinite(three).all()
    ]
    words = (
        f"15th, 50th and 85th percentile of each {SITE_NAMES[sheet.view.site]} in layer "
        f"{layer + 1}, {units}, {reading.when(sheet.look.step)}, "
        f"{reading.of_seeds(sheet.record)}: {'; '.join(parts) or 'nothing finite'}."
    )
    return words + missing_words(sheet, [float(three[1]) for three in found])
