"""The live view of kept runs that are laid over one another."""

from collections.abc import Hashable, Mapping
from functools import partial
from typing import Any, cast

from bn_core.figures.kept import overlay
from bn_core.figures.view import View
from bn_core.kept_runs import KeptRun, names_among
from pages.shared.live.component import show_feed
from pages.shared.live.feed import Chart, Feed
from pages.shared.live.schema import ChartUpdate, Frame
from pages.shared.session import Session

_FEED = "runs"


def overlay_view(session: Session, runs: list[KeptRun]) -> None:
    """Show the curves of some runs in the same charts."""
    feed = session.feeds.get(_FEED)
    if not isinstance(feed, OverlayFeed):
        feed = session.feeds[_FEED] = OverlayFeed(session)
    feed.runs = runs
    show_feed("runs.view", feed)


class OverlayFeed(Feed):
    """Loss and accuracy of the chosen runs; they change with the choice alone."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.runs: list[KeptRun] = []

    def renew_lease(self) -> None:
        """Nothing computes for these charts."""

    def show_step(self, step: int | None) -> None:
        """The charts show all steps."""

    def cache_key(self) -> Hashable:
        """Return what the update depends on."""
        return tuple(run.state_key for run in self.runs), self._view()

    def frame(self) -> Frame:
        """Return what stands beside the charts."""
        projector = self.session.lab.view.projector
        return Frame(
            notice="", head=[], rows=[], steps=[], step=0, computation=True, projector=projector
        )

    def charts(self) -> Mapping[str, Chart]:
        """Return the charts of the chosen runs."""
        makers, state = overlay(self.runs, self._view()), self.cache_key()
        reset = repr([run.id for run in self.runs])
        return {name: (state, partial(_chart, make, reset)) for name, make in makers.items()}

    def table(self) -> list[list[Any]]:
        """Return how each net of the runs ended."""
        head = ["run", "net", "steps", "validation accuracy", "validation loss"]
        named = zip(self.runs, names_among(self.runs), strict=True)
        numbers = [
            [name, arm.label, run.steps, arm.final_accuracy.median, arm.final_loss.median]
            for run, name in named
            for arm in run.arms
        ]
        return [head, *numbers]

    def is_live(self) -> bool:
        """Return that nothing changes by itself."""
        return False

    def rerun_key(self) -> str:
        """Return that the page need not run again."""
        return ""

    def seconds_between(self) -> float:
        """Return how long to wait between updates."""
        return 0.4

    def _view(self) -> View:
        return View(projector=self.session.lab.view.projector)


def _chart(make: Any, reset: str) -> ChartUpdate:
    return cast(ChartUpdate, vars(make()) | {"choices": [], "reset": reset})
