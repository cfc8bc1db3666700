"""What the cells of a stability map show: a colour, a sign and words for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bn_core.figures.chart import LegendEntry
from bn_core.figures.theme import DIVERGING, SEQUENTIAL
from bn_core.sweeps.axis import values_text
from bn_core.sweeps.reading import fates, scores, steps_to_learn, upper_median
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

SHOWS: Mapping[str, str] = {
    "speed": "How fast",
    "accuracy": "Final accuracy",
    "sick": "First layer that failed",
}
"""What the colours of a map can show, with the name of each."""

EXPLANATIONS: Mapping[str, str] = {
    "speed": "Yellow or olive and +: the training loss fell below the level that counts as "
    "learned; violet and ×: a loss was not finite; close to the page's own colour and ·: neither. "
    "The more a colour differs from the page's, the sooner, by rank over all nets of the map.",
    "accuracy": "The share of held-out examples that a net classifies right at the end, in per "
    "cent: written in the cells, or as lines where cells are too many. Dark violet is 0, yellow "
    "100; × diverged and has none.",
    "sick": "The number of the first layer that failed: violet and ×, its weights or outputs were "
    "not finite when the net diverged; yellow or olive, it puts out the same for every example at "
    "the end. Cells without a number have no such layer.",
}
"""What each of them means, in a sentence for the reader."""

SIGNS = ("", "+", "·", "×")
"""What stands in a cell for its fate, in the order of ``FATE_WORDS``."""

MOST_SIGNS = 24
"""Cells along an axis up to which a sign is legible."""
MOST_NUMBERS = 12
"""Cells along an axis up to which a number of per cent is legible."""


@dataclass(frozen=True)
class Cells:
    """The cells of one chart: numbers for the colours, texts to stand in them, words to hover."""

    values: Array
    """(Y, X); NaN where nothing is known."""
    low: float
    high: float
    colours: list[list[Any]]
    texts: list[list[str]]
    hover: list[list[str]]
    legend: list[LegendEntry]


def cells_of(found: StabilityMap, shows: str) -> list[Cells]:
    """Return what is shown of each arm; ``shows`` is one of ``SHOWS``."""
    arms = range(len(found.sweep.arms))
    if shows == "accuracy":
        return [_accuracy_cells(found, arm) for arm in arms]
    if shows == "sick":
        return [_sick_cells(found, arm) for arm in arms]
    made = []
    for arm, score in zip(arms, scores(found), strict=True):
        signs = [[SIGNS[kind] for kind in row] for row in fates(found, arm)]
        made.append(Cells(score, -1, 1, DIVERGING, signs, hover_of(found, arm), _SPEED_LEGEND))
    return made


_SPEED_LEGEND = [
    LegendEntry("learned", colour="@signed_b", symbol="cross"),
    LegendEntry("diverged", colour="@signed_f", symbol="x"),
    LegendEntry("did not learn", colour="@muted", symbol="circle"),
]


def _accuracy_cells(found: StabilityMap, arm: int) -> Cells:
    value, fate = accuracy_of(found, arm), fates(found, arm)
    numbers = max(value.shape) <= MOST_NUMBERS
    texts = [
        [_share_text(share, kind, numbers) for share, kind in zip(*pair, strict=True)]
        for pair in zip(value, fate, strict=True)
    ]
    legend = [LegendEntry("diverged", colour="@muted", symbol="x")]
    return Cells(value, 0, 1, SEQUENTIAL, texts, hover_of(found, arm), legend)


def accuracy_of(found: StabilityMap, arm: int) -> Array:
    """Return the median over seeds of the share of right answers, (Y, X); NaN: it diverged."""
    return upper_median(found.filled(arm)["accuracy"])


def _share_text(share: float, fate: int, numbers: bool) -> str:
    if np.isnan(share):
        return SIGNS[DIVERGED] if fate != UNKNOWN else ""
    return f"{100 * share:.0f}" if numbers else ""


def _sick_cells(found: StabilityMap, arm: int) -> Cells:
    fate, layer = fates(found, arm), found.filled(arm)["sick_layer"].max(axis=0)
    sign = np.where(fate == DIVERGED, -1, 1)
    share = layer / max(1, int(found.sick_layer.max()))
    # Also the first of many layers has a colour that is not the paper's.
    value = np.where(layer > 0, sign * (0.25 + 0.75 * share), 0.0)
    value = np.where(fate == UNKNOWN, np.nan, value)
    texts = [
        [_layer_text(number, kind) for number, kind in zip(*pair, strict=True)]
        for pair in zip(layer, fate, strict=True)
    ]
    legend = [
        LegendEntry("the same for all examples", colour="@signed_b", symbol="square"),
        LegendEntry("diverged", colour="@signed_f", symbol="x"),
    ]
    return Cells(value, -1, 1, DIVERGING, texts, hover_of(found, arm), legend)


def _layer_text(layer: int, fate: int) -> str:
    if fate == UNKNOWN or not layer:
        return ""
    return f"×{layer}" if fate == DIVERGED else str(layer)


def difference_cells(found: StabilityMap, shows: str) -> Cells:
    """Return what the second net has over the first: its accuracy, or else its fate and speed."""
    return _more_accurate(found) if shows == "accuracy" else _better_fate(found)


def _more_accurate(found: StabilityMap) -> Cells:
    known = (fates(found, 0) != UNKNOWN) & (fates(found, 1) != UNKNOWN)
    shares = [np.nan_to_num(accuracy_of(found, arm), nan=0.0) for arm in (0, 1)]
    value = np.where(known, shares[1] - shares[0], np.nan)
    first, second = (arm.label for arm in found.sweep.arms[:2])
    numbers = max(value.shape) <= MOST_NUMBERS
    texts = [[_points_text(one, numbers) for one in row] for row in value]
    words = [[_points_words(one, first, second) for one in row] for row in value]
    legend = [
        LegendEntry(f"{second} more accurate", colour="@signed_b", symbol="triangle-up"),
        LegendEntry(f"{first} more accurate", colour="@signed_f", symbol="triangle-down"),
    ]
    return Cells(value, -1, 1, DIVERGING, texts, _at_places(found.sweep, words), legend)


def _points_text(value: float, numbers: bool) -> str:
    if np.isnan(value) or abs(value) < 0.005:
        return ""
    if numbers:
        return f"{100 * value:+.0f}".replace("-", "\N{MINUS SIGN}")
    return "▲" if value > 0.1 else "▼" if value < -0.1 else ""


def _points_words(value: float, first: str, second: str) -> str:
    if np.isnan(value):
        return FATE_WORDS[UNKNOWN]
    return f"{100 * value:+.1f} points of accuracy with {second} against {first}"


def _better_fate(found: StabilityMap) -> Cells:
    learned = [fates(found, arm) == LEARNED for arm in (0, 1)]
    steps = [steps_to_learn(found, arm) for arm in (0, 1)]
    known = (fates(found, 0) != UNKNOWN) & (fates(found, 1) != UNKNOWN)
    both = learned[0] & learned[1]
    value = np.where(learned[1] & ~learned[0], 1.0, np.where(learned[0] & ~learned[1], -1.0, 0.0))
    value = np.where(both & (steps[1] < steps[0]), 0.4, value)
    value = np.where(both & (steps[0] < steps[1]), -0.4, value)
    value = np.where(known, value, np.nan)
    kinds, signs = difference_kinds(found.sweep), max(value.shape) <= MOST_SIGNS
    flat = [[kinds.get(float(one), ("", FATE_WORDS[UNKNOWN])) for one in row] for row in value]
    texts = [[sign for sign, _ in row] for row in flat]
    hover = _at_places(found.sweep, [[words for _, words in row] for row in flat])
    legend = [
        LegendEntry(f"{sign} {words}" if sign and signs else words, colour=shade, symbol="square")
        for (sign, words), shade in zip(kinds.values(), _SHADES, strict=True)
    ]
    return Cells(value, -1, 1, DIVERGING, texts, hover, legend)


_SHADES = ("@signed_a", "@signed_c", "@signed_d", "@signed_e", "@signed_g")
"""The colours of ``DIVERGING`` next to the values of ``difference_kinds``, in their order."""


def difference_kinds(sweep: Sweep) -> dict[float, tuple[str, str]]:
    """Return the sign and the words of each value that ``_better_fate`` gives a cell."""
    first, second = (arm.label for arm in sweep.arms[:2])
    return {
        1.0: ("▲", f"only {second} learned"),
        0.4: ("△", f"both learned, {second} sooner"),
        0.0: ("", "no difference"),
        -0.4: ("▽", f"both learned, {first} sooner"),
        -1.0: ("▼", f"only {first} learned"),
    }


def _at_places(sweep: Sweep, words: list[list[str]]) -> list[list[str]]:
    """Return words with the place of their cell in front."""
    xs, ys = values_text(sweep.x_values), values_text(sweep.y_values)
    names = sweep.x.spec.label, sweep.y.spec.label.lower()
    return [
        [f"{names[0]} {x}, {names[1]} {y}: {said}" for x, said in zip(xs, row, strict=True)]
        for y, row in zip(ys, words, strict=True)
    ]


def hover_of(found: StabilityMap, arm: int) -> list[list[str]]:
    """Return for each cell its place, what became of its nets, and their median numbers."""
    held, fate, known = found.filled(arm), fates(found, arm), found.known(arm)
    steps, broke, loss, accuracy = (
        upper_median(held[name]) for name in ("learned_at", "diverged_at", "loss", "accuracy")
    )
    sick = held["sick_layer"].max(axis=0)
    told = []
    for y, row in enumerate(fate):
        told.append([])
        for x, kind in enumerate(row):
            words = FATE_WORDS[kind]
            if kind != UNKNOWN and not known[y, x]:
                words = f"not measured itself, the middle of its coarser cell {words}"
            if kind == LEARNED:
                words += f" at step {steps[y, x]:.0f}, loss {loss[y, x]:.3g}"
            elif kind == DIVERGED:
                words += f" at step {broke[y, x]:.0f}" if np.isfinite(broke[y, x]) else ""
            elif kind == NOT_LEARNED:
                words += f", loss {loss[y, x]:.3g}"
            if np.isfinite(accuracy[y, x]):
                words += f", accuracy {accuracy[y, x]:.0%}"
            if sick[y, x]:
                words += f", layer {sick[y, x]} first"
            told[-1].append(words)
    return _at_places(found.sweep, told)
