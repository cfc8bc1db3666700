"""The runs and experiments that decide the questions of a class."""

from bn_core.classroom import ClassQuestion
from bn_core.experiments import EXPERIMENTS
from bn_core.lessons import lessons, predictions, quiz
from pages.shared.classroom.asking import of_quiz, of_step
from pages.shared.classroom.deciding import source_of


def test_a_step_s_question_leads_back_to_what_measures_it() -> None:
    for lesson in lessons():
        for step in lesson.steps:
            found = source_of(f"lesson:{lesson.slug}/{step.id}")
            assert (found is not None) == step.prediction.is_measured
            if found is not None:
                question, link = found
                assert link == step.link
                assert of_step(step).choices == tuple(one.words for one in question.choices)


def test_a_quiz_question_with_a_run_leads_back_to_it() -> None:
    measured = [one for one in quiz() if one.run is not None and one.question.is_measured]
    assert measured
    for one in measured:
        assert source_of(of_quiz(one).source) == (one.question, one.run)


def test_an_experiment_s_numbers_choose_among_the_answers_the_class_was_given() -> None:
    for slug in predictions():
        found = source_of(f"experiment:{slug}")
        assert found is not None and found[1].experiment == slug
        assert tuple(one.words for one in found[0].choices) == EXPERIMENTS[slug].spec.answers


def test_a_question_of_the_teacher_s_own_is_decided_by_nothing() -> None:
    for source in (ClassQuestion("Which?", ("A", "B")).source, "lesson:none/none", "quiz:x", "x"):
        assert source_of(source) is None
