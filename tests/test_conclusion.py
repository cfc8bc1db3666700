"""One sentence of a run, on records that say one thing, its opposite, or nothing clear."""

import dataclasses
import math
import re

import numpy as np
import pytest

from bn_core.comparison import ARMS, MOST_ARMS, Comparison
from bn_core.conclusion import clearly_ahead, conclude, outcomes
from bn_core.config import Config
from bn_core.training import run
from tests.verdict_records import ended, with_numbers

CHANCE, GOOD, FAIR = [0.1, 0.1, 0.1], [0.96, 0.97, 0.98], [0.80, 0.82, 0.84]


def test_the_plain_net_never_learned_and_batch_norm_did():
    words = conclude(ended({"none": [CHANCE, CHANCE], "before": [FAIR, GOOD]}))
    assert words.startswith(
        "So: the ten-layer net without batch norm had not learned by step 120 (10 %, chance is "
        "10 %); "
        "the net with batch norm reached 97 % after 120 steps. The "
    ), "no number of the layers differs: there is nothing to say of them"
    assert words.endswith("The nets differ in the normalization alone.")


def test_the_same_numbers_the_other_way_round_say_the_opposite():
    words = conclude(ended({"none": [FAIR, GOOD], "before": [CHANCE, CHANCE]}))
    assert words.startswith(
        "So: the net with batch norm had not learned by step 120 (10 %, chance is 10 %); "
        "the ten-layer net without batch norm reached 97 % after 120 steps."
    )


def test_the_plain_net_may_win():
    words = conclude(ended({"none": [GOOD, GOOD], "before": [FAIR, FAIR]}))
    assert "without batch norm (97 %) did best; the net with batch norm reached 82 %" in words
    mirrored = conclude(ended({"none": [FAIR, FAIR], "before": [GOOD, GOOD]}))
    assert "the net with batch norm (97 %) did best" in mirrored


def test_nothing_learned():
    words = conclude(ended({"none": [CHANCE], "before": [CHANCE]}))
    assert words.startswith(
        "So: no net had learned by step 60 (10 %, chance is 10 %). What changed: nothing that the "
    )
    assert "best" not in words and "nothing that the seeds agree on" in words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([0.96, 0.97, 0.98], [0.95, 0.96, 0.97]),  # within the seeds' range
        ([0.970, 0.971, 0.972], [0.960, 0.961, 0.962]),  # apart, by less than the data can tell
        ([0.50, 0.70, 0.90], [0.45, 0.60, 0.89]),
    ],
)
def test_a_difference_within_the_seeds_range_is_none(one, other):
    for first, second in ((one, other), (other, one)):
        words = conclude(ended({"none": [first], "before": [second]}))
        assert words.startswith("So: no clear difference after 60 steps between the ten-layer net")
        assert "did best" not in words and "nothing that the seeds agree on" in words


def test_nets_that_end_alike_may_differ_in_when_they_got_there():
    early = [[0.9, 0.92, 0.94], GOOD, GOOD, GOOD]
    late = [CHANCE, CHANCE, [0.9, 0.92, 0.94], GOOD]
    words = conclude(ended({"none": [*late], "before": [*early]}))
    assert words.startswith(
        "So: no clear difference after 240 steps between the ten-layer net without batch norm and "
        "the net with batch norm: 97 %, but the net with batch norm had 87 % by step 60, the "
        "ten-layer net without batch norm by step 180. What changed: "
    )
    mirrored = conclude(ended({"none": [*early], "before": [*late]}))
    assert (
        "97 %, but the ten-layer net without batch norm had 87 % by step 60, the net with batch "
        "norm by step 180. What changed: "
    ) in mirrored
    overlapping = [[0.1, 0.1, 0.9], [0.9, 0.92, 0.94], GOOD, GOOD]
    assert ", but " not in conclude(ended({"none": [*early], "before": overlapping}))


