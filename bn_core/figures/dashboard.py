"""All charts that are visible at once, in page order."""

from collections.abc import Callable, Hashable, Sequence
from functools import partial

from bn_core.figures.boundary import boundary
from bn_core.figures.chart import Chart
from bn_core.figures.curves import accuracy, loss
from bn_core.figures.depth import by_depth
from bn_core.figures.distributions import ridges
from bn_core.figures.gradients import heat_map, update_ratio
from bn_core.figures.outputs import output_gradient
from bn_core.figures.percentiles import percentiles
from bn_core.figures.view import View
from bn_core.kept_runs import KeptRun
from bn_core.records import Record

IDS = ("loss", "accuracy", "moment", "distributions", "gradients", "depth")
"""The charts' names, in page order; they stay whatever the view."""


Builder = Callable[[Record, View, int | None], Chart]


def builders(record: Record, view: View, ghosts: Sequence[KeptRun] = ()) -> dict[str, Builder]:
    """Return what makes each chart that the view asks for, by the chart's name.

    ``ghosts`` are earlier runs, drawn faintly behind the curves over the steps.
    """
    plane = record.comparison.base.data_spec.kind == "plane" and view.moment == "boundary"
    chosen = (
        partial(loss, ghosts=ghosts),
        partial(accuracy, ghosts=ghosts),
        boundary if plane else output_gradient,
        ridges if view.distributions == "ridges" else percentiles,
        heat_map if view.gradients == "map" else update_ratio,
        by_depth,
    )
    return dict(zip(IDS, chosen, strict=True))


def charts(record: Record, view: View, cursor: int | None = None) -> list[Chart]:
    """Return the charts the view asks for; ``cursor`` is a snapshot's index, None the newest."""
    return [make(record, view, cursor) for make in builders(record, view).values()]


def state_of(
    name: str, record: Record, view: View, cursor: int | None, ghosts: Sequence[KeptRun] = ()
) -> Hashable:
    """Return what a chart depends on: while it is equal, the chart is the same.

    All but the loss change with the snapshots alone, which are far rarer than updates.
    """
    newest = record.snapshots[-1].step
    every_step = record.step if name == "loss" else 0
    events = (len(record.divergences), len(record.rate_changes), record.ending)
    behind = tuple(ghost.state_key for ghost in ghosts) if name in ("loss", "accuracy") else ()
    return record.comparison, view, cursor, newest, every_step, events, behind
