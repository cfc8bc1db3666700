"""The sentence about a norm and a rate that change together, on records whose parts are known."""

import pytest

from bn_core.conclusion import conclude
from tests.verdict_records import ended

NETS = ("none", "before", "none;lr:0.001", "before;lr:0.001")


def words(*accuracies: list[float], nets: tuple[str, ...] = NETS, **settings: object) -> str:
    outcomes = {name: [seeds] for name, seeds in zip(nets, accuracies, strict=True)}
    settings = {"learning_rate": 0.01, **settings}
    return conclude(ended(outcomes, **settings))  # type: ignore[arg-type]


def test_the_parts_are_paired_by_seed_and_add_up():
    said = words([0.80, 0.90], [0.9, 0.9], [0.70, 0.82], [0.90, 0.91])
    assert (
        "From no norm at rate 0.01 to batch norm at rate 0.001 the accuracy changes by +5.5 (+1.0 "
        "to +10.0) points: the rate alone makes -9.0 (-10.0 to -8.0) of it and batch norm alone "
        "+14.5 (+9.0 to +20.0), so that the one takes away from what the other does."
    ) in said


def test_parts_that_cancel_hide_each_other():
    said = words([0.9] * 3, [0.97] * 3, [0.8] * 3, [0.91] * 3)
    assert "+1.0 (+1.0 to +1.0) points" in said
    assert "so that the one hides what the other does." in said


def test_parts_of_one_sign_have_shares():
    said = words([0.5] * 2, [0.9] * 2, [0.6] * 2, [0.9] * 2)
    assert "+40.0 (+40.0 to +40.0) points" in said
    assert "25 % of it the rate's and 75 % the norm's." in said
    lost = words([0.9] * 2, [0.6] * 2, [0.8] * 2, [0.5] * 2)
    assert "-40.0" in lost and "25 % of it the rate's and 75 % the norm's." in lost


def test_seeds_that_disagree_give_no_share():
    rate = words([0.8, 0.8], [0.9, 0.9], [0.79, 0.82], [0.9, 0.9])
    assert "though the effect of the rate has not one sign over the seeds." in rate
    norm = words([0.8, 0.8], [0.9, 0.9], [0.7, 0.7], [0.65, 0.9])
    assert "though the effect of batch norm has not one sign over the seeds." in norm
    nothing = words([0.8], [0.9], [0.8], [0.9])
    assert "makes +0.0 of it" in nothing and "has not one sign" in nothing


def test_it_starts_from_the_first_net_whatever_their_order():
    turned = words([0.91] * 2, [0.8] * 2, [0.97] * 2, [0.9] * 2, nets=NETS[::-1])
    assert "From batch norm at rate 0.001 to no norm at rate 0.01" in turned
    assert "changes by -1.0" in turned and "the rate alone makes +6.0" in turned
    assert "batch norm alone -7.0" in turned


@pytest.mark.parametrize(
    ("nets", "settings"),
    [
        (("none", "before", "none;lr:0.001", "before;lr:0.002"), {}),
        (("none", "before", "none;lr:0.001", "layer;lr:0.001"), {}),
        (("before", "layer", "before;lr:0.001", "layer;lr:0.001"), {}),
        (("none", "before", "none;lr:0.001", "before;lr:0.001;batch:32"), {}),
        (("none", "before", "none;lr:0.001", "after;lr:0.001"), {}),
        (NETS[:3], {}),
        (NETS, {"rate_changes": ((20, 0.5),)}),
    ],
)
def test_other_nets_have_no_such_sentence(nets, settings):
    ends = [[0.9] * 2, [0.97] * 2, [0.8] * 2, [0.91] * 2][: len(nets)]
    assert "points: the rate" not in words(*ends, nets=nets, **settings)
