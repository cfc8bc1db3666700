"""The live view of a computation's result."""

from collections.abc import Hashable, Mapping
from functools import partial
from typing import Any, cast

from bn_core.figures.metric_tables import metric_table
from bn_core.figures.result import chart
from bn_core.figures.tables import metrics_table
from bn_core.figures.view import View
from bn_core.results import Contours, HeatMaps, Panel, Result
from pages.shared.live.component import show_feed
from pages.shared.live.feed import Chart, Feed
from pages.shared.live.schema import ChartUpdate, Frame, Row
from pages.shared.session import Session, this_session
from pages.shared.tasks.computation import Computation


class ComputationFeed(Feed):
    """The charts of a computation's result."""

    def __init__(self, session: Session, computation: Computation) -> None:
        super().__init__()
        self.session, self.computation = session, computation
        self.settings = ""
        """What was computed, in a line for a saved picture."""
        self._result: Result | None = None
        self._results = 0

    def renew_lease(self) -> None:
        """Keep the computation from being cancelled."""
        self.computation.renew_lease()

    def show_step(self, step: int | None) -> None:
        """A result has no steps to go back to."""

    def cache_key(self) -> Hashable:
        """Return what the update depends on."""
        computation = self.computation
        computation.renew_lease()
        projector = self.session.lab.view.projector
        return computation.request, computation.version, computation.done, projector

    def frame(self) -> Frame:
        """Return the metrics and where the computation stands."""
        result = self.computation.result()
        table = metric_table(result.metrics if result else ())
        return Frame(
            head=table.head,
            rows=[Row(cells=cells, colour="", dash="", symbol="") for cells in table.rows],
            beside=table.beside,
            notice=self.computation.notice(),
            settings=self.settings,
            steps=[],
            step=0,
            computation=True,
            projector=self.session.lab.view.projector,
        )

    def charts(self) -> Mapping[str, Chart]:
        """Return the result's panels."""
        result, view = self.computation.result(), View(projector=self.session.lab.view.projector)
        if result is not self._result:
            self._result, self._results = result, self._results + 1
        request = self.computation.request
        return {
            panel.id: ((self._results, view), partial(_chart, panel, view, request))
            for panel in (result.panels if result else ())
        }

    def table(self) -> list[list[Any]]:
        """Return the metrics, seed by seed."""
        result = self.computation.result()
        return metrics_table(result.metrics if result else ())

    def is_live(self) -> bool:
        """Return whether more is to come."""
        return not self.computation.done

    def rerun_key(self) -> str:
        """Return what the page shows beside the view: whether it is done."""
        computation = self.computation
        return repr((computation.request, computation.done, computation.failure, computation.ended))

    def seconds_between(self) -> float:
        """Return how long to wait between updates."""
        return 0.4


def _chart(panel: Panel | HeatMaps | Contours, view: View, request: Hashable) -> ChartUpdate:
    drawn = vars(chart(panel, view)) | {"choices": [], "reset": repr(request)}
    return cast(ChartUpdate, drawn)


def computation_view(key: str, computation: Computation) -> None:
    """Show a computation, live until it is done."""
    session = this_session()
    feed = session.feeds.get(key)
    if not isinstance(feed, ComputationFeed):
        feed = session.feeds[key] = ComputationFeed(session, computation)
    feed.computation = computation
    show_feed(f"{key}.view", feed)
