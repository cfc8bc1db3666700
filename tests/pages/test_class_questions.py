"""Every question of the app can be put to a class."""

import pytest

from bn_core.classroom.questions import LONGEST_CHOICE
from bn_core.experiments import EXPERIMENTS
from bn_core.lessons import lessons, quiz
from pages.shared.classroom.asking import of_quiz, of_step


def test_every_step_of_a_lesson_can_be_asked() -> None:
    for lesson in lessons():
        for step in lesson.steps:
            asked = of_step(step)
            assert len(asked.choices) == len(step.prediction.choices)
            assert (asked.answer is None) == step.prediction.is_measured


def test_every_question_of_the_quiz_can_be_asked_with_its_answer() -> None:
    for question in quiz():
        asked = of_quiz(question)
        assert asked.answer == question.question.expected


@pytest.mark.parametrize("slug", EXPERIMENTS)
def test_every_prediction_of_an_experiment_can_be_asked(slug: str) -> None:
    answers = EXPERIMENTS[slug].spec.answers
    assert 2 <= len(answers) <= 8 and max(map(len, answers)) <= LONGEST_CHOICE