def test_seeds_that_disagree_are_told_and_not_averaged():
    words = conclude(ended({"none": [[0.1, 0.95, 0.96]], "before": [GOOD]}))
    assert "it depends on the seed: 2 of 3 do better than chance (10 to 96 %)" in words
    assert "without batch norm reached" not in words
    lost = conclude(ended({"none": [[math.nan, 0.95, 0.96]], "before": [GOOD]}))
    assert "2 of 3 do better than chance, 1 diverged (0 to 96 %)" in lost


def test_a_net_that_diverged_is_said_to_have():
    record = ended({"none": [CHANCE], "before": [GOOD]}, diverged={"none": (5, 4)})
    words = conclude(record)
    assert "without batch norm diverged (from step 5 on); the net with batch norm reached" in words
    assert "the numbers of layer 4 stopped being finite at step 5" in words
    assert "every layer's values keep a spread near 1" in words
    other = ended({"none": [GOOD], "before": [CHANCE]}, diverged={"before": (7, 11)})
    assert "the net with batch norm diverged (from step 7 on)" in conclude(other)
    assert "the numbers of the output layer" in conclude(other)


def test_every_net_diverged():
    lost = {"none": (5, 4), "before": (3, 2)}
    words = conclude(ended({"none": [CHANCE], "before": [CHANCE]}, diverged=lost))
    assert words.startswith("So: every net diverged (from step 3 on).")


def test_steps_that_a_clause_names_are_not_followed_by_those_of_the_run():
    lost = conclude(
        ended({"none": [CHANCE], "before": [CHANCE]}, diverged={"before": (3, 2)}, every=250)
    )
    assert lost.startswith("So: no net has learned after 250 steps: ")
    assert "the net with batch norm diverged (from step 3 on). What changed: " in lost
    words = conclude(
        ended(
            {"none": [CHANCE] * 2, "before": [CHANCE, GOOD], "after": [GOOD, GOOD]},
            diverged={"none": (5, 4)},
        )
    )
    assert words.startswith(
        "So: No norm diverged (from step 5 on); no clear difference after 120 steps between BN "
        "before and BN after: 97 %, but BN after had 87 % by step 60, BN before by step 120. "
    )


def test_chance_with_lost_seeds_is_said_so():
    words = conclude(ended({"none": [[math.nan, 0.1, 0.1]], "before": [GOOD]}))
    told = "by step 60 (1 of 3 seeds diverged; the other 2: 10 %, chance is 10 %)"
    assert told in words
    words = conclude(ended({"none": [[math.nan, math.nan, 0.1]], "before": [GOOD]}))
    assert "(2 of 3 seeds diverged; the third: 10 %, chance is 10 %)" in words


def test_what_was_learned_and_lost_again_is_no_never():
    words = conclude(ended({"none": [GOOD, CHANCE], "before": [GOOD, GOOD]}))
    assert "without batch norm fell back to chance (10 %, 97 % at best)" in words
    assert "never" not in words


def test_a_single_net_is_compared_with_nothing():
    words = conclude(ended({"before": [GOOD]}))
    assert words == (
        "So: BN before reached 97 % after 60 steps. "
        "What changed: nothing to compare with; add a net."
    )
    assert conclude(ended({"none": [CHANCE]})).startswith("So: No norm had not learned by step 60")


def test_only_the_untrained_step():
    record = ended({"none": [GOOD], "before": [GOOD]}, ending=None)
    untrained = dataclasses.replace(
        record, snapshots=record.snapshots[:1], train_loss=record.train_loss[:0]
    )
    words = "So: nothing is trained yet; train the nets to see how they differ."
    assert conclude(untrained) == conclude(dataclasses.replace(untrained, snapshots=())) == words


def test_a_run_under_way_and_a_short_one_do_not_say_never():
    going = ended({"none": [CHANCE], "before": [GOOD]}, ending=None)
    going = dataclasses.replace(going, train_loss=going.train_loss[:40])
    assert "had not learned by step 40" in conclude(going)
    assert "reached 97 % after 40 of 60 steps." in conclude(going)
    assert "never" not in conclude(going) + conclude(
        ended({"none": [CHANCE], "before": [GOOD]}, every=20)
    )


