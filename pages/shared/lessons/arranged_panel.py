"""The lesson of a link beside the Lab, as a student sees it: predict, train, compare."""

import html

import streamlit as st

from bn_core.comparison import Comparison
from bn_core.conclusion import conclude
from bn_core.lessons.arranged import ArrangedLesson
from bn_core.lessons.asked_predictions import AskedPrediction, outcome_words, question_of
from bn_core.lessons.challenges import proving
from bn_core.lessons.guided import Drawing
from bn_core.lessons.questions import Question
from bn_core.records import Record
from pages.shared.lessons.drawing import drawing_pad
from pages.shared.lessons.evidence import evidence_about
from pages.shared.lessons.panel_parts import say
from pages.shared.plain_text import plain_text
from pages.shared.session import Session

_AUTHOR = "The words of this lesson come from whoever made the link."
_ANSWER = "arranged.answer"


def arranged_lesson(session: Session, lesson: ArrangedLesson) -> None:
    """Show the question, what is to be predicted, and what came of it once the run is over."""
    st.html(
        f"<h2 class='bn-step' tabindex='-1' data-step='arranged/{lesson.id}'>"
        f"{html.escape(lesson.question)}</h2>"
    )
    st.caption(_AUTHOR)
    comparison = session.learning.arranged.link.comparison
    assert comparison is not None, "a lesson's link leads to the Lab"
    evidence = evidence_about(session, session.learning.arranged.link)
    if lesson.prediction is not None:
        _predict(session, lesson, lesson.prediction, comparison, evidence.trained)
    _say_what_to_do(session, lesson, comparison, evidence.record)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        learning = session.learning
        if _differs(session, comparison):
            link = learning.arranged.link
            st.button("Set this up", key="arranged.set", on_click=learning.follow, args=(link,))
        st.button(
            "Open without the lesson",
            key="arranged.close",
            type="tertiary",
            on_click=learning.close,
            help="The same nets and settings, with every control.",
        )
        st.button(
            "Teachers: change this lesson",
            key="arranged.change",
            type="tertiary",
            on_click=learning.arrange,
            help="Make another lesson from this one; this link stays as it is.",
        )


def _predict(
    session: Session,
    lesson: ArrangedLesson,
    asked: AskedPrediction,
    comparison: Comparison,
    record: Record | None,
) -> None:
    if isinstance(asked, Drawing):
        drawing_pad(session, lesson.id, asked, comparison, record)
        return
    question = question_of(asked, comparison)
    assert question is not None, "what is not drawn is chosen"
    _choose(session, lesson, question, begun=record is not None)
    chosen = session.learning.arranged.predicted
    if chosen is not None and record is not None and record.ending is not None:
        evidence = evidence_about(session, session.learning.arranged.link)
        shown = conclude(record).removeprefix("So: ").partition(". ")[0].rstrip(".")
        words = plain_text(outcome_words(question, chosen, evidence, f"{shown}."))
        st.info(words.replace(" &#37;", "\N{NO-BREAK SPACE}&#37;"))


def _choose(session: Session, lesson: ArrangedLesson, question: Question, *, begun: bool) -> None:
    """Let the reader choose an answer until the run has begun; then it stays as it is."""
    arranged = session.learning.arranged
    key = f"{_ANSWER}.{lesson.id}"

    def take() -> None:
        arranged.predicted = st.session_state[key]

    st.session_state[key] = arranged.predicted
    st.radio(
        plain_text(question.words),
        range(len(question.choices)),
        index=None,
        format_func=lambda index: plain_text(question.choices[index].words),
        key=key,
        on_change=take,
        disabled=begun,
    )


def _differs(session: Session, comparison: Comparison) -> bool:
    """Return whether the Lab shows or trains other nets than the lesson is about."""
    record = session.run.record if session.run is not None else None
    trains_others = record is not None and record.step > 0 and proving(record) != comparison
    return trains_others or session.lab.comparison != comparison


def _say_what_to_do(
    session: Session, lesson: ArrangedLesson, comparison: Comparison, record: Record | None
) -> None:
    """Say what comes next: predict, train, or set the nets up again."""
    steps = comparison.base.steps
    waits, begun = session.learning.awaits_prediction, record is not None and record.step > 0
    if waits and begun:
        say("The run has begun: “Reset” lets you predict first.")
    elif waits:
        say("Predict first; then you can train.")
    elif _differs(session, comparison):
        say("The Lab differs from this lesson: “Set this up” restores its nets and settings.")
    elif record is None or not begun:
        say(f"Now train to step {steps:,}.")
    elif record.ending is None:
        say(f"The run decides at step {steps:,}.")
    else:
        again = "predict and train" if lesson.prediction is not None else "train"
        say(f"The run is over. “Reset” leads back to step 0, to {again} again.")
