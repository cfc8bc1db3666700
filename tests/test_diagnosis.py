"""The state of each net in words, on records whose state is known, and on small real runs."""

import dataclasses
import math

import numpy as np
import pytest

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.diagnosis import chance_limit, diagnose, middle
from bn_core.training import run
from tests.verdict_records import SUMMARY, ended, with_numbers

CHANCE, GOOD = [0.1, 0.1, 0.1], [0.96, 0.97, 0.98]
LAST = (0.0,) * 7 + (1.0,) * 3


def test_nets_that_learn_are_learning_and_then_finished():
    record = ended({"none": [GOOD, GOOD]}, ending=None)
    assert [state.kind for state in diagnose(record, 0)] == ["untrained"]
    assert [state.words for state in diagnose(record)] == ["learning"]
    assert diagnose(record)[0].sick_layers == ()
    over = ended({"none": [GOOD, GOOD]})
    assert diagnose(over)[0].words == "finished"
    assert diagnose(over, 1)[0].words == "learning", "at an earlier step it was not finished"


def test_a_net_at_chance_is_stuck():
    record = ended({"none": [CHANCE, CHANCE]})
    assert (diagnose(record, 1)[0].kind, diagnose(record, 1)[0].words) == (
        "stuck",
        "still at chance",
    )
    assert diagnose(record)[0].words == "had not learned by step 120"


def test_a_falling_loss_is_learning_though_validation_does_not_show_it():
    record = ended({"none": [CHANCE, CHANCE]}, ending=None)
    record = dataclasses.replace(record, train_loss=np.full_like(record.train_loss, 0.5))
    assert diagnose(record)[0].words == "learning; validation still at chance"


def test_dead_layers_are_named_with_the_first_and_its_step():
    record = ended({"none": [CHANCE] * 3}, every=20)
    record = with_numbers(record, 0, (3,), dead=LAST)
    record = with_numbers(record, 0, (2,), dead=(0.0,) * 8 + (1.0, 0.0))
    state = diagnose(record)[0]
    assert (state.kind, state.layer, state.step) == ("dead", 9, 40)
    assert state.words == "dead by step 40: layer 9 first"
    assert state.sick_layers == ((8, "dead"), (9, "dead"), (10, "dead"))
    assert diagnose(record, 1)[0].kind == "stuck", "not yet"
    every_step = ended({"none": [CHANCE] * 3}, every=1)
    every_step = with_numbers(every_step, 0, (3,), dead=LAST)
    assert diagnose(every_step)[0].words == "dead since step 3: layer 8 first"
    start = with_numbers(record, 0, (0, 1, 2, 3), dead=LAST)
    assert diagnose(start, 0)[0].words == "dead from the start: layer 8"


def test_a_layer_that_lived_again_counts_from_its_last_death():
    record = ended({"none": [CHANCE] * 4}, every=20)
    record = with_numbers(record, 0, (1, 3, 4), dead=LAST)
    assert diagnose(record)[0].step == 60


def test_dead_layers_of_a_residual_net_are_sick_but_shortcuts_pass_them_by():
    record = with_numbers(ended({"none": [GOOD]}, architecture="residual"), 0, (1,), dead=LAST)
    state = diagnose(record)[0]
    assert state.kind == "finished" and (8, "dead") in state.sick_layers


def test_zeros_of_another_activation_are_no_dead_units():
    record = with_numbers(ended({"none": [CHANCE]}, activation="tanh"), 0, (1,), dead=LAST)
    assert diagnose(record)[0].kind == "stuck"


@pytest.mark.parametrize(
    ("numbers", "kind", "layer", "words"),
    [
        ({"saturated": (0.0, 0.95) + (0.1,) * 8}, "saturated", 2, "saturated: layer 2 first"),
        ({"gradient_norm": [1e-6] * 3 + [1e-2] * 7 + [1]}, "vanishing", 3,
         "stuck: gradients vanish up to layer 3"),
        ({"gradient_norm": [1e-6] + [1e-2] * 9 + [1]}, "vanishing", 1,
         "stuck: gradients vanish in layer 1"),
        ({"gradient_norm": [1] * 4 + [1e5] * 6 + [1]}, "exploding", 5,
         "exploding gradient: layer 5"),
        ({"std": [[1] * 4 + [1e5] * 6] * 3}, "exploding", 5, "exploding values: layer 5"),
    ],
)  # fmt: skip
def test_a_net_that_does_not_learn_says_what_its_layers_show(numbers, kind, layer, words):
    record = with_numbers(ended({"none": [CHANCE]}, activation="tanh"), 0, (1,), **numbers)
    state = diagnose(record)[0]
    assert (state.kind, state.layer, state.words) == (kind, layer, words)
    learns = with_numbers(ended({"none": [GOOD]}, activation="tanh"), 0, (1,), **numbers)
    assert diagnose(learns)[0].kind == "finished", "a net that learns is not stuck"
    assert diagnose(learns)[0].sick_layers == state.sick_layers != ()


