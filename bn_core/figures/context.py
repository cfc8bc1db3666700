"""What a figure is drawn from, and the parts that several figures share."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np

from bn_core.comparison import Arm
from bn_core.figures import record_queries as queries
from bn_core.figures.chart import LegendEntry, TimeUnit
from bn_core.figures.layout import axis, guide, line, note, text_size, thick
from bn_core.figures.record_queries import float32
from bn_core.figures.theme import ArmStyle, arm_styles
from bn_core.figures.view import View
from bn_core.figures.x_axis import Axis, axis_end, axis_values
from bn_core.records import NetStatistics, Record, Snapshot

Array = np.ndarray
Trace = dict[str, Any]

ARM_TITLE = "arm"
"""The name by which the page knows annotations that name a panel's arm."""

ABSENCE = "absence"
"""The name of annotations that say why a panel is empty."""

MOST_COLUMNS = 4
"""More panels than these stand in two rows."""

TWO_ROWS = 380
"""The least height in pixels of a plot with two rows of panels."""


@dataclass(frozen=True)
class Tile:
    """Where one of several panels stands: its column and row, and its share of the plot."""

    index: int
    column: int
    columns: int
    last_row: bool
    across: tuple[float, float]
    up: tuple[float, float]

    @property
    def number(self) -> str:
        """What plotly appends to the names of the panel's axes."""
        return str(self.index + 1) if self.index else ""


@dataclass(frozen=True)
class FigureContext:
    """A record, the reader's view of it, and the snapshot at the cursor (None: the newest)."""

    record: Record
    view: View
    cursor: int | None

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms, in order."""
        return self.record.comparison.arms

    @property
    def layer_word(self) -> str:
        """What a measured layer is called: "layer", or "time step" where all nets are recurrent."""
        return self.record.comparison.layer_word

    @property
    def planned(self) -> int:
        """The steps the run is planned to have."""
        return self.record.comparison.base.steps

    @cached_property
    def snapshot(self) -> Snapshot:
        """The snapshot at the cursor."""
        return queries.snapshot_at(self.record, self.cursor)

    @cached_property
    def styles(self) -> list[ArmStyle]:
        """The style of each arm."""
        return arm_styles(self.arms)

    @property
    def axis(self) -> Axis:
        """What the x axis of curves over the steps counts."""
        return cast(Axis, self.view.axis)

    @property
    def time_unit(self) -> TimeUnit:
        """What one place on that axis is called."""
        return "step" if self.axis == "steps" else self.axis

    @property
    def where(self) -> str:
        """A plotly template of a place on that axis, for the pointer."""
        words = {"steps": "step %{x:,}", "examples": "%{x:,} examples"}
        return words.get(self.view.axis, "%{x:.2f} s")

    @cached_property
    def places(self) -> list[Array]:
        """Where each arm's snapshots stand on the x axis, (n,) each."""
        arms = range(len(self.arms))
        return [axis_values(self.record, arm, self.axis)[1] for arm in arms]

    @cached_property
    def places_of_cursor(self) -> list[float]:
        """Where the snapshot at the cursor stands on the x axis, for each arm."""
        if not self.record.snapshots:
            return [0.0] * len(self.arms)
        position = queries.position(self.record, self.cursor)
        return [float(places[position]) for places in self.places]

    @property
    def same_places(self) -> bool:
        """Whether all arms stand at the same place after the same step."""
        first, *others = self.places
        return all(np.array_equal(first, places) for places in others)

    @cached_property
    def validation_losses(self) -> list[Array]:
        """The validation losses of each arm over all snapshots, (n, K) each; infinite if lost."""
        return [queries.validation_losses(self.record, i) for i in range(len(self.arms))]

    def setting(self, arm: int, name: str) -> Any:
        """Return one setting of one arm."""
        return getattr(self.record.configs[arm], name)

    @property
    def present(self) -> list[tuple[int, NetStatistics]]:
        """The arms that the snapshot at the cursor holds, by index."""
        return [
            (i, snapshot) for i, snapshot in enumerate(self.snapshot.arms) if snapshot is not None
        ]


def faint_line(context: FigureContext, arm: int, steps: Array, values: Array) -> Trace:
    """Return a thin see-through curve for unsmoothed values, (P,)."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": float32(steps),
        "y": float32(values),
        "line": line(context.view, context.styles[arm].faint(0.3)),
        "hoverinfo": "skip",
        "name": f"{context.arms[arm].label}, mini-batches",
        **group(context, arm),
    }


def marker(context: FigureContext, arm: int, size: float = 6) -> dict[str, Any]:
    """Return an arm's marker."""
    style = context.styles[arm]
    return {"symbol": style.symbol, "size": thick(context.view, size), "color": style.colour}


