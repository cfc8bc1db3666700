"""Medians with bands over the seeds, and what the pointer reads at them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bn_core.figures import record_queries as queries
from bn_core.figures.context import FigureContext, Trace, group
from bn_core.figures.layout import line, thick
from bn_core.figures.record_queries import float32
from bn_core.figures.theme import ArmStyle
from bn_core.figures.view import View

Array = np.ndarray


@dataclass(frozen=True)
class Hover:
    """What the pointer reads at a point: the exact median and range, even beyond the axis.

    ``form`` and ``unit`` write a number, ``where`` is a plotly template of the place and ``name``
    stands beside. A median beyond ``bottom`` or ``top`` is drawn there if ``clips``, and said to
    be. With ``power`` the numbers are powers of ten, and minus infinity is that of zero.
    """

    form: str
    unit: str
    where: str
    name: str
    bottom: float = -np.inf
    top: float = np.inf
    clips: bool = False
    power: bool = False

    def of(self, median: Array, low: Array, high: Array) -> tuple[Any, str]:
        """Return data for each point, and the template that shows them.

        Numbers where plotly can write them itself, which are quick to send; else texts.
        """
        behind = f" · {self.where}<extra>{self.name}</extra>"
        beyond = self.clips and bool(((median < self.bottom) | (median > self.top)).any())
        if np.isinf([median, low, high]).any() or beyond:
            texts = [self._text(*three) for three in zip(median, low, high, strict=True)]
            return texts, "%{customdata}" + behind
        before = "10^" if self.power else ""
        value, *ends = (
            f"{before}%{{{place}:{self.form}}}" for place in ("y", "customdata[0]", "customdata[1]")
        )
        ranged = f" ({' to '.join(ends)})" if (low != high).any() else ""
        return float32(np.stack([low, high], axis=1)), value + self.unit + ranged + behind

    def drawn(self, median: Array) -> Array:
        """Return where the medians stand: within the axis if this clips; infinity stays."""
        inside = np.clip(median, self.bottom, self.top)
        return np.where(median == np.inf, median, inside) if self.clips else median

    def _text(self, median: float, low: float, high: float) -> str:
        if np.isnan(median):
            return ""
        if np.isinf(median) and not self.power:
            best = low if median > 0 else high
            return (
                "diverged" if np.isinf(best) else f"diverged; best {self._number(best)}{self.unit}"
            )
        said = self._number(median) + self.unit
        if low != high:
            said += f" ({self._number(low)} to {self._number(high)})"
        beyond = {median < self.bottom: "below", median > self.top: "above"}.get(True)
        return f"{said}, {beyond} the axis" if self.clips and beyond else said

    def _number(self, value: float) -> str:
        if np.isinf(value):
            return "zero" if self.power and value < 0 else "diverged"
        return f"{'10^' if self.power else ''}{value:{self.form}}"


def median_and_band(
    context: FigureContext,
    arm: int,
    x: Array,
    values: Array,
    hover: Hover,
    **changes: Any,
) -> list[Trace]:
    """Return the median of ``values`` (P, K), and the band from the lowest to the highest.

    Infinite values count. Where the median is infinite nothing is drawn; a band that has no end
    reaches up to ``hover.top``.
    """
    style, median = context.styles[arm], queries.median(values, 1)
    low, high = queries.extremes(values, 1)
    numbers, template = hover.of(median, low, high)
    drawn = hover.drawn(median)
    main = {
        "type": "scatter",
        "mode": "lines",
        "x": float32(x),
        "y": float32(drawn),
        "line": line(context.view, style.colour, style.dash, 2),
        "customdata": numbers,
        "hovertemplate": template,
        "name": hover.name,
        "meta": reading(numbers, power=hover.power),
        **alone_shown(context.view, drawn, style),
        **group(context, arm),
        **changes,
    }
    if values.shape[1] == 1:
        return [main]
    low, high = (np.clip(end, hover.bottom, hover.top) for end in (low, high))
    return [band(context, arm, x, low, high), main]


def reading(numbers: Any, *, power: bool = False) -> dict[str, str]:
    """Return where the crosshair reads a trace: the texts of its points, else their heights."""
    if isinstance(numbers, list):
        return {"read": "customdata"}
    return {"read": "power" if power else "y"}


def alone_shown(view: View, y: Array, style: ArmStyle) -> dict[str, Any]:
    """Return markers for points without a neighbour, which a line alone would not show."""
    alone = [
        part.start for part in queries.stretches(np.isfinite(y)) if part.stop - part.start == 1
    ]
    if not alone:
        return {}
    sizes = np.zeros(len(y), np.float32)
    sizes[alone] = thick(view, 5)
    marks = {"symbol": style.symbol, "color": style.colour, "size": sizes, "line": {"width": 0}}
    return {"mode": "lines+markers", "marker": marks}


def band(
    context: FigureContext, arm: int, x: Array, low: Array, high: Array, opacity: float = 0.16
) -> Trace:
    """Return the area between two curves of an arm, (P,) each."""
    name = {"name": f"{context.arms[arm].label}, range"}
    return area(context.styles[arm], x, low, high, opacity) | group(context, arm) | name


def area(style: ArmStyle, x: Array, low: Array, high: Array, opacity: float = 0.16) -> Trace:
    """Return the area between two curves, (P,) each: a polygon for each finite stretch."""
    parts = queries.stretches(np.isfinite(low) & np.isfinite(high))
    gap = np.full(1, np.nan)
    xs = [values for part in parts for values in (gap, x[part], x[part][::-1])][1:]
    ys = [values for part in parts for values in (gap, low[part], high[part][::-1])][1:]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": float32(np.concatenate([*xs, x[:0]])),
        "y": float32(np.concatenate([*ys, low[:0]])),
        "fill": "toself",
        "fillcolor": style.faint(opacity),
        "line": {"width": 0, "color": style.faint(0)},
        "hoverinfo": "skip",
    }
