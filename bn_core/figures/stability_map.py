"""Charts of a stability map: one for each net, and one that compares the first two."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bn_core.figures.chart import Chart, LegendEntry
from bn_core.figures.layout import axis, layout, line, text_size
from bn_core.figures.record_queries import float32
from bn_core.figures.stability_cells import (
    EXPLANATIONS,
    MOST_NUMBERS,
    MOST_SIGNS,
    Cells,
    cells_of,
    difference_cells,
    difference_kinds,
)
from bn_core.figures.view import View
from bn_core.sweeps.axis import Value, values_text
from bn_core.sweeps.reading import fates, measured_fates
from bn_core.sweeps.stability_map import (
    DIVERGED,
    FATE_WORDS,
    LEARNED,
    NOT_LEARNED,
    UNKNOWN,
    StabilityMap,
)
from bn_core.sweeps.sweep import Sweep
from bn_core.sweeps.theory import theory_of

Array = np.ndarray

_TICKS = 8
_HEIGHT = 360
_CLICK = " A click opens the cell in the Lab; a drag runs that part anew, finer."


def map_charts(found: StabilityMap, view: View, shows: str = "speed") -> list[Chart]:
    """Return a chart for each net, then what the second has over the first.

    ``shows`` is what the colours mean, one of ``SHOWS``.
    """
    made = cells_of(found, shows)
    charts = [_net_chart(found, arm, cells, shows, view) for arm, cells in enumerate(made)]
    return [*charts, _difference_chart(found, shows, view)] if len(made) > 1 else charts


def _net_chart(found: StabilityMap, arm: int, cells: Cells, shows: str, view: View) -> Chart:
    fate, label = fates(found, arm), found.sweep.arms[arm].label
    figure = _figure(found.sweep, cells, arm, view)
    legend = list(cells.legend)
    if max(fate.shape) > MOST_SIGNS:
        figure["data"].append(_outline(fate == LEARNED, view))
        legend.append(LegendEntry("border of what learned", colour="@text", dash="solid"))
    if shows == "accuracy" and max(fate.shape) > MOST_NUMBERS:
        figure["data"].append(_levels(cells.values, view))
    measured = measured_fates(found, arm)
    kinds = (LEARNED, NOT_LEARNED, DIVERGED, UNKNOWN)
    counts = ", ".join(f"{(measured == kind).sum()} {FATE_WORDS[kind]}" for kind in kinds)
    x, y = found.sweep.x.spec.label, found.sweep.y.spec.label
    alt = f"{label}, {x.lower()} across and {y.lower()} upwards. Of {fate.size} cells {counts}."
    return _chart(f"map_{arm}", label, figure, alt, EXPLANATIONS[shows] + _CLICK, legend)


def _difference_chart(found: StabilityMap, shows: str, view: View) -> Chart:
    cells, kinds = difference_cells(found, shows), difference_kinds(found.sweep)
    measured = cells.values[found.known(0) & found.known(1)]
    first, second = (arm.label for arm in found.sweep.arms[:2])
    title = f"{second} against {first}"
    if shows == "accuracy":
        title, more = f"{title}: accuracy", (measured > 0).sum()
        alt = f"{second} is more accurate in {more} cells, {first} in {(measured < 0).sum()}."
        help = (
            f"Per cent of {second} minus those of {first}; a net that diverged counts as 0. With "
            "many cells ▲ and ▼ stand for more than 10."
        )
    else:
        counts = [f"{words}: {(measured == kind).sum()}" for kind, (_, words) in kinds.items()]
        alt = f"{title}. Cells: {'; '.join(counts)}."
        help = f"▲ only {second} learned, △ both and it sooner; ▼ and ▽ the same of {first}."
    figure = _figure(found.sweep, cells, 1, view)
    return _chart("map_difference", title, figure, alt, help, cells.legend)


def _chart(
    id: str, title: str, figure: dict[str, Any], alt: str, help: str, legend: list[LegendEntry]
) -> Chart:
    return Chart(id, title, figure, alt, help, legend=legend, height=_HEIGHT)


def _figure(sweep: Sweep, cells: Cells, arm: int, view: View) -> dict[str, Any]:
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": float32(cells.values),
        "zmin": cells.low,
        "zmax": cells.high,
        "colorscale": cells.colours,
        "showscale": False,
        "customdata": cells.hover,
        "hovertemplate": "%{customdata}<extra></extra>",
        "meta": {"pick": arm},
    }
    most = max(sweep.shape)
    if most <= MOST_SIGNS:
        size = text_size(view) if most <= MOST_NUMBERS else text_size(view) - 2
        trace |= {"text": cells.texts, "texttemplate": "%{text}", "textfont": {"size": size}}
    shown = layout(view, margin={"l": 48, "r": 10, "t": 8, "b": 40, "pad": 0})
    shown["xaxis"] = axis(view, sweep.x.spec.label, **_ticks(sweep.x_values))
    shown["yaxis"] = axis(view, sweep.y.spec.label, **_ticks(sweep.y_values))
    return {"data": [trace, *_theory(sweep, view)], "layout": shown}


def _ticks(values: Sequence[Value]) -> dict[str, Any]:
    texts, every = values_text(tuple(values)), -(-len(values) // _TICKS)
    places = list(range(0, len(values), every))
    shown = [texts[place] for place in places]
    # The whole map from the first line on, though nothing fills it yet.
    return {"tickvals": places, "ticktext": shown, "range": [-0.5, len(values) - 0.5]}


def _outline(learned: Array, view: View) -> dict[str, Any]:
    """Return a line around what learned, for eyes that do not tell the colours apart."""
    contours = {"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"}
    return _contour(learned.astype(float), contours, view)


def _levels(shares: Array, view: View) -> dict[str, Any]:
    """Return the lines of 50 and 90 % accuracy, with their numbers."""
    contours = {"start": 50, "end": 90, "size": 40, "coloring": "none", "showlabels": True}
    contours["labelfont"] = {"size": text_size(view), "color": "@text"}
    return _contour(100 * np.nan_to_num(shares), contours, view)


def _contour(values: Array, contours: dict[str, Any], view: View) -> dict[str, Any]:
    return {
        "type": "contour",
        "z": float32(values),
        "contours": contours,
        "line": line(view, "@text", "solid", 1.5),
        "showscale": False,
        "hoverinfo": "skip",
    }


def _theory(sweep: Sweep, view: View) -> list[dict[str, Any]]:
    """Return the line that theory gives for the map, if any; ``theory_words`` says what it is."""
    found = theory_of(sweep)
    if found is None:
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": list(found.x),
            "y": list(found.y),
            "line": line(view, "@text", "dot", 2),
            "hoverinfo": "skip",
        }
    ]