def test_one_seed_proves_little():
    words = conclude(ended({"none": [[0.1]], "before": [[0.97]]}))
    assert words.endswith("One seed proves little: train several.")
    close = conclude(ended({"none": [[0.95]], "before": [[0.97]]}))
    assert "no clear difference" in close, "2 % of 360 examples may be chance"


def test_arms_that_differ_in_anything_are_called_by_their_labels():
    record = ended({"before;batch:4": [FAIR], "before": [GOOD], "before;batch:256": [GOOD]})
    words = conclude(record)
    assert "BN before (97 %) and “BN before, batch 256” (97 %) did best" in words
    assert "“BN before, batch 4” reached 82 %" in words
    assert words.endswith("The nets differ in the batch size alone.")
    several = conclude(ended({"none;opt:adam;lr:0.001;drop:0.5": [FAIR], "before;depth:3": [GOOD]}))
    assert several.endswith("Between them the nets differ in 5 settings.")


def test_eight_nets_are_summed_up_without_a_flood_of_digits():
    names = list(ARMS)[:MOST_ARMS]
    ends = [GOOD, GOOD, GOOD, GOOD, FAIR, CHANCE, [0.1, 0.9, 0.9], [0.7, 0.71, 0.72]]
    words = conclude(ended({name: [end] for name, end in zip(names, ends, strict=True)}))
    assert (
        "Instance norm had not learned by step 60" in words
        and "four nets (97 %) did best, first No norm, BN before and BN after" in words
    )
    assert "Group norm reached 82 %, Batch renorm reached 71 %" in words
    assert "for Ghost BN it depends on the seed" in words
    assert len(re.findall(r"\d+", words)) < 16
    poor = [GOOD, *[[0.5 + 0.05 * n] * 3 for n in range(7)]]
    crowd = conclude(ended({name: [end] for name, end in zip(names, poor, strict=True)}))
    assert "the seven nets behind reached 50 to 80 %, least BN before" in crowd


def test_what_the_layers_show_is_told_of_both_nets():
    record = ended({"none": [CHANCE], "before": [GOOD]})
    vanishing = with_numbers(record, 0, (1,), gradient_norm=[1e-7] * 3 + [1e-2] * 7 + [1])
    assert (
        "in the net without batch norm the gradient of layer 1 is 10^-7 times the output layer's; "
        "in the net with batch norm the gradient of layer 1 is 1 times"
    ) in conclude(vanishing)
    dead = with_numbers(record, 0, (1,), dead=(0.0,) * 7 + (1.0,) * 3)
    assert "every unit of layer 8 put out zero by step 60: nothing passed it" in conclude(dead)
    assert "What changed" not in conclude(record), "of layers that are alike nothing is told"


def test_an_arm_is_ahead_only_if_every_seed_is_and_by_enough():
    def pair(one, other):
        return outcomes(ended({"none": [one], "before": [other]}))

    first, second = pair(GOOD, FAIR)
    assert clearly_ahead(first, second, 360) and not clearly_ahead(second, first, 360)
    first, second = pair([0.5, 0.9, 0.9], [0.51, 0.51, 0.51])
    assert not clearly_ahead(first, second, 360)
    first, second = pair([0.60] * 3, [0.56] * 3)
    assert not clearly_ahead(first, second, 360) and clearly_ahead(first, second, 36_000)


def test_small_real_runs_say_what_they_show():
    base = Config(depth=10, width=32, batch_size=32, steps=80, initialization="he", gain=0.1)
    both = (ARMS["none"], ARMS["before"])
    assert re.match(
        r"So: the ten-layer net without batch norm had not learned by step 80 \(.*; the net with "
        r"batch norm (reached|it depends)|.*for the net with batch norm it depends on the seed",
        conclude(run(Comparison(base, both))),
    )
    easy = conclude(run(Comparison(Config(depth=1, steps=150, batch_size=32), both)))
    assert "never" not in easy and "did best" not in easy
    assert np.all([part in easy for part in ("So: ", "What changed: ")])
