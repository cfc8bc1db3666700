"""A run or an experiment of the teacher's that decides the question which a class was asked."""

from functools import partial

import streamlit as st

from bn_core.classroom import Classroom, Phase
from bn_core.lessons import lessons, predictions, quiz
from bn_core.lessons.links import EXPERIMENT, Link
from bn_core.lessons.questions import Question
from pages.shared.classroom import shown_run
from pages.shared.lab.runs import dispatch
from pages.shared.lab.url_state import link_opened
from pages.shared.lessons.evidence import evidence_about
from pages.shared.lessons.panel_parts import go_to
from pages.shared.session import Session


def decide_by_run(session: Session, classroom: Classroom) -> None:
    """Offer the run that decides the question, and its verdict once the answers are shown."""
    asked = classroom.asked[-1].question if classroom.asked else None
    source = source_of(asked.source) if asked is not None else None
    if asked is None or source is None or asked.answer is not None:
        return
    question, link = source
    if link.comparison is not None:
        st.button("Set up the run that decides", on_click=_set_up, args=(session, classroom, link))
    else:
        go_to("Open what decides", link)
    index, words = _measured(session, question, link)
    if index is not None and classroom.phase is Phase.REVEAL:
        words = f"Measured: {words}. {asked.explanation}".rstrip()
        decide = partial(classroom.decide, index, explanation=words)
        st.button("Let the run decide", type="primary", on_click=decide)


def source_of(source: str) -> tuple[Question, Link] | None:
    """Return the measured question behind a class's, and the link of what measures it."""
    kind, _, name = source.partition(":")
    if kind == "lesson":
        slug, _, id = name.partition("/")
        steps = [s for lesson in lessons() if lesson.slug == slug for s in lesson.steps]
        found = [(step.prediction, step.link) for step in steps if step.id == id]
    elif kind == "quiz":
        found = [(one.question, one.run) for one in quiz() if one.id == name and one.run]
    elif kind == "experiment" and name in predictions():
        found = [(predictions()[name], Link(EXPERIMENT, (("experiment", name),)))]
    else:
        found = []
    return found[0] if found and found[0][0].is_measured else None


def _set_up(session: Session, classroom: Classroom, link: Link) -> None:
    dispatch(session, link_opened(link.values))
    shown_run.show(classroom, session)


def _measured(session: Session, question: Question, link: Link) -> tuple[int | None, str]:
    """Return what the numbers decide once the run is over, and the numbers."""
    evidence = evidence_about(session, link)
    is_lab = link.comparison is not None
    if is_lab and (evidence.record is None or evidence.record.ending is None):
        return None, ""
    return question.measured(evidence)
