"""The open lesson or challenge beside the page: a panel that a reader may fold or close.

The pages beside it stay what they are, and nothing happens without a press; only a lesson that a
link holds may lock or hide controls of the Lab. Numbers that answer an open prediction wait
until it is made, or until a press shows them.
"""

import html
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from bn_core import lessons
from bn_core.lessons.guided import Drawing, Lesson, Step
from bn_core.lessons.questions import Question, reply
from bn_core.lessons.shuffling import shuffled
from pages.shared.lessons.arranged_panel import arranged_lesson
from pages.shared.lessons.arranging import arranging
from pages.shared.lessons.challenge_panel import challenge_panel
from pages.shared.lessons.drawing import CURVES, drawing_pad
from pages.shared.lessons.evidence import evidence_about
from pages.shared.lessons.panel_parts import (
    SECONDS_BETWEEN_LOOKS,
    page_file,
    say,
    set_up_and_hint,
)
from pages.shared.plain_text import plain_text
from pages.shared.session import Session, this_session
from pages.shared.widgets.terms import plain_prose


def lesson_panel(session: Session) -> None:
    """Show what is open, if anything is: beside the page, on a phone below it."""
    opened, challenge = session.learning.open_step(), session.learning.open_challenge()
    arranged = session.learning.arranged
    if opened is not None:
        lesson, step = opened
        place = [one.id for one in lesson.steps].index(step.id) + 1
        with _folding(f"{lesson.title} · step {place} of {len(lesson.steps)}"):
            _step(session, lesson, step)
            _close(session, "lesson", "Close the lesson")
    elif challenge is not None:
        with _folding(f"Challenge: {challenge.title}"):
            challenge_panel(session, challenge)
            _close(session, "challenge", "Close the challenge")
    elif arranged.lesson is not None and session.page == "lab":
        with _folding("A lesson by link"):
            arranged_lesson(session, arranged.lesson)
    elif arranged.draft is not None and session.page == "lab":
        with _folding("Make a lesson"):
            arranging(session, arranged.draft)
    elif session.learning.sketching and session.page == "lab":
        with _folding("Your prediction"):
            _free_drawing(session)
            _close(session, "sketch", "Close")


def _folding(title: str) -> DeltaGenerator:
    return st.expander(plain_text(title), expanded=True, key="lesson_fold")


def _close(session: Session, kind: str, label: str) -> None:
    st.button(label, key=f"{kind}.close", type="tertiary", on_click=session.learning.close)


def ask(
    question: Question,
    key: str,
    order: list[int],
    *,
    chosen: int | None = None,
    on_change: Callable[[], None] | None = None,
) -> int | None:
    """Show a question with its choices in an order; return the index of the choice taken."""
    return st.radio(
        plain_text(question.words),
        order,
        index=None if chosen is None else order.index(chosen),
        format_func=lambda index: plain_text(question.choices[index].words),
        key=key,
        persist_state="session",
        on_change=on_change,
    )


def _step(session: Session, lesson: Lesson, step: Step) -> None:
    name = f"{lesson.slug}.{step.id}"
    st.html(
        f"<h2 class='bn-step' tabindex='-1' data-step='{lesson.slug}/{step.id}'>"
        f"{html.escape(step.question)}</h2>"
    )
    _predict(session, lesson, step)
    st.markdown(plain_text(step.do))
    if step.drawing is not None:
        _draw(session, lesson, step, step.drawing)
    is_done = f"{lesson.slug}/{step.id}" in session.learning.progress.done
    if not is_done:
        _wait_until_done(lesson.slug, step.id)
    set_up_and_hint(session, f"lesson.{name}", step.link, step.hint)
    if is_done:
        _explanation(session, lesson, step)


def _predict(session: Session, lesson: Lesson, step: Step) -> None:
    learning, name = session.learning, f"{lesson.slug}/{step.id}"
    question = step.prediction
    order = shuffled(name, len(question.choices), session.visitor)
    key = f"lesson.{lesson.slug}.{step.id}.predict"

    def take() -> None:
        # Before the page runs: its numbers wait for the prediction.
        taken = st.session_state[key]
        learning.progress = learning.progress.with_prediction(lesson.slug, step.id, taken)

    chosen = learning.progress.predictions.get(name)
    chosen = ask(question, key, order, chosen=chosen, on_change=take)
    if chosen is not None:
        learning.progress = learning.progress.with_prediction(lesson.slug, step.id, chosen)


def _draw(session: Session, lesson: Lesson, step: Step, drawing: Drawing) -> None:
    """Show the place to draw the curve that a step asks for, beside the run that it is about."""
    comparison = step.link.comparison
    if session.page == step.link.page and comparison is not None:
        record = evidence_about(session, step.link).record
        drawing_pad(session, f"{lesson.slug}/{step.id}", drawing, comparison, record)


def _free_drawing(session: Session) -> None:
    """Let the reader choose a curve of the Lab's run, and draw what they expect of it."""
    record = session.run.record if session.run is not None else None
    names = {arm.name: arm.label for arm in session.lab.comparison.arms}
    curve = st.selectbox(
        "Curve", list(CURVES), format_func=lambda one: CURVES[one].capitalize(), key="sketch.curve"
    )
    net = st.selectbox("Net", list(names), format_func=names.__getitem__, key="sketch.net")
    held = session.lab.comparison
    drawing_pad(session, f"lab/{curve}/{net}", Drawing(curve, net), held, record)


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def _wait_until_done(lesson: str, step: str) -> None:
    """Say how far the step is; once it is done, show the page anew with the explanation."""
    session = this_session()
    opened = session.learning.open_step()
    if opened is None or (opened[0].slug, opened[1].id) != (lesson, step):
        return
    evidence = evidence_about(session, opened[1].link)
    if evidence.record is None and session.run is not None and session.run.record is not None:
        say("The Lab trains other nets than this step is about: press “Set this up”.")
        return
    outcome = opened[1].checked(evidence)
    if outcome.holds:
        session.learning.progress = session.learning.progress.with_step(lesson, step)
        st.rerun()
    say(f"Not done yet: {outcome.words}.")


def _explanation(session: Session, lesson: Lesson, step: Step) -> None:
    chosen = session.learning.progress.predictions.get(f"{lesson.slug}/{step.id}")
    if chosen is None:
        st.success("Done.")
    else:
        st.info(plain_text(reply(step.prediction, chosen, evidence_about(session, step.link))))
    plain_prose(step.explanation)
    if step.next:
        with st.container(key="opens_step"):
            st.button(
                "Next step",
                key=f"lesson.{lesson.slug}.{step.id}.next",
                type="primary",
                on_click=session.learning.go_on,
                args=(lesson.slug, step.next),
                width="stretch",
            )
    else:
        st.markdown("This was the last step.")
        following = next_lesson(lesson)
        if following is not None:
            st.button(
                f"Next lesson: {plain_text(following.title)}",
                key=f"lesson.{lesson.slug}.next",
                type="primary",
                on_click=session.learning.go_on,
                args=(following.slug, following.steps[0].id),
                width="stretch",
            )
        go_to_lessons()


def next_lesson(lesson: Lesson) -> Lesson | None:
    """Return the lesson behind one; None behind the last."""
    everything = lessons.lessons()
    place = [one.slug for one in everything].index(lesson.slug) + 1
    return everything[place] if place < len(everything) else None


def go_to_lessons() -> None:
    """Show a link to the list of lessons."""
    st.page_link(page_file("lessons"), label="All lessons")
