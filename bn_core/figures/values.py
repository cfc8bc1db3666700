"""The axis of activations: linear where it can be, asinh where values span orders of magnitude."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bn_core.figures import record_queries as queries
from bn_core.figures.context import FigureContext
from bn_core.records import LARGEST_VALUE, LINEAR_ZONE, SITES, Record

Array = np.ndarray

LINEAR_LIMITS = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0)
WARPED_LIMITS = (100.0, LARGEST_VALUE)
"""The axis reaches one of these: few steps, so that it seldom changes while a run grows."""

SPREADS = 2.5
"""An axis for whole distributions shows so many standard deviations around the mean."""

PERCENTILE_SPREADS = 1.7
"""An axis for the 15th to 85th percentile, which lie 1.04 deviations off in a normal one."""


POSITIVE = ("relu", "sigmoid")
"""Activations that put out nothing below zero."""


@dataclass(frozen=True)
class ValueAxis:
    """How values are placed: from -limit to limit, or from 0 if none are negative."""

    limit: float
    negative: bool = True

    @property
    def warped(self) -> bool:
        """Whether places are asinh(value / 0.5)."""
        return self.limit > LINEAR_LIMITS[-1]

    def place(self, values: Array | float) -> Array:
        """Return where values stand on the axis."""
        clipped = np.clip(values, -LARGEST_VALUE, LARGEST_VALUE)
        return np.arcsinh(clipped / LINEAR_ZONE) if self.warped else clipped

    @property
    def ends(self) -> tuple[float, float]:
        """Where the axis begins and ends, in places."""
        end = float(self.place(self.limit)) * 1.02
        return (-end if self.negative else -0.06 * end), end

    def ticks(self) -> dict[str, Any]:
        """Return the axis settings: its range, and labels in the values' own unit."""
        chosen: dict[str, Any] = {"range": list(self.ends)}
        if not self.warped:
            return chosen
        marks = (1, 10, 100) if self.limit <= 100 else (1, 100, 10_000)
        values = [-mark for mark in marks[::-1]] * self.negative + [0, *marks]
        names = {10_000: "10⁴", -10_000: "-10⁴"}
        return chosen | {
            "tickmode": "array",
            "tickvals": [float(self.place(value)) for value in values],
            "ticktext": [names.get(value, str(value)) for value in values],
        }


def value_axis(context: FigureContext, layer: int | None = None) -> ValueAxis:
    """Return the axis that shows nearly all values of a site in every snapshot of the record.

    It is one for all arms and snapshots (and layers, unless one is given), so that they compare.
    """
    site = SITES.index(context.view.site)
    count = SPREADS if layer is None else PERCENTILE_SPREADS
    reaches = [_reach(context.record, arm, site, layer, count) for arm in range(len(context.arms))]
    limits = (*LINEAR_LIMITS, *WARPED_LIMITS)
    limit = next((limit for limit in limits if max(reaches) <= limit), limits[-1])
    positive = context.view.site == "post_activation" and all(
        config.hidden_activation in POSITIVE for config in context.record.configs
    )
    return ValueAxis(limit, not positive)


def _reach(record: Record, arm: int, site: int, layer: int | None, count: float) -> float:
    """Return how far from zero an arm's values go, 0 where there are none."""
    chosen = slice(None) if layer is None else slice(layer, layer + 1)
    mean, std = (queries.series(record, arm, name)[:, :, site, chosen] for name in ("mean", "std"))
    with np.errstate(over="ignore", invalid="ignore"):
        reach = queries.middle(np.abs(mean) + count * std, 1)
    return float(np.nan_to_num(queries.highest(reach)))
