"""Lessons beside the pages, the quiz, challenges and the glossary, without a browser."""

import html
import time
from collections.abc import Callable, Sequence

import pytest
from streamlit.testing.v1 import AppTest

from bn_core import lessons
from bn_core.comparison import Comparison
from bn_core.lessons.questions import reply
from bn_core.lessons.text_format import MOST_CHOICES
from bn_core.records import Record
from bn_core.training import run
from pages.shared.tasks.computation import Computation
from tests.pages.conftest import go
from tests.pages.ended_runs import Held, finished
from tests.pages.test_links import link_of

LESSON = lessons.lessons()[1]
STEP = LESSON.steps[0]


def learning(app: AppTest):
    return app.session_state["session"].learning


def beside(app: AppTest) -> str:
    """Return all that the panel of the lesson or challenge says."""
    folds = [one for one in app.expander if one.proto.id or one.label]
    texts = [
        getattr(element, "value", "")
        for fold in folds
        for element in (*fold.markdown, *fold.caption, *fold.get("html"))
    ]
    return html.unescape(" ".join([*(fold.label for fold in folds), *map(str, texts)]))


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [one for one in app.button if one.label == label]
    return button.click().run()


def test_a_lesson_is_shown_beside_every_page_and_travels_in_the_link(app):
    assert not beside(app)
    go(app, "claims", lesson=LESSON.slug, step=STEP.id)
    assert "step 1 of" in beside(app) and not app.exception and not app.warning
    for page in ("lab", "inside_the_layer", "experiment", "runs", "lessons", "quiz", "glossary"):
        go(app, page)
        assert not app.exception and "step 1 of" in beside(app), page
        assert link_of(app)["lesson"] == LESSON.slug and link_of(app)["step"] == STEP.id
    press(app, "Close the lesson")
    assert not beside(app) and "lesson" not in link_of(app)


def test_a_step_is_predicted_done_and_explained_and_leads_to_the_next(app):
    go(app, STEP.link.page, **STEP.link.values, lesson=LESSON.slug, step=STEP.id)
    (radio,) = [one for one in app.radio if one.key.startswith("lesson.")]
    radio.set_value(STEP.prediction.expected).run()
    assert "right" not in " ".join(one.value for one in app.info)
    sliders = {one.label: one for one in app.select_slider}
    sliders["γ (scale)"].set_value(1.0)
    sliders["β (shift)"].set_value(0.0)
    app.run()
    app.run()  # the fragment has found it done, and the page shows it
    assert f"{LESSON.slug}/{STEP.id}" in learning(app).progress.done
    said = " ".join(one.value for one in app.info)
    assert "right" in said and not app.exception
    press(app, "Next step")
    assert learning(app).step == LESSON.steps[1].id and "step 2 of" in beside(app)


def test_the_numbers_of_a_page_wait_for_the_prediction_that_the_open_step_asks(app):
    lesson = lessons.lessons()[0]
    step = lesson.steps[0]
    go(app, step.link.page, **step.link.values, lesson=lesson.slug, step=step.id)
    held = app.session_state["session"].computations
    assert not held and "First choose your prediction" in app.info[0].value
    assert "condition number" not in " ".join(one.value for one in app.markdown)
    (radio,) = [one for one in app.radio if one.key.startswith("lesson.")]
    radio.set_value(0).run()
    assert held and not app.exception
    assert not [one for one in app.info if "First choose" in one.value]
    assert "condition" in " ".join(one.value for one in app.markdown)


def test_the_numbers_can_be_seen_without_a_prediction(app):
    lesson = lessons.lessons()[0]
    step = lesson.steps[0]
    go(app, step.link.page, **step.link.values, lesson=lesson.slug, step=step.id)
    press(app, "Show the numbers now")
    assert app.session_state["session"].computations and not learning(app).progress.predictions
    go(app, "claims")
    learning(app).close()
    go(app, step.link.page, **step.link.values)
    assert not [one for one in app.info if "First choose" in one.value]


def test_a_step_sets_up_the_page_that_is_shown_as_it_is_at_the_start(app):
    lesson = next(one for one in lessons.lessons() if one.slug == "training-and-inference")
    forgot, ordered = lesson.step("forgot"), lesson.step("ordered")
    go(app, forgot.link.page, **forgot.link.values, lesson=lesson.slug, step="forgot")
    size = next(one for one in app.select_slider if one.label == "Batch size")
    size.set_value(2.0).run()
    learning(app).begin(lesson.slug, ordered.id)
    app.run()
    press(app, "Set this up")
    assert not app.exception and not app.warning
    (shown,) = [one.value for one in app.select_slider if one.label == "Batch size"]
    assert shown == 50 and link_of(app)["step"] == "ordered"
    learning(app).begin(lesson.slug, forgot.id)
    app.run()
    press(app, "Set this up")
    (shown,) = [one.value for one in app.select_slider if one.label == "Batch size"]
    assert shown == 10, "what the link leaves out is as at the start"


