"""The Lab of a student who came from a class's page: what was trained can be submitted there."""

import streamlit as st

from bn_core.classroom.classes import normalized
from bn_core.service.tasks import TrainingRun
from pages.shared.classroom import shown_run
from pages.shared.classroom.submitted_links import link_text
from pages.shared.live.component import component
from pages.shared.session import Session

CLASS = "class"
"""The link's key of the class that is followed."""

_HTML = """<div class="bn-copy bn-submit" hidden><span role="status"></span>
<button type="button">Submit to the class</button></div>"""


def follow_class(session: Session) -> None:
    """Note from which class's page the reader came."""
    code = normalized((session.arrival or {}).pop(CLASS, ""))
    if code:
        session.follows = code if code.isascii() and code.isalnum() else ""


def submit_to_class(session: Session, run: TrainingRun) -> None:
    """Show the button that submits the run by its link; in browsers that joined the class.

    The token of the student stays in the browser, whose code sends the link itself.
    """
    if session.follows:
        data = {"code": session.follows, "link": link_text(run.as_run())}
        component("class_submit", _HTML)(key="lab.class_submit", data=data)


def say_who_watches(session: Session) -> None:
    """Tell a teacher in their Lab that a class sees its run."""
    if session.classroom is not None and shown_run.is_shown(session.classroom):
        st.caption(f"Class {session.classroom.code} sees this run on its devices.")
