"""What the author of a lesson's link asks: which answer a run gives, and what a reader is told."""

import numpy as np
import pytest

from bn_core.arms import arm_named
from bn_core.comparison import Comparison
from bn_core.lessons.asked_predictions import (
    AskedPrediction,
    BestNet,
    OwnAnswers,
    Ranges,
    outcome_words,
    question_of,
)
from bn_core.lessons.evidence import Evidence
from bn_core.lessons.guided import Drawing
from bn_core.lessons.questions import Question
from tests.verdict_records import ended, with_numbers

BY_ACCURACY = BestNet("accuracy")


def asked(prediction: AskedPrediction, *nets: str) -> Question:
    question = question_of(prediction, Comparison(arms=tuple(map(arm_named, nets))))
    assert question is not None
    return question


@pytest.mark.parametrize(
    ("none", "before", "answer"),
    [(0.3, 0.9, "BN before"), (0.9, 0.3, "No norm"), (0.9, 0.905, "None of them")],
)
def test_the_best_net_is_the_one_whose_accuracy_leads_by_more_than_a_point(none, before, answer):
    record = ended({"none": [[none] * 3], "before": [[before] * 3]})
    question = asked(BY_ACCURACY, "none", "before")
    right, _ = question.measured(Evidence(record=record))
    assert right is not None and question.choices[right].words.startswith(answer)


def test_of_three_nets_one_has_to_lead_both_others():
    question = asked(BY_ACCURACY, "none", "before", "after")
    close = ended({"none": [[0.1]], "before": [[0.9]], "after": [[0.905]]})
    ahead = ended({"none": [[0.1]], "before": [[0.9]], "after": [[0.95]]})
    found = [question.measured(Evidence(record=record))[0] for record in (close, ahead)]
    assert found == [3, 2]


def test_a_net_that_diverged_does_not_have_the_lowest_loss():
    record = ended({"none": [[np.nan] * 3], "before": [[0.9] * 3]}, diverged={"none": (5, 1)})
    for quantity in ("training loss", "validation loss"):
        question = asked(BestNet(quantity), "none", "before")
        assert question.measured(Evidence(record=record))[0] == 1


@pytest.mark.parametrize(("accuracy", "right"), [(0.2, 0), (0.5, 1), (0.7, 1), (0.9, 2)])
def test_a_number_lies_in_the_range_that_begins_at_it(accuracy, right):
    question = asked(Ranges("accuracy", "none", (0.5, 0.9)), "none")
    words = [choice.words for choice in question.choices]
    assert words == ["less than 50 %", "50 % to less than 90 %", "90 % or more"]
    record = ended({"none": [[accuracy] * 3]})
    assert question.measured(Evidence(record=record))[0] == right


def test_a_reader_is_told_what_was_predicted_and_what_was_measured():
    record = ended({"none": [[0.3] * 3], "before": [[0.9] * 3]})
    question, evidence = asked(BY_ACCURACY, "none", "before"), Evidence(record=record)
    assert outcome_words(question, 1, evidence, "") == (
        "You predicted “BN before”: right. Measured: accuracy of No norm: 30.0 %; accuracy of "
        "BN before: 90.0 %."
    )
    missed = outcome_words(question, 0, evidence, "")
    assert missed.startswith("You predicted “No norm”: not this time. It is “BN before”. Measured")
    assert "do not decide" in outcome_words(question, 0, Evidence(), "")


def test_answers_of_the_author_are_compared_with_what_the_run_shows():
    question = asked(OwnAnswers(("it dies", "it learns")), "none")
    said = outcome_words(question, 1, Evidence(), "The nets stay at chance.")
    assert (
        said.endswith("with what the run shows: The nets stay at chance.") and "right" not in said
    )


def test_a_curve_has_no_answers_to_choose_from():
    comparison = Comparison()
    assert question_of(Drawing("training_loss", "none"), comparison) is None


def test_the_number_of_dead_units_is_read_off_the_worst_layer():
    record = ended({"none": [[0.1] * 3]})
    dead = np.zeros(10)
    dead[7] = 0.8
    record = with_numbers(record, 0, range(len(record.snapshots)), dead=dead)
    question = asked(Ranges("dead", "none", (0.5,)), "none")
    assert question.measured(Evidence(record=record))[0] == 1
