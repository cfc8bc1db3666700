"""What a figure is drawn from, and the parts that several figures share."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bn_core.comparison import Arm
from bn_core.figures import record_queries as queries
from bn_core.figures.chart import LegendEntry
from bn_core.figures.layout import axis, guide, line, note, text_size, thick
from bn_core.figures.record_queries import float32
from bn_core.figures.theme import ArmStyle, arm_styles
from bn_core.figures.view import View
from bn_core.records import NetStatistics, Record, Snapshot

Array = np.ndarray
Trace = dict[str, Any]

LABEL_WIDTH = 0.22
"""Space for the label of a learning rate, as a share of the planned steps."""

SIDE_BY_SIDE = 3
"""Above more panels side by side than these, arms' names take two lines."""


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

    @cached_property
    def steps(self) -> Array:
        """The steps of all snapshots, (n,)."""
        return queries.snapshot_steps(self.record)

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
            at=float(context.snapshot.step),
        )
        for arm, style in zip(context.arms, context.styles, strict=True)
    ]


def steps_axis(context: FigureContext, title: str = "step", **changes: Any) -> dict[str, Any]:
    """Return the x axis of a whole planned run: it does not move while the run grows."""
    margin = context.planned * 0.01
    ends = [-margin, context.planned + margin]
    shared: dict[str, Any] = {"range": ends, "tickformat": ",d"}
    if context.planned < 6:
        shared["dtick"] = 1
    return axis(context.view, title, **(shared | changes))


def over_steps(reads: str, axes: int = 1) -> dict[str, Any]:
    """Return what a chart over the steps says about its x axes and the numbers read there."""
    names = ["xaxis", *(f"xaxis{number}" for number in range(2, axes + 1))]
    return {"time_axes": names, "time_unit": "step", "reads": reads}


def cursor_line(context: FigureContext, **changes: Any) -> dict[str, Any]:
    """Return the vertical line at the cursor's step."""
    step, style = context.snapshot.step, line(context.view, "@muted/0.8")
    return guide(context.view, (step, step), (0, 1), yref="paper", line=style, **changes)


def rate_lines(context: FigureContext) -> list[dict[str, Any]]:
    """Return a dotted vertical line where the learning rate was changed."""
    return [
        guide(context.view, (step, step), (0, 1), yref="paper")
        for step, _ in context.record.rate_changes
    ]


def rate_labels(context: FigureContext) -> list[dict[str, Any]]:
    """Return the new learning rates above their lines, outside the plot; crowded ones are not."""
    labels, last = [], -np.inf
    for step, rate in context.record.rate_changes:
        if step - last < context.planned * LABEL_WIDTH:
            continue
        last = step
        # A label stands on the side of its line where the plot has room for it.
        side = "right" if step > context.planned * (1 - LABEL_WIDTH) else "left"
        place = {"xref": "x", "xanchor": side, "yanchor": "bottom"}
        labels.append(note(context.view, f"rate {rate:g}", step, 1, **place))
    return labels


def margin_for_rates(context: FigureContext) -> dict[str, int]:
    """Return the margin of a chart over the steps, with room for the learning rates above it."""
    rates = text_size(context.view) + 4 if context.record.rate_changes else 0
    return {"l": 40, "r": 10, "t": 8 + rates, "b": 32, "pad": 0}


def arm_title(
    context: FigureContext, arm: int, x: float, y: float, **changes: Any
) -> dict[str, Any]:
    """Return an arm's name in its colour, centred above the panel that ends at (x, y)."""
    font = {"size": text_size(context.view), "color": context.styles[arm].colour}
    shared = {"xanchor": "center", "yanchor": "bottom", "font": font}
    label = context.arms[arm].label
    if "xanchor" not in changes and len(context.arms) > SIDE_BY_SIDE:
        label = label.replace(" ", "<br>")
    return note(context.view, f"<b>{label}</b>", x, y, **(shared | changes))


def titled_margin(context: FigureContext) -> dict[str, int]:
    """Return the margin of panels side by side with their arms' names above them."""
    lines = 1 if len(context.arms) <= SIDE_BY_SIDE else 2
    return {"l": 40, "r": 10, "t": 6 + lines * (text_size(context.view) + 4), "b": 32, "pad": 0}


def absence(context: FigureContext, arm: int) -> str:
    """Return why an arm shows nothing at the cursor."""
    step = queries.divergence_of(context.record, arm)
    return "no data yet" if step is None else f"diverged at<br>step {step:,}"


def split_interval(count: int, gap: float) -> list[tuple[float, float]]:
    """Return ``count`` equal parts of the unit interval with gaps between them."""
    width = (1 - gap * (count - 1)) / count
    return [(i * (width + gap), i * (width + gap) + width) for i in range(count)]
