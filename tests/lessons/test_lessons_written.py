"""The lessons, questions, challenges and terms there are: complete, linked, and decided by runs."""

from collections import Counter

import pytest

from bn_core import lessons
from bn_core.cli.experiment_list import listed_experiments
from bn_core.cli.lessons import evidence_behind
from bn_core.comparison import Comparison
from bn_core.lessons.challenges import changed_locks
from bn_core.lessons.evidence import Evidence
from bn_core.lessons.links import LAB, lab_link, read_link
from bn_core.lessons.trials import trials

STEPS = {f"{lesson.slug}/{step.id}": step for lesson in lessons.lessons() for step in lesson.steps}
QUESTIONS = {question.id: question for question in lessons.quiz()}
CHALLENGES = {challenge.id: challenge for challenge in lessons.challenges()}
IN_THE_LAB = {name: step for name, step in STEPS.items() if step.link.page == LAB}
EXPERIMENTS = {name: step for name, step in STEPS.items() if step.link.experiment}
ANSWERED = {name: one for name, one in QUESTIONS.items() if one.run is not None}


def test_there_is_a_path_of_lessons_a_quiz_and_challenges():
    assert len(lessons.lessons()) >= 10
    assert all(len(lesson.steps) >= 2 for lesson in lessons.lessons())
    assert len(QUESTIONS) >= 40 and sum(one.is_interview for one in QUESTIONS.values()) >= 15
    assert len(ANSWERED) >= 20 and len(CHALLENGES) >= 10 and len(lessons.glossary()) >= 60
    assert lessons.problems(listed_experiments()) == []


def test_an_experiment_that_there_is_not_is_found():
    found = lessons.problems([])
    named = {step.link.experiment for step in EXPERIMENTS.values()}
    assert all(any(f"“{slug}”" in problem for problem in found) for slug in named)


def test_the_place_of_the_right_answer_tells_nothing():
    for which in ("question", "again"):
        places = Counter(getattr(one, which).expected for one in QUESTIONS.values())
        assert max(places.values()) <= 0.6 * len(QUESTIONS)


def test_no_second_question_repeats_the_first():
    for one in QUESTIONS.values():
        assert one.question.words != one.again.words


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_not_done_before_anything_is_done(name):
    step = STEPS[name]
    fresh = Evidence(page=step.link.page, comparison=step.link.comparison)
    assert step.checked(fresh).holds is not True


@pytest.mark.parametrize("name", CHALLENGES)
def test_a_challenges_start_and_solution_are_links_that_come_back(name):
    challenge = CHALLENGES[name]
    for link in (challenge.start, challenge.solution):
        assert link.comparison is not None
        again = lab_link(link.comparison)
        assert read_link(again.address.removeprefix("/").replace("?", "lab?", 1)) == again
        assert again.comparison == link.comparison
        assert changed_locks(challenge, link.comparison) == ()
    assert challenge.start.comparison != challenge.solution.comparison


def test_a_solution_with_a_locked_setting_changed_is_not_valid():
    challenge = CHALLENGES["largest-rate"]
    solved = challenge.solution.comparison
    assert solved is not None
    wider = Comparison(solved.base.changed({"width": 65}), solved.arms)
    assert changed_locks(challenge, wider) == ("Units per layer",)
    one_more = Comparison(solved.base, (*solved.arms, *Comparison().arms[:1]))
    assert "Nets compared" in changed_locks(challenge, one_more)


TRIALS = {trial.name: trial for trial in trials()}
LARGEST = 2000
"""Of steps times layers: `python -m bn_core lessons --run` trains the larger runs as well."""

SHORT = ("explode", "noise", "eval", "lag", "noniid", "landscape", "scale", "whiten")
"""Experiments that take a few seconds at most."""

HERE = [
    name
    for name, one in TRIALS.items()
    if (one.size <= LARGEST if one.link.comparison else one.link.experiment in SHORT)
]


@pytest.mark.slow
@pytest.mark.parametrize("name", HERE)
def test_a_run_does_what_its_text_expects(name):
    trial = TRIALS[name]
    assert trial.problem(evidence_behind(trial.link)) == ""


def test_each_step_question_and_challenge_with_a_run_is_tried_by_it():
    names = {*IN_THE_LAB, *EXPERIMENTS, *(f"quiz {name}" for name in ANSWERED)}
    assert TRIALS.keys() == names | {
        f"challenge {name}, {end}" for name in CHALLENGES for end in ("start", "solution")
    }
    assert len(HERE) >= 20


def test_a_run_that_contradicts_its_text_is_told():
    step = TRIALS["depth-and-rate/large"]
    assert "the check does not hold" in step.problem(Evidence())
    answer = TRIALS["quiz noise"]
    assert "the run gives no answer" in answer.problem(Evidence())
