"""The teacher's page of a class: open one, put questions to it, show what it has answered."""

import streamlit as st

from bn_core.classroom import ClassError, Classes, ClassesFull, Classroom
from pages.shared.classroom import shown_run
from pages.shared.classroom.asking import draft, preview
from pages.shared.classroom.deciding import decide_by_run
from pages.shared.classroom.invitation import address, invitation, scannable
from pages.shared.classroom.lab_for_all import give_to_all, live_run, show_run
from pages.shared.classroom.pooling import pooled
from pages.shared.classroom.routes import CLASSES, PAGE
from pages.shared.classroom.teachers_lab import bring_lab_back, remember_lab
from pages.shared.classroom.together import train_together, trained_together
from pages.shared.live.component import component
from pages.shared.plain_text import plain_text
from pages.shared.session import Session, this_session

_KEPT = """<div hidden></div>"""
_TEACHER = """<div class="bn-class"><p class="bn-class-counts" role="status"></p>
<div class="bn-class-phases" role="group" aria-label="Phase of the question"></div>
<h2 class="bn-class-question"></h2><div class="bn-class-choices"></div>
<div class="bn-class-results" aria-label="Answers of the class"></div>
<div class="bn-class-pool"></div></div>"""


def follow_link(session: Session) -> None:
    """Take over a class from its teacher's link; the key leaves the address at once."""
    arrival = session.arrival or {}
    code, key = arrival.pop("class", ""), arrival.pop("key", "")
    if code and key:
        take_over(session, CLASSES, code, key)
    if session.classroom is not None:
        session.link_values["class"] = session.classroom.code


def take_over(session: Session, classes: Classes, code: str, key: str) -> None:
    """Teach an open class on this device, if the key is its teacher's."""
    found = classes.find_for_teacher(code, key)
    if found is None:
        session.notice = "There is no class with this code and key; it may have ended."
    else:
        session.classroom = found


def open_class(session: Session) -> None:
    """Open a class, or say why there is none."""
    try:
        session.classroom = CLASSES.open()
    except ClassesFull as full:
        session.notice = str(full)


def opening(session: Session) -> None:
    """Say what a class is, and offer to open one."""
    st.markdown(
        "Students answer on their own devices, without an account: **alone** first, then **again** "
        "after they have discussed it with their neighbours; only then does the class see what it "
        "has answered, and a run decides who is right. This way of teaching has a name, peer "
        "instruction, and evidence: in four computer science courses it brought the share of "
        "students who failed from 20 to 7 % (Porter, Bailey Lee and Simon 2013)."
    )
    st.button("Open a class", type="primary", on_click=open_class, args=(session,))
    st.caption(
        "You get a short code, a link and a QR code for the class, and a key that stays in this "
        "browser. Answers live in the server's memory, without names, and are forgotten when you "
        "end the class, or four hours after you were last here."
    )
    browser_memory(session, None)


def browser_memory(session: Session, classroom: Classroom | None) -> None:
    """Have the browser remember the class, and bring it back after a reload."""

    def returned() -> None:
        found = st.session_state["class.memory"].get("found")
        if isinstance(found, dict) and session.classroom is None:
            code, key = str(found.get("code", ""))[:12], str(found.get("key", ""))[:100]
            if CLASSES.is_elsewhere(code):
                link = address("/classroom", **{"class": code, "key": key})
                session.notice = f"Your class is on another server: [return to it]({link})."
                return
            take_over(session, CLASSES, code, key)
            if session.classroom is None:
                session.notice, session.class_ended = "", True

    data = {"forget": session.class_ended}
    if classroom is not None:
        data |= {"code": classroom.code, "key": classroom.key}
    component("class_memory", _KEPT)(key="class.memory", data=data, on_found_change=returned)


def end_class(session: Session, classroom: Classroom) -> None:
    """End the class for all."""
    classroom.end()
    session.classroom, session.class_ended = None, True


def teaching(session: Session, classroom: Classroom) -> None:
    """Show the class: who is there, the question, its answers; and what can be asked next."""
    session.class_ended = False
    bring_lab_back(session, classroom)
    remember_lab(session, classroom)
    main, side = st.columns([3, 1], gap="medium")
    with side:
        invitation(classroom)
        with st.popover("End the class"):
            st.write("All answers are forgotten. Save them first if you need them.")
            st.button("End it now", on_click=end_class, args=(session, classroom))
    with main:
        component("class_teacher", _TEACHER)(
            key="class.teacher",
            data={
                "code": classroom.code,
                "key": classroom.key,
                "asked": len(classroom.asked),
                "link": address(PAGE),
                "picture": scannable(address(PAGE, c=classroom.code)),
            },
        )
        with st.container(horizontal=True, gap="small"):
            show_run(session, classroom)
            give_to_all(session, classroom)
            train_together(session, classroom)
            decide_by_run(session, classroom)
        ask_next(session, classroom)
        trained_together(session, classroom)
        live_run(session, classroom)
    browser_memory(session, classroom)


def ask_next(session: Session, classroom: Classroom) -> None:
    """Offer questions, and put the one that is chosen to the class."""
    nothing_shown = not classroom.asked and pooled(classroom) is None
    with st.expander("Ask a question", expanded=nothing_shown):
        drafted = draft(session)
        if drafted.missing:
            st.info(plain_text(drafted.missing))
        elif drafted.question is not None:
            preview(drafted.question)
        if not st.button("Ask the class", type="primary", disabled=drafted.question is None):
            return
        if drafted.question is None:
            return
        try:
            classroom.ask(drafted.question)
        except ClassError as refused:
            st.error(plain_text(str(refused)))
            return
        if drafted.drawn is not None and session.run is not None:
            shown_run.show(classroom, session, drafted.drawn)
        st.rerun()


def main() -> None:
    """Show the page."""
    session = this_session()
    follow_link(session)
    st.title("The class", anchor=False)
    if session.notice:
        st.warning(session.notice)
        session.notice = ""
    classroom = session.classroom
    if classroom is not None and classroom.ended:
        session.classroom = classroom = None
        st.info("This class has ended.")
    if classroom is None:
        opening(session)
    else:
        teaching(session, classroom)


main()