def test_divergence_is_named_with_step_and_layer_and_partly_with_its_seeds():
    record = ended({"none": [CHANCE], "before": [GOOD]}, diverged={"none": (5, 4)})
    state = diagnose(record)[0]
    assert (state.kind, state.layer, state.step) == ("diverged", 4, 5)
    assert state.words == "diverged at step 5: layer 4 first"
    assert diagnose(record)[1].kind == "finished"
    *most, last = record.divergences
    later = dataclasses.replace(record, divergences=(*most, dataclasses.replace(last, step=7)))
    assert diagnose(later)[0].words == "diverged at steps 5 to 7: layer 4 first"
    output = ended({"none": [CHANCE]}, diverged={"none": (5, 11)})
    assert diagnose(output)[0].words == "diverged at step 5: output layer first"
    partly = ended({"none": [[0.9, 0.9, math.nan]]})
    assert diagnose(partly)[0].words == "finished; 1 of 3 seeds diverged"


def test_a_net_that_diverged_in_validation_alone_names_its_first_layer_without_numbers():
    spread = {"std": [[1] * 2 + [1e6] * 2 + [math.inf] * 6] * 3}
    record = with_numbers(ended({"none": [[math.nan] * 3]}), 0, (1,), **spread)
    state = diagnose(dataclasses.replace(record, divergences=()))[0]
    assert (state.kind, state.layer) == ("diverged", 5)
    assert state.words == "diverged at step 60: layer 5 first"
    assert dict(state.sick_layers)[4] == "exploding values"
    assert dict(state.sick_layers)[5] == "not finite" and 2 not in dict(state.sick_layers)


def test_numbers_of_diverged_seeds_do_not_count():
    record = ended({"none": [[0.9, math.nan, math.nan]]})
    seen = record.snapshots[1].arms[0]
    assert seen is not None
    dead = np.array([[0.0] * 10, [1.0] * 10, [1.0] * 10], np.float32)
    snapshot = dataclasses.replace(
        record.snapshots[1], arms=(dataclasses.replace(seen, dead=dead),)
    )
    record = dataclasses.replace(record, snapshots=(record.snapshots[0], snapshot))
    assert diagnose(record)[0].kind == "finished"


def test_each_of_eight_arms_has_a_state_and_a_record_without_snapshots_too():
    record = ended({name: [GOOD] for name in list(ARMS)[:8]})
    assert len(diagnose(record)) == 8
    empty = dataclasses.replace(record, snapshots=(), train_loss=record.train_loss[:0])
    assert {state.kind for state in diagnose(empty)} == {"untrained"}


def test_chance_is_what_guessing_hardly_ever_passes():
    limit = chance_limit(SUMMARY)
    guesses = np.random.default_rng(0).binomial(360, 0.1, 20_000) / 360
    assert 0.1 < limit < 0.16 and (guesses > limit).mean() < 0.005


def test_the_median_leaves_out_what_is_not_finite():
    values = np.array([[1.0, np.nan], [np.inf, np.nan], [3.0, np.nan], [8.0, np.nan]])
    assert middle(values)[0] == 3 and np.isnan(middle(values)[1])
    assert middle(np.array([1.0, 2.0])) == 1.5 and np.isnan(middle(np.array([np.inf])))


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        ({"learning_rate": 30.0, "initialization": "he"}, ("dead", "diverged")),
        ({"activation": "sigmoid", "learning_rate": 0.01}, ("vanishing",)),
        ({"depth": 2, "learning_rate": 0.1}, ("finished",)),
    ],
    ids=str,
)
def test_small_real_runs_are_what_they_are_known_to_be(settings, kinds):
    base = Config(depth=10, width=32, steps=60, batch_size=32).changed(settings)
    record = run(Comparison(base, (ARMS["none"],)))
    assert {state.kind for state in diagnose(record)} <= set(kinds)
    assert diagnose(record, 0)[0].kind in {"untrained", "dead"}
