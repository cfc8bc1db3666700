"""What a live view is sent: one declaration for the server and for the browser's code.

A test holds both sides to it: what Python sends has exactly these keys and types, and what the
modules in ``browser/`` read is declared here.
"""

from typing import Any, NotRequired, TypedDict

from bn_core.figures.diagram import Diagram, Enlarged, LaneState, LayerState, SiteState
from bn_core.figures.diagram_nets import Block, Chip, Examples, Lane, Nets


class Choice(TypedDict):
    """A setting of the view that stands above a chart."""

    name: str
    label: str
    help: str
    value: str
    options: list[tuple[str, str]]
    """Each value with its label."""


class LegendLine(TypedDict):
    """A line of a chart's legend: ``bn_core.figures.chart.LegendEntry``."""

    label: str
    group: str
    colour: str
    dash: str
    symbol: str
    value: str
    at: float | None


class ChartUpdate(TypedDict):
    """A chart that has changed since the view's last update."""

    id: str
    title: str
    alt: str
    """What the chart shows, in words."""
    help: str
    wide: bool
    figure: dict[str, Any]
    """Plotly's data and layout; colours may be names of the theme such as "@before/0.2"."""
    choices: list[Choice]
    reset: str
    """With another text plotly forgets the reader's zoom."""
    legend: list[LegendLine]
    time_axes: list[str]
    """The names of the x axes over the steps, which all charts zoom together."""
    time_unit: str
    reads: str
    """What the numbers at the crosshair are."""
    height: int
    """The least height of the plot in pixels."""
    number: int
    """The update in which the chart changed."""


class Row(TypedDict):
    """A row of the table above the charts; the style is that of its curves."""

    cells: list[str]
    colour: str
    dash: str
    symbol: str


class Status(TypedDict):
    """What an answer says even where no chart has changed."""

    state: str
    """What the rest of the page shows: with another text the page's script must run again."""
    rest: bool
    """Whether nothing will change by itself, so that the view need not ask again."""
    pause: float
    """Milliseconds to wait before the next request."""


class Frame(TypedDict):
    """What a view shows beside its charts."""

    notice: str
    settings: NotRequired[str]
    """What was computed, in a line for a saved picture."""
    head: NotRequired[list[str]]
    rows: NotRequired[list[Row]]
    beside: NotRequired[list[list[str]]]
    """Labels and values that belong to no column of the table."""
    steps: NotRequired[list[int]]
    """The recorded steps that the time slider can go back to; absent while there are no nets."""
    step: NotRequired[int]
    planned: NotRequired[int]
    cursor: NotRequired[int | None]
    """The step that the reader went back to."""
    conclusion: NotRequired[str]
    """What the run shows in one sentence; empty until it has ended."""
    diagram: NotRequired[Diagram]
    """What of the nets' diagram moves; absent where there is none."""
    projector: NotRequired[bool]
    computation: NotRequired[bool]
    """Whether it is a computation's result: it has no time slider, and charts are larger."""


class Update(Status, Frame):
    """A whole answer: the frame, and the charts that changed since update ``have``."""

    number: int
    charts: list[ChartUpdate]
    order: list[str]
    """All charts of the page in order; one that is missing here is gone."""
    nets: NotRequired[Nets]
    """What of the diagram stands still, where it has changed since update ``have``."""


class ViewData(TypedDict):
    """What the page's script hands to a live view when it is shown."""

    feed: str
    """The token under which updates are fetched."""
    state: str
    shown: int
    """Another number makes the view ask for an update."""


READ_AS: dict[str, type] = {
    "choice": Choice,
    "chart": ChartUpdate,
    "entry": LegendLine,
    "row": Row,
    "answer": Update,
    "update": Update,
    "data": ViewData,
    "nets": Nets,
    "examples": Examples,
    "lane": Lane,
    "block": Block,
    "chip": Chip,
    "diagram": Diagram,
    "net": LaneState,
    "layer": LayerState,
    "large": Enlarged,
    "site": SiteState,
}
"""The names under which the browser's modules hold each of these."""
