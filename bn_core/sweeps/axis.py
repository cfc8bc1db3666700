"""The axes of a grid of nets: a numeric setting and the values it takes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bn_core.config import SETTINGS
from bn_core.settings import SettingError

Value = int | float


@dataclass(frozen=True)
class AxisSetting:
    """A setting that can be an axis; ``low`` to ``high`` is its usual range."""

    name: str
    key: str
    label: str
    least: float
    most: float
    low: float
    high: float
    logarithmic: bool
    whole: bool = False


_RANGES: Mapping[str, tuple[float, float, bool]] = {
    "learning_rate": (0.003, 30.0, True),
    "batch_size": (2, 256, True),
    "depth": (1, 20, False),
    "width": (4, 128, True),
    "gain": (0.1, 10.0, True),
    "init_std": (0.001, 1.0, True),
    "weight_decay": (1e-5, 0.1, True),
    "dropout": (0.0, 0.8, False),
    "initial_gamma": (0.05, 3.0, False),
    "bn_momentum": (0.005, 1.0, True),
    "bn_epsilon": (1e-8, 1.0, True),
    "accumulate": (1, 32, True),
    "noise": (0.0, 0.5, False),
}
"""The settings of a net that can be an axis: usual range, and whether values have even ratios."""

_LEAST = {"weight_decay": 1e-6, "bn_momentum": 1e-4}
"""Where a setting may be 0, the least value of an axis with even ratios."""


def _of_setting(name: str, low: float, high: float, logarithmic: bool) -> AxisSetting:
    setting = SETTINGS[name]
    least = max(setting.low, _LEAST.get(name, setting.low))
    whole = setting.kind == "whole"
    kinds = {"logarithmic": logarithmic, "whole": whole}
    return AxisSetting(name, setting.key, setting.label, least, setting.high, low, high, **kinds)


AXES: Mapping[str, AxisSetting] = {
    name: _of_setting(name, *usual) for name, usual in _RANGES.items()
} | {
    f"rate_{number}": AxisSetting(
        f"rate_{number}",
        f"rate{number}",
        f"Learning rate of layer {number}",
        1e-4,
        1e4,
        0.03,
        300.0,
        logarithmic=True,
    )
    for number in (1, 2)
}
"""Every axis by its name: settings of the Lab's nets, and the two rates of the two-layer net."""

RATES_OF_LAYERS = ("rate_1", "rate_2")
_LEAST_GAP = 1e-12
"""The least relative distance of neighbours: float64 tells numbers apart down to 2e-16."""


@dataclass(frozen=True)
class Axis:
    """One axis of a grid, from ``low`` to ``high``, both included.

    Errors: ``SettingError`` for a setting that is no axis, or for ends that do not fit it.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if self.name not in AXES:
            raise SettingError(f"An axis is one of: {', '.join(AXES)}.")
        spec = self.spec
        ends = (self.low, self.high)
        if not all(isinstance(end, int | float) and math.isfinite(end) for end in ends):
            raise SettingError(f"{spec.label}: the ends of an axis are two numbers.")
        if not spec.least <= self.low < self.high <= spec.most:
            raise SettingError(
                f"{spec.label}: the axis runs from a smaller to a larger number, within "
                f"{spec.least:g} and {spec.most:g}."
            )
        if spec.whole and (self.low != int(self.low) or self.high != int(self.high)):
            raise SettingError(f"{spec.label}: the ends of the axis are whole numbers.")

    @classmethod
    def usual(cls, name: str) -> "Axis":
        """Return the axis of a setting over its usual range. Errors: ``SettingError``."""
        if name not in AXES:
            raise SettingError(f"An axis is one of: {', '.join(AXES)}.")
        return cls(name, AXES[name].low, AXES[name].high)

    @property
    def spec(self) -> AxisSetting:
        """The setting."""
        return AXES[self.name]

    def values(self, count: int) -> tuple[Value, ...]:
        """Return at most ``count`` values from low to high, evenly spaced or at even ratios.

        Whole numbers appear once each. Others are rounded to a hundredth of their spacing, so
        that a link can hold them. Errors: ``SettingError`` where neighbours are too close.
        """
        if self.spec.whole:
            return self._whole_values(count)
        spaced = np.geomspace if self.spec.logarithmic else np.linspace
        values = spaced(self.low, self.high, count)
        gap = float(np.min(np.diff(values) / np.maximum(np.abs(values[1:]), 1e-300)))
        if gap < _LEAST_GAP:
            raise SettingError(
                f"{self.spec.label}: from {self.low!r} to {self.high!r} there is no room for "
                f"{count} different numbers. Zoom out."
            )
        digits = max(3, 2 + math.ceil(-math.log10(gap)))
        inner = (float(f"{value:.{digits}g}") for value in values[1:-1])
        return (float(self.low), *inner, float(self.high))

    def _whole_values(self, count: int) -> tuple[int, ...]:
        low, high = int(self.low), int(self.high)
        if high - low < count:
            return tuple(range(low, high + 1))
        spaced = np.geomspace if self.spec.logarithmic else np.linspace
        return tuple(sorted({round(value) for value in spaced(low, high, count).tolist()}))

    def zoomed(self, first: Value, last: Value) -> "Axis":
        """Return the axis from one value to another. Errors: ``SettingError``."""
        return Axis(self.name, min(first, last), max(first, last))


def value_text(value: Value) -> str:
    """Return a value for an axis, rounded to what tells it apart at a glance."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def values_text(values: tuple[Value, ...]) -> tuple[str, ...]:
    """Return all values of an axis as texts that differ, with no more digits than that takes."""
    for digits in range(3, 18):
        texts = tuple(f"{value:.{digits}g}" for value in values)
        if len(set(texts)) == len(texts):
            return texts
    return tuple(map(repr, values))
