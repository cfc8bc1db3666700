"""The open lesson or challenge beside the page: a panel that a reader may fold or close.

The pages beside it stay what they are: nothing is locked, and nothing happens without a press.
"""

import html

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from bn_core import lessons
from bn_core.lessons.challenges import Challenge, attempt
from bn_core.lessons.guided import Drawing, Lesson, Step
from bn_core.lessons.links import Link
from bn_core.lessons.questions import Question, reply
from bn_core.lessons.shuffling import shuffled
from pages.shared.lessons.drawing import CURVES, drawing_pad
from pages.shared.lessons.evidence import evidence_about
from pages.shared.plain_text import plain_text
from pages.shared.session import Session, this_session
from pages.shared.widgets.terms import plain_prose

SECONDS_BETWEEN_LOOKS = 1.0
"""How often a step that is open looks whether it is done."""


def lesson_panel(session: Session) -> None:
    """Show what is open, if anything is: beside the page, on a phone below it."""
    opened, challenge = session.learning.open_step(), session.learning.open_challenge()
    if opened is not None:
        lesson, step = opened
        place = [one.id for one in lesson.steps].index(step.id) + 1
        with _folding(f"{lesson.title} · step {place} of {len(lesson.steps)}"):
            _step(session, lesson, step)
            _close(session, "lesson", "Close the lesson")
    elif challenge is not None:
        with _folding(f"Challenge: {challenge.title}"):
            _challenge(session, challenge)
            _close(session, "challenge", "Close the challenge")
    elif session.learning.sketching and session.page == "lab":
        with _folding("Your prediction"):
            _free_drawing(session)
            _close(session, "sketch", "Close")


def _folding(title: str) -> DeltaGenerator:
    return st.expander(plain_text(title), expanded=True, key="lesson_fold")


def _close(session: Session, kind: str, label: str) -> None:
    st.button(label, key=f"{kind}.close", type="tertiary", on_click=session.learning.close)


def page_file(page: str) -> str:
    """Return the script of a page, as Streamlit's links want it."""
    return f"pages/{page}.py"


def go_to(label: str, link: Link) -> None:
    """Show what looks like a link to a state of the app, also of the page that is shown."""
    session = this_session()
    values = {**link.values, **session.learning.link_values()}
    if link.page != session.page:
        st.page_link(page_file(link.page), label=label, query_params=values)
    else:
        # A link of Streamlit's to the page that is shown would only run its script again.
        key = f"go.{label}.{link.address}"
        follow = session.learning.follow
        st.button(label, key=key, type="tertiary", on_click=follow, args=(link,))


def ask(question: Question, key: str, order: list[int], *, chosen: int | None = None) -> int | None:
    """Show a question with its choices in an order; return the index of the choice taken."""
    return st.radio(
        plain_text(question.words),
        order,
        index=None if chosen is None else order.index(chosen),
        format_func=lambda index: plain_text(question.choices[index].words),
        key=key,
        persist_state="session",
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
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        follow = session.learning.follow
        st.button("Set this up", key=f"lesson.{name}.set", on_click=follow, args=(step.link,))
        _hint(session, f"lesson.{name}", step.hint)
    if is_done:
        _explanation(session, lesson, step)


def _predict(session: Session, lesson: Lesson, step: Step) -> None:
    learning, name = session.learning, f"{lesson.slug}/{step.id}"
    question = step.prediction
    order = shuffled(name, len(question.choices), session.visitor)
    chosen = learning.progress.predictions.get(name)
    chosen = ask(question, f"lesson.{lesson.slug}.{step.id}.predict", order, chosen=chosen)
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


def _hint(session: Session, name: str, words: str) -> None:
    hints = session.learning.hints
    if name in hints:
        st.caption(plain_text(words))
    else:
        st.button("Hint", key=f"{name}.hint", type="tertiary", on_click=hints.add, args=(name,))


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def _wait_until_done(lesson: str, step: str) -> None:
    """Say how far the step is; once it is done, show the page anew with the explanation."""
    session = this_session()
    opened = session.learning.open_step()
    if opened is None or (opened[0].slug, opened[1].id) != (lesson, step):
        return
    evidence = evidence_about(session, opened[1].link)
    if evidence.record is None and session.run is not None and session.run.record is not None:
        _say("The Lab trains other nets than this step is about: press “Set this up”.")
        return
    outcome = opened[1].checked(evidence)
    if outcome.holds:
        session.learning.progress = session.learning.progress.with_step(lesson, step)
        st.rerun()
    _say(f"Not done yet: {outcome.words}.")


def _say(words: str) -> None:
    """Show where a step or challenge stands; screen readers are told when it changes."""
    st.html(f"<p class='bn-look' role='status'>{html.escape(words)}</p>")


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


def _challenge(session: Session, challenge: Challenge) -> None:
    st.markdown(plain_text(challenge.task))
    is_reached = challenge.id in session.learning.progress.proofs
    if not is_reached:
        _wait_until_reached(challenge.id)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        follow, key = session.learning.follow, f"challenge.{challenge.id}.set"
        st.button("Set up the start", key=key, on_click=follow, args=(challenge.start,))
        _hint(session, f"challenge.{challenge.id}", challenge.hint)
    if is_reached:
        _proof(session, challenge)
    st.page_link(page_file("challenges"), label="All challenges")


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def _wait_until_reached(id: str) -> None:
    """Say what the Lab's run is to the challenge; once it is reached, show the page anew."""
    session = this_session()
    challenge, run = session.learning.open_challenge(), session.run
    if challenge is None or challenge.id != id:
        return
    record = run.record if run is not None else None
    if record is None or not record.step:
        _say("Nothing is trained yet.")
        return
    made = attempt(challenge, record)
    if made.proof is not None:
        session.learning.progress = session.learning.progress.with_proof(id, made.proof)
        st.rerun()
    _say(made.words)


def _proof(session: Session, challenge: Challenge) -> None:
    st.success("Reached. This link proves it: whoever opens it and trains gets the same numbers.")
    go_to("The run that reached it", session.learning.progress.proofs[challenge.id])
    plain_prose(challenge.explanation)
