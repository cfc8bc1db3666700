"""The live view of a run in the Lab."""

import math
import time
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from bn_core.figures.diagram import up_to_date
from bn_core.figures.tables import summary_table
from bn_core.figures.view import View
from bn_core.lessons.arranged import NETS
from bn_core.records import Record
from bn_core.service.pool import PoolFull
from bn_core.service.tasks import TrainingRun
from bn_core.settings import SettingError, settings_of
from pages.shared.lab import dashboard
from pages.shared.lab.diagram_edits import diagram_edit
from pages.shared.lab.events import StepChosen, ViewChanged
from pages.shared.lab.runs import dispatch, problem, runs_training, workers_start
from pages.shared.lessons.arranged_state import LOCKED
from pages.shared.live.component import show_feed
from pages.shared.live.feed import Chart, Feed
from pages.shared.live.schema import Frame
from pages.shared.runs.ghosts import ghosts
from pages.shared.session import Session, this_session

_KEY = "lab.live"
_FEW, _CROWD = 4, 8
"""Runs that train at once beyond which each page draws a little less often, and less again."""
_SECONDS_FOR_A_STEP = 15.0
_SECONDS_TO_SETTLE = 0.8
"""How long after a command the view keeps asking for what it brings."""
_BUILDING = "Building the nets …"
_STARTING = "The server's training processes are starting. They build the nets in a moment …"
_LOST = "forgotten"


def live_view() -> None:
    """Show this visitor's run; from here on the browser asks for its updates itself."""
    session = this_session()
    if "lab" not in session.feeds:
        session.feeds["lab"] = LabFeed(session)
    show_feed(_KEY, session.feeds["lab"], on_chosen_change=_choose, on_edited_change=_edit)