def test_a_step_sets_up_the_lab_while_the_lab_is_shown(app):
    lesson = next(one for one in lessons.lessons() if one.slug == "depth-and-rate")
    go(app, "lab", **lesson.steps[0].link.values, lesson=lesson.slug, step=lesson.steps[0].id)
    learning(app).begin(lesson.slug, lesson.steps[1].id)
    app.run()
    press(app, "Set this up")
    held = app.session_state["session"].lab.comparison
    assert held == lesson.steps[1].link.comparison and not app.exception


def test_only_the_run_that_a_step_is_about_counts(app):
    lesson = next(one for one in lessons.lessons() if one.slug == "why-normalize")
    step = lesson.step("inside")
    go(app, "claims", lesson=lesson.slug, step=step.id)
    asked = step.link.comparison
    assert asked is not None
    with_run(app, finished(Comparison(asked.base.changed({"seed": 5}), asked.arms)))
    assert not learning(app).progress.done and "other nets" in beside(app)
    with_run(app, finished(asked))
    assert learning(app).progress.done == {f"{lesson.slug}/{step.id}"}


def with_run(app: AppTest, record: Record) -> None:
    """Show the page as if the Lab had come to this record."""
    state = app.session_state["session"]
    real, state.run = state.run, Held(record)
    app.run()
    app.run()
    state.run = real


def test_every_chapter_leads_to_the_next_one(app):
    go(app, "inside_the_layer", chapter="1")
    press(app, "Next: Forward")
    assert app.button_group(key="inside_the_layer.chapter").value == 2
    assert link_of(app)["chapter"] == "2" and not app.exception


def test_a_hint_is_given_when_it_is_asked_for(app):
    go(app, "claims", lesson=LESSON.slug, step=STEP.id)
    before = beside(app)
    press(app, "Hint")
    assert len(beside(app)) > len(before) and STEP.hint.split()[0] in beside(app)


@pytest.mark.parametrize(
    "link",
    [
        {"lesson": "none"},
        {"lesson": "<script>"},
        {"lesson": "x" * 5000},
        {"lesson": LESSON.slug, "step": "none"},
        {"challenge": "![a](http://example.org)"},
    ],
)
def test_a_link_to_a_lesson_that_there_is_not_is_said_in_a_sentence(app, link):
    go(app, "claims", **link)
    assert not app.exception
    (said,) = [one.value for one in app.warning]
    assert "There is no" in said or "has no step" in said
    assert not set("<>![]()") & set(said)


def test_a_lesson_begins_from_the_list_and_goes_on_where_it_was_left(app):
    go(app, "lessons")
    keys = {one.key: one for one in app.button}
    keys[f"lesson.{LESSON.slug}"].click().run()
    assert learning(app).lesson == LESSON.slug and learning(app).step == STEP.id
    state = learning(app)
    state.progress = state.progress.with_step(LESSON.slug, STEP.id)
    go(app, "claims")
    go(app, "lessons")
    keys = {one.key: one for one in app.button}
    assert keys[f"lesson.{LESSON.slug}"].label == "Go on"
    keys[f"lesson.{LESSON.slug}"].click().run()
    assert learning(app).step == LESSON.steps[1].id


def choices(app: AppTest, id: str) -> list[str]:
    """Return the answers to choose from, in the order they stand in."""
    return [one.label for one in app.button if one.key and one.key.startswith(f"quiz.{id}.")]


def choose(app: AppTest, id: str, index: int, *, again: bool = False) -> AppTest:
    """Press one of the answers of a question, or of the second one of its pair."""
    return app.button(key=f"quiz.{id}.{again}.{index}").click().run()


def test_a_question_is_answered_explained_and_asked_again_in_another_way(app):
    one = next(one for one in lessons.quiz() if one.run is None)
    go(app, "quiz", question=one.id)
    assert link_of(app) == {"question": one.id}
    assert len(choices(app, one.id)) == len(one.question.choices)
    wrong = (one.question.expected + 1) % len(one.question.choices)
    choose(app, one.id, wrong)
    assert "not this time" in app.info[0].value and not app.exception
    assert len(choices(app, one.id)) == len(one.again.choices), "the twin, and no second try"
    choose(app, one.id, one.again.expected, again=True)
    assert "right" in app.info[1].value
    assert learning(app).progress.answers[one.id] == wrong
    assert any(": 0 of 1 right" in markdown.value for markdown in app.markdown)


