"""Lines that theory draws into a map: where signals keep their size, where decay overshoots."""

import math
from dataclasses import dataclass

import numpy as np

from bn_core.config import Config
from bn_core.sweeps.axis import Axis, Value
from bn_core.sweeps.sweep import Sweep

_CRITICAL_STD = {"relu": math.sqrt(2), "tanh": 1.0}
"""sqrt(fan_in Var W) at which a deep net of each activation keeps the size of its signals."""

_INITIAL_STD = {"he": math.sqrt(2), "xavier": 1.0, "orthogonal": 1.0}
"""sqrt(fan_in Var W) of each initialization at gain 1, in layers as wide as the one before."""

_SIGNALS = {
    "relu": "The dotted line is where He's condition fan_in Var(W) = 2 holds: each ReLU layer then "
    "keeps the mean square of its inputs and gradients (He et al. 2015, 1502.01852, section 2.2).",
    "tanh": "The dotted line is fan_in Var(W) = 1: below it the signals of a deep tanh net without "
    "biases die out, above it they are chaotic (Poole et al. 2016, 1606.05340; Schoenholz et al. "
    "2017, 1611.01232).",
}
_WITHOUT_NORM = " It is derived for wide nets without norm, at the start of training."
_DECAY = (
    "The dotted line is learning rate times weight decay = 2: beyond it the step of the decay "
    "alone, W (1 - rate times decay), makes weights grow from step to step. That holds with norm "
    "and without."
)
_NONE_FOR_RATES = (
    "No line of theory is drawn: gradient descent on a quadratic is stable below 2 / curvature, "
    "but the curvature of a net moves with training (Cohen et al. 2021, 2103.00065)."
)


@dataclass(frozen=True)
class TheoryLine:
    """A line through a map, in cells along x and y, and what it says with its source."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    words: str


def theory_of(sweep: Sweep) -> TheoryLine | None:
    """Return the line that theory gives for a map; None where it gives none, or none inside."""
    if sweep.two_layers:
        return None
    for name in ("gain", "init_std", "weight_decay"):
        if name in (sweep.x.name, sweep.y.name):
            found = _line(sweep, name)
            if found is not None:
                return found
    return None


def theory_words(sweep: Sweep) -> str:
    """Return what the line of a map says and whose theory it is, or why there is none."""
    found = theory_of(sweep)
    if found is not None:
        return found.words
    rates = "learning_rate" in (sweep.x.name, sweep.y.name)
    return _NONE_FOR_RATES if rates and not sweep.two_layers else ""


def _line(sweep: Sweep, name: str) -> TheoryLine | None:
    """Return the line that gives the setting ``name`` for each value of the other axis."""
    across = sweep.x.name == name
    axis, other = (sweep.x, sweep.y) if across else (sweep.y, sweep.x)
    values = sweep.x_values if across else sweep.y_values
    others = sweep.y_values if across else sweep.x_values
    places = [
        _place(_critical(sweep.base.changed({other.name: value}), name, other.name), axis, values)
        for value in others
    ]
    heights = [float(index) for index in range(len(others))]
    if len(set(places)) == 1:  # it ends where the map does, half a cell beyond the last middle
        heights[0], heights[-1] = -0.5, len(others) - 0.5
    inside = [(p, height) for p, height in zip(places, heights, strict=True) if p is not None]
    if len(inside) < 2:
        return None
    along, over = (tuple(float(part) for part in parts) for parts in zip(*inside, strict=True))
    words = _DECAY if name == "weight_decay" else _SIGNALS[sweep.base.activation] + _WITHOUT_NORM
    return TheoryLine(along, over, words) if across else TheoryLine(over, along, words)


def _critical(config: Config, name: str, other: str) -> float | None:
    """Return the value of a setting on the line; None where theory says nothing."""
    if name == "weight_decay":
        fits = other == "learning_rate" and config.optimizer == "sgd"
        return 2 / config.learning_rate if fits else None
    if config.architecture != "plain" or len(set(config.layer_widths)) != 1 or config.dropout:
        return None
    wanted, normal = _CRITICAL_STD.get(config.activation), config.initialization == "normal"
    if wanted is None or (name == "init_std" and not normal):
        return None
    root = math.sqrt(config.layer_widths[0])
    if name == "init_std":
        return wanted / (config.gain * root)
    start = config.init_std * root if normal else _INITIAL_STD.get(config.initialization)
    return None if start is None else wanted / start


def _place(value: float | None, axis: Axis, values: tuple[Value, ...]) -> float | None:
    """Return where a value lies among the cells of an axis; None outside of it."""
    if value is None or not values[0] <= value <= values[-1]:
        return None
    scale = np.log if axis.spec.logarithmic else np.asarray
    return float(np.interp(scale(value), scale(np.array(values)), np.arange(len(values))))
