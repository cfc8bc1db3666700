"""What the app knows of one visitor, in one object.

Streamlit forgets the values of widgets that are not shown, and may break a script off wherever it
touches the session's state or draws something. So what must stay together lives here.
"""

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared.lab.events import Effect, LabState
from pages.shared.lessons.state import Learning
from pages.shared.own_data.inbox import Inbox
from pages.shared.own_data.read_file import ReadFile
from pages.shared.runs.collection import PresentKept, RunCollection
from pages.shared.runs.page_state import RunsView

if TYPE_CHECKING:
    from bn_core.classroom import Classroom
    from bn_core.service.tasks import TrainingRun
    from pages.shared.live.feed import Feed
    from pages.shared.tasks.computation import Computation
    from pages.shared.tasks.experiments import ExperimentRun


@dataclass
class Session:
    """One visitor: where they are, the Lab's state and run, and the computations asked for."""

    visitor: str = field(default_factory=lambda: secrets.token_hex(8))
    """Tells the pool whose runs and computations are whose; no other visitor is told."""

    page: str = ""
    chapter: str = ""
    arrival: dict[str, str] | None = None
    """The link that led to this page, while the page has still to read it."""
    by_history: bool = False
    """Whether the reader came by the browser's Back or Forward."""
    link: dict[str, str] = field(default_factory=dict)
    """The link as this session wrote it last, or found it on arrival."""
    link_values: dict[str, str | None] = field(default_factory=dict)
    """What this run of the script puts into the link; None takes a parameter out."""
    shown_values: dict[str, str] = field(default_factory=dict)
    """What the controls of the page show, by their names in the link; initial values as well."""
    link_warnings: list[str] = field(default_factory=list)
    """What of the link that led to this page could not be used; the Lab's are in its state."""

    lab: LabState = field(default_factory=LabState)
    run: "TrainingRun | None" = None
    repeated: "TrainingRun | None" = None
    """The finished run whose steps the present run repeats before it goes on."""
    pending_actions: list[Effect] = field(default_factory=list)
    """What the Lab's events asked for and has still to be done."""
    last_command_at: float = 0.0
    """When the run was last given a command, by the monotonic clock."""
    notice: str = ""
    """A sentence for the next run of the script to show."""
    kept_runs: RunCollection = field(default_factory=RunCollection)
    present_kept: PresentKept = field(default_factory=PresentKept)
    """The run of the Lab that was kept last."""
    runs_view: RunsView = field(default_factory=RunsView)
    inbox: Inbox = field(default_factory=Inbox)
    """The file of their own that the visitor has opened."""
    read_file: ReadFile = field(default_factory=ReadFile)
    own_titles: dict[str, str] = field(default_factory=dict)
    """The names of the files that own data came from."""
    goes_to_lab: bool = False
    """Whether the reader is to be led to the Lab."""
    learning: Learning = field(default_factory=Learning)
    """The lesson or challenge that is open beside the pages."""
    slider_stops: dict[str, set[float]] = field(default_factory=dict)
    """Values beside a slider's usual stops, as links brought them."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while the Lab's state changes: scripts and feeds run in different threads."""

    widget_values: dict[str, Any] = field(default_factory=dict)
    """Values of widgets that Streamlit cannot keep: the rows of edited tables."""
    revisions: dict[str, int] = field(default_factory=dict)
    """How often each such widget was made anew, by its key."""
    feeds: "dict[str, Feed]" = field(default_factory=dict)
    experiments: "dict[str, ExperimentRun]" = field(default_factory=dict)
    """The experiments this visitor has run, by slug."""
    computations: "dict[str, Computation]" = field(default_factory=dict)
    """What was last computed in each place of the pages."""
    classroom: "Classroom | None" = None
    """The class that this visitor teaches."""
    follows: str = ""
    """The code of the class from whose page the Lab was opened."""
    class_ended: bool = False
    """Whether the browser is to forget the class that it has taught."""
    script_runs: int = 0
    """How often a live view was shown: another number makes it ask for an update."""

    def arrive(self, page: str, query: Mapping[str, str], *, by_history: bool) -> None:
        """Note where the reader is; a link is read on arrival and after Back or Forward only.

        Any other run of the script may come with a link that was replaced while it was on its way.
        """
        arrived = page != self.page
        self.page, self.link_values, self.shown_values = page, {}, {}
        if arrived or by_history:
            self.link = dict(query)
            by_link = page == "lab" and (bool(query) or by_history)
            self.arrival, self.link_warnings = self.learning.arrive(query, by_link_of_lab=by_link)
            # A lesson's link sets the page up as after Back: what it leaves out is as at the start.
            self.by_history = by_history or len(self.arrival) < len(query)

    def disconnect(self) -> None:
        """Tell the run that its page is gone; unless it returns soon, the run is forgotten."""
        if self.run is not None:
            self.run.disconnect()


def this_session() -> Session:
    """Return what is known of this visitor."""
    found = st.session_state.get("session")
    if found is None:
        found = st.session_state["session"] = Session()
    return found


def write_link(session: Session, query: Mapping[str, str]) -> None:
    """Put the page's state into the address bar, if it is not there yet.

    After Back or Forward the address stays as it is until something changes: each link that is
    written becomes a new entry of the browser's history, which Back could then never leave.
    """
    came_back, session.by_history = session.by_history, False
    query = {**query, **session.learning.link_values()}
    if session.link != query:
        session.link = dict(query)
        if not came_back:
            st.query_params.from_dict(session.link)