def test_choices_stand_in_an_order_of_the_readers_own_that_stays(app):
    one = lessons.quiz()[0]
    first = choices(go(app, "quiz", question=one.id), one.id)
    go(app, "claims")
    assert choices(go(app, "quiz", question=one.id), one.id) == first
    assert len(first) == len(one.question.choices)
    assert [label[:6] for label in first] == ["**A** ", "**B** ", "**C** "]


def test_the_letters_of_answers_are_the_keys_of_no_button_of_the_quiz(app):
    go(app, "quiz", question=lessons.quiz()[0].id)
    keys = {one.proto.shortcut for one in app.button} - {""}
    letters = "abcdef"[:MOST_CHOICES]
    assert len(letters) == MOST_CHOICES and {"p", "n"} <= keys
    assert not keys & set(letters)


def test_topics_and_interview_questions_can_be_chosen(app):
    go(app, "quiz", topic="Gradients", interview="on")
    expected = [q for q in lessons.quiz() if q.topic == "Gradients" and q.is_interview]
    (bar,) = app.get("progress")
    assert f"of {len(expected)}, 0 answered" in bar.proto.text
    press(app, "Next question")
    assert link_of(app)["question"] == expected[1].id
    assert {"topic", "interview"} <= set(link_of(app))


def until(holds: Callable[[], bool], held: Sequence[Computation]) -> bool:
    """Keep computations from being cancelled until something holds; return whether it came to."""
    given_up_at = time.monotonic() + 60
    while not holds() and time.monotonic() < given_up_at:
        for one in held:
            one.renew_lease()
        time.sleep(0.02)
    return holds()


@pytest.mark.slow
@pytest.mark.parametrize("id", ["depth-ok", "scale-gradient"])
def test_a_run_on_the_page_decides_a_question(app, id):
    one = next(one for one in lessons.quiz() if one.id == id)
    go(app, "quiz", question=one.id)
    choose(app, one.id, one.question.expected)
    press(app, "Let a run decide")
    session = app.session_state["session"]
    held = [*session.computations.values(), *session.experiments.values()]
    assert held and all(task.wait(120) for one in held for task in one.tasks())
    assert until(lambda: all(one.done for one in held), held)
    app.run()
    decided = [one.value for one in app.info if one.value.startswith("By the run")]
    assert decided and "right" in decided[0] and "Measured" in decided[0]


def test_a_challenge_is_taken_up_and_reached_by_a_run_that_is_its_proof(app):
    one = next(one for one in lessons.challenges() if one.id == "sprint")
    go(app, "challenges")
    {button.key: button for button in app.button}[f"challenge.{one.id}"].click().run()
    assert learning(app).challenge == one.id and one.title in beside(app)
    assert link_of(app)["challenge"] == one.id
    assert "Nothing is trained yet" in beside(app) and one.task in beside(app)
    assert beside(app).count("not known yet") == 2, "the end of the run, and the target"

    solved = one.solution.comparison
    assert solved is not None
    with_run(app, run(solved))
    proof = learning(app).progress.proofs[one.id]
    assert proof.comparison == solved
    assert any("proves it" in success.value for success in app.success)
    assert "All checks hold" in beside(app) and beside(app).count("holds:") == 3
    app.run()
    assert any("another run" in success.value for success in app.success)


def test_a_proof_opens_the_lab_with_the_challenge_and_the_nets_that_reached_it(app):
    one = next(one for one in lessons.challenges() if one.id == "sprint")
    learning(app).progress = learning(app).progress.with_proof(one.id, one.solution)
    go(app, "challenges")
    press(app, "Show the proof")
    state = app.session_state["session"]
    assert state.page == "lab" and state.lab.comparison == one.solution.comparison
    assert link_of(app)["challenge"] == one.id and one.task in beside(app)


def test_the_glossary_finds_terms_by_any_of_their_words(app):
    go(app, "glossary")
    shown = len(app.markdown)
    app.text_input[0].set_value("PreciseBN").run()
    assert not app.exception and 0 < len(app.markdown) < shown
    app.text_input[0].set_value("zzzz").run()
    assert any("no such term" in one.value for one in app.info)


def test_every_case_in_which_it_hurts_is_shown_with_its_source(app):
    go(app, "when_it_hurts")
    assert not app.exception
    shown = " ".join(one.value for one in (*app.markdown, *app.caption))
    for case in lessons.cases():
        assert case.title in shown
    assert len(lessons.cases()) <= shown.count("Instead.")


def test_a_reply_on_the_page_is_that_of_the_question():
    one = lessons.quiz()[0]
    assert reply(one.question, one.question.expected).endswith("right.")
