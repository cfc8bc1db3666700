"""Charts of a stability map: one for each net, and one that compares the first two."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bn_core.figures.chart import Chart
from bn_core.figures.layout import axis, guide, layout, line
from bn_core.figures.record_queries import float32
from bn_core.figures.theme import DIVERGING
from bn_core.figures.view import View
from bn_core.sweeps.axis import Axis, Value, values_text
from bn_core.sweeps.reading import fates, scores, steps_to_learn
from bn_core.sweeps.stability_map import (
    DIVERGED,
    FATE_WORDS,
    LEARNED,
    NOT_LEARNED,
    UNKNOWN,
    StabilityMap,
)
from bn_core.sweeps.sweep import Sweep

Array = np.ndarray

SIGNS = ("", "+", "·", "×")
"""What stands in a cell for its fate, in the order of ``FATE_WORDS``."""

_MOST_SIGNS = 24
"""Cells along an axis up to which signs are legible; a line around what learned stands for more."""

_TICKS = 8
_HELP = (
    "Each cell is a net trained from the same start. Olive and +: the loss fell below the level "
    "that counts as learned, the stronger the sooner. Violet and ×: a loss was not finite, the "
    "stronger the sooner. Pale and ·: finite, and not learned. Colours are ranks over all nets "
    "here. A click opens the cell in the Lab."
)


def map_charts(found: StabilityMap, view: View) -> list[Chart]:
    """Return a chart for each net, then what the second has over the first."""
    values = scores(found)
    charts = [_net_chart(found, arm, values[arm], view) for arm in range(len(values))]
    return [*charts, _difference_chart(found, view)] if len(values) > 1 else charts


def _net_chart(found: StabilityMap, arm: int, score: Array, view: View) -> Chart:
    fate = fates(found, arm)
    signs = [[SIGNS[kind] for kind in row] for row in fate]
    figure = _figure(found.sweep, score, signs, _hover(found, arm, fate), arm, view)
    if max(fate.shape) > _MOST_SIGNS:
        figure["data"].append(_outline(fate == LEARNED, view))
    label = found.sweep.arms[arm].label
    counts = ", ".join(
        f"{(fate == kind).sum()} {FATE_WORDS[kind]}" for kind in (LEARNED, NOT_LEARNED, DIVERGED)
    )
    x, y = found.sweep.x.spec.label, found.sweep.y.spec.label
    alt = f"{label}, {x.lower()} across and {y.lower()} upwards. Of {fate.size} cells {counts}."
    return Chart(f"map_{arm}", label, figure, alt, _HELP, height=360)


def _difference_chart(found: StabilityMap, view: View) -> Chart:
    learned = [fates(found, arm) == LEARNED for arm in (0, 1)]
    steps = [steps_to_learn(found, arm) for arm in (0, 1)]
    known = (fates(found, 0) != UNKNOWN) & (fates(found, 1) != UNKNOWN)
    both = learned[0] & learned[1]
    value = np.where(learned[1] & ~learned[0], 1.0, np.where(learned[0] & ~learned[1], -1.0, 0.0))
    value = np.where(both & (steps[1] < steps[0]), 0.4, value)
    value = np.where(both & (steps[0] < steps[1]), -0.4, value)
    value = np.where(known, value, np.nan)
    first, second = (arm.label for arm in found.sweep.arms[:2])
    kinds = {
        1.0: ("▲", f"only {second} learned"),
        0.4: ("△", f"both learned, {second} sooner"),
        0.0: ("", "no difference"),
        -0.4: ("▽", f"both learned, {first} sooner"),
        -1.0: ("▼", f"only {first} learned"),
    }
    flat = [[kinds.get(float(one), ("", "not measured")) for one in row] for row in value]
    signs = [[sign for sign, _ in row] for row in flat]
    places = _places(found.sweep)
    hover = [
        [f"{place}: {words}" for place, (_, words) in zip(*pair, strict=True)]
        for pair in zip(places, flat, strict=True)
    ]
    counts = "; ".join(f"{words}: {(value == kind).sum()}" for kind, (_, words) in kinds.items())
    title = f"{second} against {first}"
    figure = _figure(found.sweep, value, signs, hover, 1, view)
    help = f"▲ only {second} learned, △ both and it sooner; ▼ and ▽ the same of {first}."
    return Chart("map_difference", title, figure, f"{title}. Cells: {counts}.", help, height=360)


def _figure(
    sweep: Sweep,
    values: Array,
    signs: list[list[str]],
    hover: list[list[str]],
    arm: int,
    view: View,
) -> dict[str, Any]:
    cells: dict[str, Any] = {
        "type": "heatmap",
        "z": float32(values),
        "zmin": -1,
        "zmax": 1,
        "colorscale": DIVERGING,
        "showscale": False,
        "customdata": hover,
        "hovertemplate": "%{customdata}<extra></extra>",
        "meta": {"pick": arm},
    }
    if max(values.shape) <= _MOST_SIGNS:
        cells |= {"text": signs, "texttemplate": "%{text}"}
    shown = layout(view, margin={"l": 48, "r": 10, "t": 8, "b": 40, "pad": 0})
    shown["xaxis"] = axis(view, sweep.x.spec.label, **_ticks(sweep.x_values))
    shown["yaxis"] = axis(view, sweep.y.spec.label, **_ticks(sweep.y_values))
    shown["shapes"] = _theory(sweep, view)
    return {"data": [cells], "layout": shown}


def _ticks(values: Sequence[Value]) -> dict[str, Any]:
    texts, every = values_text(tuple(values)), -(-len(values) // _TICKS)
    places = list(range(0, len(values), every))
    shown = [texts[place] for place in places]
    # The whole map from the first line on, though nothing fills it yet.
    return {"tickvals": places, "ticktext": shown, "range": [-0.5, len(values) - 0.5]}


def _outline(learned: Array, view: View) -> dict[str, Any]:
    """Return a line around what learned, for eyes that do not tell the colours apart."""
    return {
        "type": "contour",
        "z": float32(learned.astype(float)),
        "contours": {"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"},
        "line": line(view, "@text", "solid", 1.5),
        "showscale": False,
        "hoverinfo": "skip",
    }


def theory_words(sweep: Sweep) -> str:
    """Return which line theory gives for this map and whose theory it is; nothing if none."""
    if not _has_critical_gain(sweep):
        return ""
    return (
        "The dotted line is gain 1: with He's weights each ReLU layer then keeps the size of its "
        "inputs and gradients (He et al. 2015, 1502.01852, section 2.2). It speaks of nets "
        "without norm."
    )


def _has_critical_gain(sweep: Sweep) -> bool:
    he = sweep.base.initialization == "he" and sweep.base.activation == "relu"
    gains = [one for one in (sweep.x, sweep.y) if one.name == "gain"]
    return he and bool(gains) and gains[0].low < 1 < gains[0].high


def _theory(sweep: Sweep, view: View) -> list[dict[str, Any]]:
    if not _has_critical_gain(sweep):
        return []
    rows, columns = sweep.shape
    if sweep.x.name == "gain":
        place = _place_of(1.0, sweep.x, columns)
        return [guide(view, (place, place), (-0.5, rows - 0.5), layer="above")]
    place = _place_of(1.0, sweep.y, rows)
    return [guide(view, (-0.5, columns - 0.5), (place, place), layer="above")]


def _place_of(value: float, along: Axis, count: int) -> float:
    """Return where a value lies between the cells, as a number of cells."""
    low, high = np.log(along.low), np.log(along.high)
    return float((np.log(value) - low) / (high - low) * (count - 1))


def _places(sweep: Sweep) -> list[list[str]]:
    xs, ys = values_text(sweep.x_values), values_text(sweep.y_values)
    names = sweep.x.spec.label, sweep.y.spec.label
    return [[f"{names[0]} {x}, {names[1].lower()} {y}" for x in xs] for y in ys]


def _hover(found: StabilityMap, arm: int, fate: Array) -> list[list[str]]:
    held = found.filled(arm)
    middle = held["fate"].shape[0] // 2
    steps, broke, loss = (
        np.sort(held[name], axis=0)[middle] for name in ("learned_at", "diverged_at", "loss")
    )
    accuracy, sick = np.sort(held["accuracy"], axis=0)[middle], held["sick_layer"].max(axis=0)
    told = []
    for y, row in enumerate(_places(found.sweep)):
        told.append([])
        for x, place in enumerate(row):
            words = FATE_WORDS[fate[y, x]]
            if fate[y, x] == LEARNED:
                words += f" at step {steps[y, x]:.0f}, loss {loss[y, x]:.3g}"
            elif fate[y, x] == DIVERGED:
                words += f" at step {broke[y, x]:.0f}" if np.isfinite(broke[y, x]) else ""
            elif fate[y, x] == NOT_LEARNED:
                words += f", loss {loss[y, x]:.3g}"
            if np.isfinite(accuracy[y, x]):
                words += f", accuracy {accuracy[y, x]:.0%}"
            if sick[y, x]:
                words += f", layer {sick[y, x]} first"
            told[-1].append(f"{place}: {words}")
    return told
