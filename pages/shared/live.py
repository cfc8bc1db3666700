"""The live view: one component that keeps its plots and fetches what to draw in them."""

import time
from collections.abc import Hashable, Mapping
from typing import Any

import streamlit as st

from bn_core.figures.view import View
from bn_core.service.pool import PoolFull
from bn_core.service.run import Run
from bn_core.settings import SettingError, settings_of
from pages.shared import picture, server
from pages.shared.browser import component
from pages.shared.feed import Feed, Part
from pages.shared.visit import Visit, this_visit

HTML = """<div class="bn-live">
<div class="bn-top"><div class="bn-summary"></div><p class="bn-notice" role="status"></p></div>
<label class="bn-time"><span>Time</span><input type="range" min="0" max="0" value="0"
 aria-label="Go back to a recorded step"><output></output></label>
<div class="bn-grid"></div></div>"""

_CROWD = 8
"""Runs that train at once beyond which each page draws a little less often."""
_SECONDS_FOR_A_STEP = 15.0
_SECONDS_TO_SETTLE = 0.8
"""How long after a command the view keeps looking for what it brings."""


def live_view() -> None:
    """Show this visitor's run; from here on the browser asks for its pictures itself."""
    visit = this_visit()
    if "live" not in visit.feeds:
        visit.feeds["live"] = LabFeed(visit)
    feed = visit.feeds["live"]
    show_feed("live", feed, on_chosen_change=_chosen)


def show_feed(key: str, feed: Feed, **callbacks: Any) -> None:
    """Show what a feed brings; the page's script runs again when the feed says it should."""
    visit = this_visit()
    visit.times_shown += 1
    component("live", HTML)(
        key=key,
        data={
            "feed": feed.token,
            "state": feed.page_state(),
            "shown": visit.times_shown,
        },
        # The script runs again, and that is all there is to do.
        on_stirred_change=lambda: None,
        **callbacks,
    )


class LabFeed(Feed):
    """The pictures of a visitor's run in the Lab."""

    def __init__(self, visit: Visit) -> None:
        super().__init__()
        self.visit = visit

    @property
    def _run(self) -> Run | None:
        return self.visit.run

    def seen(self) -> None:
        """Renew the run's lease; a run that rested for want of a look goes on."""
        if self._run is None:
            return
        try:
            self._run.seen()
        except PoolFull as full:
            self.visit.sentence = str(full)

    def go_to(self, step: int | None) -> None:
        """Show an earlier step from now on; None is the newest."""
        self.visit.cursor = step

    def depends_on(self) -> Hashable:
        """Return what the picture depends on."""
        run = self._run
        if run is None:
            return None
        return run.number, run.version, run.playing, self.visit.view, self.visit.cursor

    def words(self) -> dict[str, Any]:
        """Return the table, the notice and the time."""
        run, visit = self._run, self.visit
        if run is None or run.record is None or not run.record.snapshots:
            # What is on the page stays there until there is something to show instead.
            return {"notice": run.ending.why if run and run.ending else "Building the nets …"}
        return picture.words(run.record, visit.view, visit.cursor, playing=run.playing)

    def parts(self) -> Mapping[str, Part]:
        """Return the charts that the view asks for."""
        run, visit = self._run, self.visit
        if run is None or run.record is None or not run.record.snapshots:
            return {}
        return picture.parts(run.record, visit.view, visit.cursor, run.number)

    def restless(self) -> bool:
        """Return whether the picture of the run will change by itself."""
        run = self._run
        if run is None or run.playing or run.record is None or not run.record.snapshots:
            return run is None or run.ending is None
        patience = _SECONDS_FOR_A_STEP if run.awaits_step else _SECONDS_TO_SETTLE
        return time.monotonic() - self.visit.stirred < patience

    def page_state(self) -> str:
        """Return what buttons, the rate's slider, the link and the remarks show."""
        run = self._run
        if run is None:
            return ""
        changes = run.record.rate_changes if run.record else ()
        shown = (run.playing, run.ending is None, run.learning_rate, changes, self.visit.sentence)
        return repr((run.number, *shown))

    def seconds_between(self) -> float:
        """Return how long to wait between pictures: longer in a crowd."""
        return 0.25 if server.pool().training() <= _CROWD else 0.4


def _chosen() -> None:
    """Take over what the reader chose above a chart."""
    asked = st.session_state["live"].get("chosen") or {}
    setting = settings_of(View).get(str(asked.get("name")))
    if setting is None:
        return
    try:
        this_visit().change_view(**{asked["name"]: setting.read(str(asked.get("value")))})
    except SettingError as error:
        this_visit().sentence = str(error)
