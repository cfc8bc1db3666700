"""The teacher's Lab before the class: its run live, its present state as a link for everyone."""

from urllib.parse import urlencode

import streamlit as st

from bn_core.classroom import Classroom
from bn_core.comparison import Comparison
from bn_core.service.own_names import names_in
from bn_core.service.pool import PoolFull
from pages.shared.classroom import shown_run
from pages.shared.lab.feed import live_view
from pages.shared.lab.runs import current_run, perform_pending
from pages.shared.lab.toolbar import toolbar, wait_for_place
from pages.shared.lab.url_state import lab_query
from pages.shared.session import Session


def show_run(session: Session, classroom: Classroom) -> None:
    """Offer to show the Lab's run here and on the students' devices."""
    if shown_run.is_shown(classroom):
        help = "Students no longer see the Lab's run."
        st.button("Stop showing the run", on_click=shown_run.hide, args=(classroom,), help=help)
    elif session.run is None:
        st.page_link("pages/lab.py", label="Open the Lab to choose nets")
    else:
        st.button(
            "Show the Lab's run",
            on_click=shown_run.show,
            args=(classroom, session),
            help="Students see its curves while it trains, here or in the Lab. It takes one place "
            "among the runs, however many look at it.",
        )


def give_to_all(session: Session, classroom: Classroom) -> None:
    """Offer to open what the Lab shows now on the students' own devices."""
    if "link" in classroom.announcement:
        st.button("Take the link back", on_click=_give, args=(classroom, None))
    if session.run is None or names_in({"comparison": session.run.comparison}):
        return  # nobody else has a file of the teacher's own
    link = _link_for_all(session, session.run.as_run())
    given = classroom.announcement.get("link")
    if given != link:
        st.button(
            "Give the Lab as it is now" if given else "Give it to everyone",
            on_click=_give,
            args=(classroom, link),
            help="Students get a button that opens the Lab as it is with you now.",
        )


def _link_for_all(session: Session, comparison: Comparison) -> str:
    """Return the Lab's link without the step that the teacher looks at."""
    query = lab_query(comparison, session.lab.view)
    query |= session.learning.arranged.link_values(comparison)
    return f"?{urlencode(query, safe=':;~')}"


def renew_link(session: Session, classroom: Classroom) -> None:
    """Have the button that the class was given lead to the Lab as it is with the teacher now."""
    if "link" in classroom.announcement and session.run is not None:
        _give(classroom, _link_for_all(session, session.run.as_run()))


def _give(classroom: Classroom, link: str | None) -> None:
    classroom.announce(link=link)


def live_run(session: Session, classroom: Classroom) -> None:
    """Show the run with its charts and buttons, as the Lab does, while the class sees it."""
    shown_run.follow(classroom, session)
    if not shown_run.is_shown(classroom) or session.run is None:
        return
    try:
        run = current_run(session)
    except PoolFull:
        wait_for_place(session)
        return
    toolbar(session, run)
    perform_pending(session)
    live_view()
