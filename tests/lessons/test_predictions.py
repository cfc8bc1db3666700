"""What the numbers of experiments say of the answers that readers predict."""

import numpy as np
import pytest

from bn_core import experiments, lessons
from bn_core.lessons.evidence import Evidence
from bn_core.lessons.predictions import prediction_words, read_predictions
from bn_core.lessons.text_format import LessonError
from bn_core.results import Metric, Result

QUESTIONS = lessons.predictions()
RATE = QUESTIONS["rate"]


def measured(ratio: float) -> Result:
    return Result(metrics=(Metric("ratio", "Ratio of the rates", np.array([ratio])),))


def test_every_experiment_asks_and_answers_are_its_own():
    assert QUESTIONS.keys() == experiments.EXPERIMENTS.keys()
    for slug, question in QUESTIONS.items():
        spec = experiments.spec_of(slug)
        assert question.words == spec.question
        assert tuple(choice.words for choice in question.choices) == spec.answers


@pytest.mark.parametrize(("ratio", "right"), [(1.0, 0), (3.0, 1), (20.0, 2)])
def test_numbers_decide_which_prediction_is_right(ratio, right):
    for chosen in range(3):
        said = prediction_words(RATE, chosen, "rate", measured(ratio))
        assert ("right, because" in said) == (chosen == right)
        assert ("not this time" in said) == (chosen != right)
        assert "Ratio of the rates" in said and RATE.choices[right].words in said


def test_without_the_number_nothing_is_said_to_be_right():
    assert "do not decide" in prediction_words(RATE, 0, "rate", Result())


def test_answers_without_conditions_are_an_error():
    with pytest.raises(LessonError, match="conditions in braces"):
        read_predictions("p.txt", "[prediction a]\nask: What?\n* This\n- That\n")


SHORT = (
    "adabn", "depth", "eval", "explode", "heatmap", "ics", "inputs", "lag", "landscape", "noise",
    "noisy", "noniid", "placement", "recurrent", "scale", "updates", "vanish", "whiten",
)  # fmt: skip
"""Experiments whose quick run takes a few seconds at most."""


@pytest.mark.slow
@pytest.mark.parametrize("slug", SHORT)
def test_a_quick_run_decides_what_is_asked(slug):
    result, _ = experiments.run(slug, seeds=1, quick=True)
    right, _ = QUESTIONS[slug].measured(Evidence(results={slug: result}))
    assert right == QUESTIONS[slug].expected


@pytest.mark.parametrize(
    ("lead", "helps", "adds", "right"),
    [(0.03, 0.01, -0.02, 0), (0.0, 0.03, 0.01, 1), (0.02, 0.01, 0.02, 2), (0.001, -0.002, 0.0, 3)],
)
def test_the_best_of_four_nets_is_told_where_one_is_a_point_ahead(lead, helps, adds, right):
    assert answer("final", lead=lead, helps=helps, adds=adds) == right


def test_two_best_nets_within_a_point_and_two_behind_are_none_of_the_answers():
    assert answer("final", lead=0.0, helps=-0.03, adds=-0.01) is None


@pytest.mark.parametrize(
    ("ratios", "right"),
    [((2, 3, 4), 0), ((0.5, 0.5, 0.5), 1), ((0.5, 1, 2), 2), ((1.1, 1, 0.9), 3)],
)
def test_the_shift_of_gradients_may_differ_between_the_rates(ratios, right):
    keys = (f"angle_ratio_{rate:g}" for rate in (0.001, 0.003, 0.01))
    assert answer("ics", **dict(zip(keys, ratios, strict=True))) == right


def answer(slug: str, **metrics: float) -> int | None:
    found = tuple(Metric(key, key, np.array([float(value)])) for key, value in metrics.items())
    right, _ = QUESTIONS[slug].measured(Evidence(results={slug: Result(metrics=found)}))
    return right