class LabFeed(Feed):
    """The charts of a visitor's run in the Lab."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._moved_at, self._link_step = -math.inf, session.lab.cursor
        self._shows_nets = False

    def renew_lease(self) -> None:
        """Keep the run; one that was suspended since no page showed it goes on."""
        run = self.session.run
        if run is None or run.forgotten:
            return  # the page's script opens another
        try:
            run.renew_lease()
        except PoolFull as full:
            self.session.notice = str(full)

    def show_step(self, step: int | None) -> None:
        """Show an earlier step from now on; None is the newest."""
        dispatch(self.session, StepChosen(step))
        self._moved_at = time.monotonic()

    def cache_key(self) -> Hashable:
        """Return what the update depends on."""
        run, lab = self.session.run, self.session.lab
        if run is None:
            return None
        earlier = self.session.kept_runs.revision
        shown = self._drawn_run(), lab.view, lab.cursor, self._nets_are_fixed
        return run.id, run.version, run.playing, *shown, earlier

    def charts_key(self) -> Hashable:
        """Return what the reader has just done: the charts follow at once."""
        run, lab = self._drawn_run(), self.session.lab
        earlier = self.session.kept_runs.revision
        return run and (run.id, run.playing, run.ending), lab.view, lab.cursor, earlier

    def frame(self) -> Frame:
        """Return the table, the notice and the time."""
        run, lab, record = self._drawn_run(), self.session.lab, self._record()
        if run is None or record is None:
            waits = _STARTING if workers_start() else run.message if run else ""
            notice = problem() or waits or _BUILDING
            if run is None:
                # What is on the page stays there until there is something to show instead.
                return {"notice": notice}
            if self._shows_nets:
                return dashboard.untrained_frame(run.comparison, lab.view, notice)
            return dashboard.unbuilt_frame(run.comparison, lab.view, notice)
        self._shows_nets = True
        frame = dashboard.frame(
            record,
            lab.view,
            lab.cursor,
            playing=run.playing,
            live=run.live,
            data_title=self.session.own_titles.get(record.comparison.base.data, ""),
        )
        if self.session.run is not None and self.session.run is not run:
            frame["notice"] = _repeating(self.session.run, run.step_reached)
        return frame

    def nets(self) -> Chart | None:
        """Return the nets' layers and the examples."""
        run, record = self._drawn_run(), self._record()
        if run is None:
            return None
        fixed = self._nets_are_fixed
        if record is None:
            return dashboard.unbuilt_nets(run.comparison, run.id, fixed=fixed)
        return dashboard.nets(record, run.id, fixed=fixed)

    def charts(self) -> Mapping[str, Chart]:
        """Return the charts that the view asks for."""
        run, lab, record = self._drawn_run(), self.session.lab, self._record()
        if run is None or record is None:
            return {}
        return dashboard.charts(record, lab.view, lab.cursor, run.id, ghosts(self.session))

    def table(self) -> list[list[Any]]:
        """Return the results of each net so far."""
        run, record = self._drawn_run(), self._record()
        return summary_table(up_to_date(record, run.live)) if run and record else []

    def is_live(self) -> bool:
        """Return whether the charts of the run will change by themselves."""
        run, now = self.session.run, time.monotonic()
        if now - self._moved_at < 2 * _SECONDS_TO_SETTLE:
            return True  # the link has still to say where the time slider stands
        if run is None or run.playing or self._record() is None:
            return run is None or run.ending is None
        seconds = _SECONDS_FOR_A_STEP if run.awaits_step else _SECONDS_TO_SETTLE
        return now - self.session.last_command_at < seconds

    def rerun_key(self) -> str:
        """Return what buttons, the rate's slider, the link and the notices show."""
        run = self.session.run
        if run is None:
            return ""
        if run.forgotten:
            return f"{_LOST} {run.id}"
        changes = run.record.rate_changes if run.record else ()
        shown = (run.playing, run.ending is None, run.learning_rate, changes, self.session.notice)
        return repr((run.id, *shown, self._settled_step()))

    def _settled_step(self) -> int | None:
        """Return where the time slider stands, or stood before the reader began to move it."""
        if time.monotonic() - self._moved_at >= _SECONDS_TO_SETTLE:
            self._link_step = self.session.lab.cursor
        return self._link_step

    def seconds_between(self) -> float:
        """Return how long to wait between updates: longer in a crowd."""
        return 0.1 if runs_training() <= _FEW else 0.25 if runs_training() <= _CROWD else 0.4

    def seconds_between_charts(self) -> float:
        """Return how long charts stay as they are, longer in a crowd."""
        return 0.25 if runs_training() <= _CROWD else 0.5

    @property
    def _nets_are_fixed(self) -> bool:
        return not self.session.learning.arranged.is_free(NETS)

    def _record(self) -> Record | None:
        run = self._drawn_run()
        return run.record if run and run.record and run.record.snapshots else None

    def _drawn_run(self) -> TrainingRun | None:
        """Return the run whose figures are shown: what the present run repeats, until it is there.

        So the figures stay where they are while a run that goes on begins.
        """
        run, earlier = self.session.run, self.session.repeated
        if run is None or earlier is None or run.ending is not None:
            return run
        return earlier if run.step_reached < earlier.step_reached else run


def _repeating(run: TrainingRun, steps: int) -> str:
    """Return how far a run is that still repeats the steps of another."""
    again = f"Steps 1 to {steps:,} are trained again, {run.step_reached:,} so far."
    return f"{again} Then the nets train on, to step {run.comparison.base.steps:,}."


def _choose() -> None:
    """Take over what the reader chose above a chart."""
    session = this_session()
    asked = st.session_state[_KEY].get("chosen") or {}
    name, setting = str(asked.get("name")), settings_of(View).get(str(asked.get("name")))
    if setting is None:
        return
    try:
        value = setting.read(str(asked.get("value")))
    except SettingError as error:
        session.notice = str(error)
    else:
        dispatch(session, ViewChanged(replace(session.lab.view, **{name: value})))


def _edit() -> None:
    """Take over what the reader did in the drawing of the nets."""
    session = this_session()
    edit = diagram_edit(st.session_state[_KEY].get("edited"))
    if edit is None:
        return
    if edit.kind == "select" or session.learning.arranged.is_free(NETS):
        dispatch(session, edit)
    else:
        session.notice = f"{LOCKED}: the nets stay as they are."
