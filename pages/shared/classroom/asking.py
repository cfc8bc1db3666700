"""The questions that a teacher can put: those of lessons, quiz and experiments, and their own."""

from dataclasses import dataclass, replace

import streamlit as st

from bn_core.classroom import ClassQuestion, QuestionError
from bn_core.classroom.questions import LONGEST_CHOICE, LONGEST_TEXT, MOST_CHOICES
from bn_core.lessons import lessons, quiz
from bn_core.lessons.guided import Step
from bn_core.lessons.questions import Question
from bn_core.lessons.quiz import QuizQuestion
from bn_core.service.tasks import TrainingRun
from pages.shared.classroom.shown_run import CURVES, axes_of
from pages.shared.plain_text import plain_text
from pages.shared.session import Session
from pages.shared.tasks.catalogue import catalogue

_OPEN = "None is marked as right"


@dataclass(frozen=True)
class Draft:
    """A question to be asked, or what is missing. ``drawn`` names the curve of the Lab's run."""

    question: ClassQuestion | None = None
    missing: str = ""
    drawn: tuple[int, str] | None = None


def draft(session: Session) -> Draft:
    """Let the teacher choose or write a question."""
    sources = {
        "A lesson's": _of_lessons,
        "The quiz's": _of_quiz,
        "An experiment's": _of_experiments,
        "A curve of the Lab's run": lambda: _curve(session.run),
        "My own": _own,
    }
    source = st.segmented_control(
        "Whose question",
        list(sources),
        default="A lesson's",
        required=True,
        key="class.source",
    )
    try:
        return sources[source]()
    except QuestionError as problem:
        return Draft(missing=str(problem))


def preview(question: ClassQuestion) -> None:
    """Show a question as the class will see it."""
    with st.container(border=True):
        st.markdown(f"**{plain_text(question.text)}**")
        for place, choice in enumerate(question.choices):
            right = " ✓ marked as right" if place == question.answer else ""
            st.markdown(plain_text(f"{chr(ord('A') + place)}  {choice}{right}"))


def _of_lessons() -> Draft:
    taught = {lesson.slug: lesson for lesson in lessons()}
    with st.container(horizontal=True):
        slug = st.selectbox(
            "Lesson", list(taught), format_func=lambda slug: taught[slug].title, key="class.lesson"
        )
        steps = {step.id: step for step in taught[slug].steps}
        step = st.selectbox(
            "Step", list(steps), format_func=lambda id: steps[id].question, key=f"class.step.{slug}"
        )
    query = {"lesson": slug, "step": step}
    st.page_link("pages/lessons.py", label="Open this step", query_params=query)
    return Draft(replace(of_step(steps[step]), source=f"lesson:{slug}/{step}"))


def of_step(step: Step) -> ClassQuestion:
    """Return what a step of a lesson has its reader predict; where a run decides, none is right."""
    prediction = step.prediction
    right = None if prediction.is_measured else prediction.expected
    text = f"{step.question} {prediction.words}"
    return ClassQuestion(text, _choices(prediction), answer=right, explanation=step.explanation)


def _of_quiz() -> Draft:
    topics = list(dict.fromkeys(question.topic for question in quiz()))
    with st.container(horizontal=True):
        topic = st.selectbox("Topic", topics, key="class.topic")
        asked = {one.id: one for one in quiz() if one.topic == topic}
        chosen = st.selectbox(
            "Question",
            list(asked),
            format_func=lambda id: asked[id].question.words,
            key=f"class.quiz.{topic}",
        )
    return Draft(of_quiz(asked[chosen]))


def of_quiz(asked: QuizQuestion) -> ClassQuestion:
    """Return a question of the quiz with its answer."""
    question = asked.question
    return ClassQuestion(
        question.words,
        _choices(question),
        answer=question.expected,
        explanation=asked.explanation,
        source=f"quiz:{asked.id}",
    )


def _choices(question: Question) -> tuple[str, ...]:
    return tuple(choice.words for choice in question.choices)


def _of_experiments() -> Draft:
    specs = {spec.slug: spec for spec in catalogue().values()}
    if not specs:
        return Draft(missing="The experiments are being listed; try again in a moment.")
    slug = st.selectbox(
        "Experiment",
        list(specs),
        format_func=lambda slug: specs[slug].title,
        key="class.experiment",
    )
    spec = specs[slug]
    st.page_link("pages/experiment.py", label="Open it", query_params={"experiment": slug})
    return Draft(ClassQuestion(spec.question, spec.answers, source=f"experiment:{slug}"))


def _curve(run: TrainingRun | None) -> Draft:
    """Have the class draw a curve before the Lab's run is trained."""
    if run is None:
        return Draft(missing="Open the Lab and choose the nets first; do not train them yet.")
    comparison = run.as_run()
    labels = [arm.label for arm in comparison.arms]
    with st.container(horizontal=True):
        net = st.selectbox(
            "Net", range(len(labels)), format_func=labels.__getitem__, key="class.net"
        )
        curve = st.selectbox("Curve", list(CURVES), key="class.curve")
    config = comparison.configs[net]
    text = (
        f"Draw the {curve} on validation data of “{labels[net]}” over {comparison.base.steps:,} "
        f"steps: {config.depth} layers, learning rate {config.learning_rate:g}, batches of "
        f"{config.batch_size}."
    )
    return Draft(ClassQuestion(text, axes=axes_of(comparison, curve)), drawn=(net, curve))


def _own() -> Draft:
    text = st.text_area("Question", max_chars=LONGEST_TEXT, key="class.text")
    lines = st.text_area(
        "Answers, one in a line",
        max_chars=(LONGEST_CHOICE + 1) * MOST_CHOICES,
        key="class.choices",
    )
    choices = tuple(line.strip() for line in lines.splitlines() if line.strip())
    right = st.selectbox(
        "Right answer",
        [_OPEN, *dict.fromkeys(choices)],
        help="You can also mark it when the answers are shown, after a run, say.",
        key="class.right",
    )
    if not text.strip() and not choices:
        return Draft()
    answer = None if right == _OPEN else choices.index(right)
    return Draft(ClassQuestion(text.strip(), choices, answer=answer))