def group(context: FigureContext, arm: int) -> dict[str, Any]:
    """Return what lets the legend show and hide all of an arm's traces together."""
    return {"legendgroup": context.arms[arm].name}


def arm_legend(context: FigureContext) -> list[LegendEntry]:
    """Return a line of the legend for each arm, which reads its numbers at the cursor."""
    return [
        LegendEntry(
            label=arm.label,
            group=arm.name,
            colour=style.colour,
            dash=style.dash,
            symbol=style.symbol,
            at=at,
        )
        for arm, style, at in zip(
            context.arms, context.styles, context.places_of_cursor, strict=True
        )
    ]


def steps_axis(context: FigureContext, behind: str = "", **changes: Any) -> dict[str, Any]:
    """Return the x axis of a whole planned run: over steps or examples it does not move.

    ``behind`` stands behind its title.
    """
    end = axis_end(context.record, context.axis) or 1.0
    shared: dict[str, Any] = {"range": [-0.01 * end, 1.01 * end]}
    if context.axis != "seconds":
        shared["tickformat"] = ",d"
        if end < 6:
            shared["dtick"] = 1
    title = {"steps": "step", "examples": "training examples seen"}.get(context.axis, "seconds")
    return axis(context.view, f"{title} {behind}".strip(), **(shared | changes))


def over_steps(reads: str, axes: int = 1, unit: TimeUnit = "step") -> dict[str, Any]:
    """Return what a chart over the steps says about its x axes and the numbers read there."""
    names = ["xaxis", *(f"xaxis{number}" for number in range(2, axes + 1))]
    return {"time_axes": names, "time_unit": unit, "reads": reads}


def cursor_line(context: FigureContext, **changes: Any) -> dict[str, Any]:
    """Return the vertical line at the cursor's step, which is the same for all arms."""
    at, style = context.places_of_cursor[0], line(context.view, "@muted/0.8")
    return guide(context.view, (at, at), (0, 1), yref="paper", line=style, **changes)


def cursor_lines(context: FigureContext) -> list[dict[str, Any]]:
    """Return the vertical line at the cursor: one for each arm, where arms stand apart."""
    places = context.places_of_cursor
    if len(set(places)) == 1:
        return [cursor_line(context)]
    return [
        guide(
            context.view,
            (at, at),
            (0, 1),
            yref="paper",
            line=line(context.view, style.faint(0.8), style.dash),
        )
        for at, style in zip(places, context.styles, strict=True)
    ]


def arm_title(context: FigureContext, arm: int, tile: Tile, **changes: Any) -> dict[str, Any]:
    """Return an arm's name in its colour, centred above its panel.

    The page breaks it into lines, and cuts it, where the panel is narrower than the name.
    """
    font = {"size": text_size(context.view), "color": context.styles[arm].colour}
    shared = {"xanchor": "center", "yanchor": "bottom", "font": font, "name": ARM_TITLE}
    axes = {"xref": f"x{tile.number} domain", "yref": f"y{tile.number} domain"}
    label = f"<b>{context.arms[arm].label}</b>"
    return note(context.view, label, 0.5, 1) | shared | axes | changes


def tiles(count: int, most_columns: int, gaps: tuple[float, float]) -> list[Tile]:
    """Return places for so many panels, in rows of equal length; ``gaps`` across and up."""
    rows = math.ceil(count / most_columns)
    columns = math.ceil(count / rows)
    across, up = split_interval(columns, gaps[0]), split_interval(rows, gaps[1])[::-1]
    return [
        Tile(i, i % columns, columns, i + columns >= count, across[i % columns], up[i // columns])
        for i in range(count)
    ]


def row_gap(view: View) -> float:
    """Return the share of the height between two rows of panels: ticks, and names in two lines."""
    return 0.3 if view.projector else 0.2


def titled_margin(context: FigureContext) -> dict[str, int]:
    """Return the margin of panels with their arms' names above them."""
    return {"l": 40, "r": 10, "t": text_size(context.view) + 10, "b": 32, "pad": 0}


def absence(context: FigureContext, arm: int) -> str:
    """Return why an arm shows nothing at the cursor."""
    step = queries.divergence_of(context.record, arm)
    return "no data yet" if step is None else f"diverged at<br>step {step:,}"


def absence_note(context: FigureContext, words: str, tile: Tile) -> dict[str, Any]:
    """Return words in the middle of an empty panel; the page breaks them into lines."""
    axes = {"xref": f"x{tile.number} domain", "yref": f"y{tile.number} domain"}
    return note(context.view, words, 0.5, 0.5, xanchor="center", name=ABSENCE, **axes)


def split_interval(count: int, gap: float) -> list[tuple[float, float]]:
    """Return ``count`` equal parts of the unit interval with gaps between them."""
    width = (1 - gap * (count - 1)) / count
    return [(i * (width + gap), i * (width + gap) + width) for i in range(count)]
