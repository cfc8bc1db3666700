"""The map that a class measures together, on the teacher's page: it fills while students ask."""

import re
from collections.abc import Hashable

import streamlit as st

from bn_core.comparison import comparison_to_query
from bn_core.sweeps.stability_map import StabilityMap
from pages.shared.classroom.pooled_map import PooledMap
from pages.shared.live.component import show_feed
from pages.shared.session import Session, this_session
from pages.shared.tasks.sweep_view import SweepFeed

_VIEW = "class.map.view"
_PICKED = "class.map.picked"


class _ClassMap:
    """A class's map as the view of the stability map shows one."""

    def __init__(self, work: PooledMap) -> None:
        self.work = work

    @property
    def map(self) -> StabilityMap:
        return self.work.map

    @property
    def version(self) -> Hashable:
        return self.work.map.lines, self.done

    @property
    def done(self) -> bool:
        return self.work.is_complete

    @property
    def failure(self) -> str:
        return ""

    def renew_lease(self) -> None:
        """Do nothing: the server keeps a class's work going."""

    def notice(self) -> str:
        return self.work.words()


def map_view(session: Session, work: PooledMap) -> None:
    """Show a class's map as the page of the stability map does; a click on a cell opens it."""
    _open_picked(session, work)
    feed = session.feeds.get(_VIEW)
    if not isinstance(feed, SweepFeed) or getattr(feed.run, "work", None) is not work:
        feed = session.feeds[_VIEW] = SweepFeed(session, _ClassMap(work))
    show_feed(_VIEW, feed, on_chosen_change=_note_pick)


def _note_pick() -> None:
    chosen = st.session_state[_VIEW].get("chosen")
    if isinstance(chosen, dict) and chosen.get("name") == "cell":
        this_session().widget_values[_PICKED] = str(chosen.get("value"))[:20]


def _open_picked(session: Session, work: PooledMap) -> None:
    """Go to the Lab with the settings of the cell that the teacher has clicked."""
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,3})", session.widget_values.pop(_PICKED, ""))
    if not found:
        return
    y, x = (int(part) for part in found.groups())
    rows, columns = work.sweep.shape
    if y < rows and x < columns:
        query = comparison_to_query(work.sweep.comparison((x, y)))
        st.switch_page("pages/lab.py", query_params=query)
