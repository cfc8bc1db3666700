"""All charts that are visible at once, in page order."""

from bn_core.figures.boundary import boundary
from bn_core.figures.chart import Chart
from bn_core.figures.curves import accuracy, loss
from bn_core.figures.depth import by_depth
from bn_core.figures.distributions import ridges
from bn_core.figures.gradients import heat_map, update_ratio
from bn_core.figures.outputs import output_gradient
from bn_core.figures.percentiles import percentiles
from bn_core.figures.view import View
from bn_core.records import Record

IDS = ("loss", "accuracy", "moment", "distributions", "gradients", "depth")
"""The charts' names, in page order; they stay whatever the view."""


def charts(record: Record, view: View, cursor: int | None = None) -> list[Chart]:
    """Return the charts the view asks for; ``cursor`` is an index of a look, None the newest."""
    plane = record.comparison.base.plane and view.moment == "boundary"
    makers = (
        loss,
        accuracy,
        boundary if plane else output_gradient,
        ridges if view.distributions == "ridges" else percentiles,
        heat_map if view.gradients == "map" else update_ratio,
        by_depth,
    )
    return [maker(record, view, cursor) for maker in makers]
