"""The start: one sentence, two nets that train, and the ways on from there."""

import streamlit as st

from bn_core import lessons
from bn_core.lessons.ways import Way
from bn_core.service.pool import PoolFull
from pages.shared.lab.events import ButtonPressed, LinkOpened
from pages.shared.lab.runs import current_run, dispatch
from pages.shared.lab.toolbar import wait_for_place
from pages.shared.lessons.cards import in_columns
from pages.shared.lessons.start_view import START, start_view
from pages.shared.plain_text import plain_text
from pages.shared.session import Session, this_session


def offer_training(session: Session) -> None:
    """Show the two nets of the start, and the button that trains them.

    They are the Lab's own: a reader who goes on there finds them. A run that the Lab has begun is
    replaced only by a press.
    """
    run = session.run
    begun = run is not None and run.record is not None and run.record.step > 0
    if session.lab.comparison != START and not begun:
        dispatch(session, LinkOpened(START, session.lab.view))
    if session.lab.comparison != START:
        st.button(
            "Train the two nets", type="primary", key="start.open", on_click=train, args=(session,)
        )
        st.caption("The Lab holds a run of yours: it is kept under “Runs”.")
        return
    try:
        run = current_run(session)
    except PoolFull:
        wait_for_place(session)
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if run.ending is None:
            label, name = ("Pause", "pause") if run.playing else ("Train", "train")
            press = (session, ButtonPressed(name))
            st.button(
                label,
                type="primary",
                shortcut="T",
                key=f"start.{name}",
                on_click=dispatch,
                args=press,
            )
        else:
            again = (session, ButtonPressed("reset"))
            st.button("Again", shortcut="T", key="start.again", on_click=dispatch, args=again)
        st.page_link("pages/lab.py", label="Open in the Lab, with every setting")
    start_view(session)


def train(session: Session) -> None:
    """Open the nets of the start, and train them."""
    dispatch(session, LinkOpened(START, session.lab.view))
    dispatch(session, ButtonPressed("train"))


def way(one: Way) -> None:
    """Show one way on, and the button that begins it."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{one.title}**")
        st.markdown(plain_text(one.words))
        go_on = this_session().learning.go_on
        with st.container(key=f"opens_step.start.{one.id}", width="content"):
            st.button(
                f"Begin · {one.minutes} minutes",
                key=f"start.{one.id}",
                on_click=go_on,
                args=(one.lessons[0],),
            )


this_session().learning.greeted = True
st.html(
    "<h1 class='bn-title'>Start</h1><p class='bn-lead'>Two nets of ten layers learn to read digits "
    "at the same large learning rate; one normalizes each layer by the mean and variance of the "
    "mini-batch. That is <b>batch normalization</b>. Press <b>Train</b>.</p>"
)
offer_training(this_session())
st.markdown("#### Choose your way")
in_columns(4, lessons.ways(), way)
st.page_link("pages/lessons.py", label="All lessons")
