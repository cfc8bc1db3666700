"""The quiz: a question, an answer with its reason, a second question of the same kind."""

from collections.abc import Sequence

import streamlit as st

from bn_core import lessons
from bn_core.export.quiz_sheet import letter, quiz_sheet
from bn_core.lessons.questions import Question, reply
from bn_core.lessons.quiz import QuizQuestion, answer_order, scores
from pages.shared.lessons.deciding import deciding_run
from pages.shared.lessons.next_page import next_page
from pages.shared.lessons.panel_parts import go_to
from pages.shared.plain_text import plain_text
from pages.shared.session import this_session
from pages.shared.widgets.persistent import persistent

ALL = "All topics"


def chosen_questions() -> list[QuizQuestion]:
    """Let the reader choose a topic; return its questions."""
    topics = [ALL, *dict.fromkeys(one.topic for one in lessons.quiz())]
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        topic = persistent(
            "topic", ALL, lambda **kept: st.selectbox("Topic", topics, width=260, **kept), topics
        )
        interview = persistent(
            "interview",
            False,
            lambda **kept: st.toggle("Interview questions only", **kept),
            (False, True),
        )
    return [
        one
        for one in lessons.quiz()
        if topic in (ALL, one.topic) and (one.is_interview or not interview)
    ]


def present(questions: Sequence[QuizQuestion]) -> QuizQuestion:
    """Return the question that is shown, and keep it in the link."""
    session = this_session()
    asked = (session.arrival or {}).get("question", "")
    known = {one.id: one for one in questions}
    if asked:
        session.learning.question = asked if asked in known else ""
    found = known.get(session.learning.question, questions[0])
    session.learning.question = session.link_values["question"] = found.id
    return found


def move_to(id: str) -> None:
    """Show another question."""
    this_session().learning.question = id


def answer(one: QuizQuestion, *, again: bool = False) -> int | None:
    """Ask, unless it was answered; return the answer that was given."""
    session = this_session()
    progress, question = session.learning.progress, one.again if again else one.question
    given = (progress.again if again else progress.answers).get(one.id)
    order = answer_order(one, session.visitor, again=again)
    with st.container(key=f"quiz_question_{'again' if again else 'first'}", gap="small"):
        st.markdown(f"#### {plain_text(question.words)}")
        if given is None:
            choices(one.id, question, order, again=again)
        else:
            st.markdown("\n".join(f"- {line}" for line in marked(question, order, given)))
    return given


def choices(id: str, question: Question, order: Sequence[int], *, again: bool) -> None:
    """Show the answers to choose from, each behind the letter that chooses it.

    The browser's code takes the letters as keys: Streamlit keeps C for itself.
    """

    def choose(index: int) -> None:
        learning = this_session().learning
        learning.progress = learning.progress.with_answer(id, index, again=again)

    for place, index in enumerate(order):
        st.button(
            f"**{letter(place)}** {plain_text(question.choices[index].words)}",
            key=f"quiz.{id}.{again}.{index}",
            width="stretch",
            on_click=choose,
            args=(index,),
        )
    st.caption(f"The keys A to {letter(len(order) - 1)} choose an answer.")


def marked(question: Question, order: Sequence[int], given: int) -> list[str]:
    """Return the answers in order, the right one and the one that was given marked by signs."""
    lines = []
    for place, index in enumerate(order):
        words = f"{letter(place)} {plain_text(question.choices[index].words)}"
        if index == question.expected:
            words = f"✔ **{words}**{' (your answer)' if index == given else ''}"
        elif index == given:
            words = f"✘ {words} (your answer)"
        lines.append(words)
    return lines


def show(one: QuizQuestion) -> None:
    """Show a question; once answered its explanation, the run that decides it, and its twin."""
    given = answer(one)
    if given is None:
        return
    st.info(plain_text(reply(one.question, given, because=one.explanation, said="answered")))
    evidence = deciding_run(this_session(), one)
    if evidence is not None:
        st.info(plain_text(f"By the run: {reply(one.question, given, evidence, said='answered')}"))
    go_to("Read on", one.page)
    if one.source:
        st.caption(plain_text(one.source))
    st.caption("The same thing asked in another way:")
    twin = answer(one, again=True)
    if twin is not None:
        st.info(plain_text(reply(one.again, twin, because=one.again_explanation, said="answered")))


def steps(questions: Sequence[QuizQuestion], present_one: QuizQuestion) -> None:
    """Show the way to the questions before and behind, and how many are answered."""
    ids = [one.id for one in questions]
    place = ids.index(present_one.id)
    answers = this_session().learning.progress.answers
    given = [one for one in questions if one.id in answers]
    right = sum(answers[one.id] == one.question.expected for one in given)
    words = f"Question {place + 1} of {len(ids)}, {len(given)} answered, {right} right"
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        _move("Previous", "P", ids[place - 1 : place])
        _move("Next question", "N", ids[place + 1 : place + 2])
        st.progress(len(given) / len(ids), text=words)


def _move(label: str, key: str, to: list[str]) -> None:
    target = (to[0] if to else "",)
    name = f"quiz.{label}"
    st.button(label, key=name, shortcut=key, on_click=move_to, args=target, disabled=not to)


def result(questions: Sequence[QuizQuestion]) -> None:
    """Show how many are right, by topic, with links to what was missed."""
    found = scores(questions, this_session().learning.progress.answers)
    answered = [score for score in found if score.answered]
    if not answered:
        return
    st.markdown("#### So far")
    for score in answered:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            words = f"{plain_text(score.topic)}: {score.right} of {score.answered} right"
            st.markdown(words, width="content")
            for page in score.pages:
                go_to("Read again", page)


def paper(questions: Sequence[QuizQuestion]) -> None:
    """Offer the questions on paper, with an answer sheet."""
    visitor = this_session().visitor
    chosen = list(questions)
    st.download_button(
        "On paper (HTML)",
        lambda: quiz_sheet(chosen, "Batch Norm Lab: a quiz", seed=visitor),
        "batch_norm_lab_quiz.html",
        "text/html",
        key="quiz.paper",
        help="One file to print: the questions, and the answers on pages of their own.",
        on_click="ignore",
    )


st.html(
    "<h1 class='bn-title'>Quiz</h1><p class='bn-lead'>Answer, read why, and where numbers can "
    "tell, let a run decide.</p>"
)
asked_questions = chosen_questions()
if asked_questions:
    shown = present(asked_questions)
    steps(asked_questions, shown)
    show(shown)
    result(asked_questions)
    paper(asked_questions)
else:
    st.info("There is no interview question on this topic. Choose another one.")
next_page(this_session())
