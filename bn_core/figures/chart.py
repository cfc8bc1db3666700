"""A chart: a plotly figure with its name, what it means, and what it shows in words."""

from dataclasses import dataclass, field
from typing import Any, Literal

TimeUnit = Literal["", "step", "examples", "seconds"]


@dataclass(frozen=True)
class LegendEntry:
    """A line of the legend, which stands beside the plot and never over it.

    It names the traces whose ``legendgroup`` is ``group``. ``dash`` and ``symbol`` are plotly's;
    an empty one means that there is no line, or no marker.
    """

    label: str
    group: str = ""
    colour: str = "@muted"
    dash: str = ""
    symbol: str = ""
    value: str = ""
    """Words that stand behind the label where no crosshair reads numbers."""
    at: float | None = None
    """Where on the time axis the numbers are read while nobody points at the chart."""


@dataclass(frozen=True)
class Chart:
    """One picture for the page.

    ``figure`` is a plain dict with "data" and "layout"; its colours may be names of the theme
    such as "@before" or "@before/0.2" (with opacity), which the page paints light or dark.
    A trace whose ``meta`` has "read" is read by the crosshair: that is the field that holds its
    numbers, or "power" where ``y`` or ``z`` holds their powers of ten.
    """

    id: str
    title: str
    figure: dict[str, Any]
    alt: str
    help: str
    wide: bool = False
    """Whether it takes the whole width of the page."""
    legend: list[LegendEntry] = field(default_factory=list)
    time_axes: list[str] = field(default_factory=list)
    """The x axes over the steps of training, such as "xaxis2": all charts zoom them together."""
    time_unit: TimeUnit = ""
    reads: str = ""
    """What the numbers at the crosshair are, in words."""
    height: int = 0
    """The least height of the plot in pixels; 0 is the usual one."""
