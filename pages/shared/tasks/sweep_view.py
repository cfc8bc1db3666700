"""The live view of a stability map."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any, Protocol, cast

from bn_core.figures.chart import Chart as Drawn
from bn_core.figures.stability_map import map_charts
from bn_core.figures.stability_words import map_settings_line
from bn_core.figures.view import View
from bn_core.sweeps.findings import findings
from bn_core.sweeps.reading import measured_fates
from bn_core.sweeps.stability_map import (
    DIVERGED,
    FATE_WORDS,
    LEARNED,
    NOT_LEARNED,
    UNKNOWN,
    StabilityMap,
)
from bn_core.sweeps.table import table_of
from pages.shared.live.component import show_feed
from pages.shared.live.feed import Chart, Feed
from pages.shared.live.schema import ChartUpdate, Frame, Row
from pages.shared.session import Session, this_session
from pages.shared.tasks.sweeps import SweepRun

VIEW_KEY = "stability_map.view"


class ShownSweep(Protocol):
    """A map that is being measured, as far as it is shown."""

    @property
    def map(self) -> StabilityMap: ...
    @property
    def version(self) -> Hashable: ...
    @property
    def done(self) -> bool: ...
    @property
    def failure(self) -> str: ...
    def renew_lease(self) -> None: ...
    def notice(self) -> str: ...


class SweepFeed(Feed):
    """The charts of a map, a table of counts, and what it shows in a sentence."""

    def __init__(self, session: Session, run: ShownSweep) -> None:
        super().__init__()
        self.session, self.run = session, run
        self.shows = "speed"
        """What the colours mean, one of ``SHOWS``."""
        self._drawn: tuple[Hashable, dict[str, Drawn]] = (None, {})

    def renew_lease(self) -> None:
        """Keep the sweep from being cancelled."""
        self.run.renew_lease()

    def show_step(self, step: int | None) -> None:
        """A map has no steps to go back to."""

    def cache_key(self) -> Hashable:
        """Return what the update depends on."""
        self.run.renew_lease()
        return id(self.run), self.run.version, self.shows, self.session.lab.view.projector

    def frame(self) -> Frame:
        """Return the counts and where the sweep stands."""
        found, kinds = self.run.map, (LEARNED, NOT_LEARNED, DIVERGED, UNKNOWN)
        rows = [
            Row(
                cells=[one.label, *(str((fate == kind).sum()) for kind in kinds)],
                colour="",
                dash="",
                symbol="",
            )
            for arm, one in enumerate(found.sweep.arms)
            for fate in (measured_fates(found, arm),)
        ]
        return Frame(
            head=["cells", *(FATE_WORDS[kind] for kind in kinds)],
            rows=rows,
            notice=self.run.notice(),
            settings=map_settings_line(found.sweep),
            conclusion=_conclusion(found) if self.run.done else "",
            steps=[],
            step=0,
            computation=True,
            projector=self.session.lab.view.projector,
        )

    def charts(self) -> Mapping[str, Chart]:
        """Return a chart for each net, and one that compares them."""
        found, view = self.run.map, View(projector=self.session.lab.view.projector)
        names = [f"map_{arm}" for arm in range(len(found.sweep.arms))]
        names += ["map_difference"] if len(names) > 1 else []
        state = (id(self.run), found.lines, self.shows, view)
        return {name: (state, partial(self._chart, name, state, view)) for name in names}

    def _chart(self, name: str, state: Hashable, view: View) -> ChartUpdate:
        if self._drawn[0] != state:
            self._drawn = (
                state,
                {chart.id: chart for chart in map_charts(self.run.map, view, self.shows)},
            )
        chart = asdict(self._drawn[1][name])
        return cast(ChartUpdate, chart | {"choices": [], "reset": repr(id(self.run))})

    def table(self) -> list[list[Any]]:
        """Return a row for each net that was trained."""
        return list(table_of(self.run.map))

    def is_live(self) -> bool:
        """Return whether more is to come."""
        return not self.run.done

    def rerun_key(self) -> str:
        """Return what the page shows beside the view."""
        return repr((id(self.run), self.run.done, self.run.failure))

    def seconds_between(self) -> float:
        """Return how long to wait between updates."""
        return 0.5


def _conclusion(found: StabilityMap) -> str:
    """Return the first finding; the page says the others below the map."""
    said = findings(found)
    return f"So: {said[0]}" if said else ""


def sweep_view(run: SweepRun, shows: str, picked: Callable[[], None]) -> None:
    """Show a map, live until it is done; its colours mean what ``shows`` names.

    ``picked`` is called when the reader clicks a cell or drags a rectangle.
    """
    session = this_session()
    feed = session.feeds.get("stability_map")
    if not isinstance(feed, SweepFeed):
        feed = session.feeds["stability_map"] = SweepFeed(session, run)
    feed.run, feed.shows = run, shows
    show_feed(VIEW_KEY, feed, on_chosen_change=picked)
