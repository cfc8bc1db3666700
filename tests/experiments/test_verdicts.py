"""The rule by which numbers become verdicts, against scipy and against simulated evidence."""

import math

import numpy as np
import pytest
from scipy import stats

from bn_core.experiments.effects import (
    Control,
    Effect,
    interval,
    kind_of,
    seeds_needed,
    share_interval,
    student_interval,
)
from bn_core.experiments.verdicts import decide, outcome

RATIO = Effect("ratio", "Ratio", matters_from=2.0, why="Invented.")
GAP = Effect(
    "gap", "Gap", matters_from=-0.1, why="Invented.", scale="difference", direction="below"
)
SAME = Effect("same", "Same", matters_from=0.1, why="Invented.", scale="difference",
              direction="within", reference=1.0)  # fmt: skip
SHARE = Effect("share", "Share", matters_from=0.6, why="Invented.", scale="share", reference=0.5,
               trials=50)  # fmt: skip
NAN, INF = math.nan, math.inf


def kind(effect: Effect, *values: float, quick: bool = False) -> str:
    return kind_of(effect, np.array(values), quick=quick)


def test_students_interval_is_scipys():
    values = np.random.RandomState(0).normal(2, 1, 7)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(student_interval(values), expected, rtol=1e-12)


@pytest.mark.parametrize(("successes", "trials"), [(0, 8), (3, 8), (8, 8), (59, 100)])
def test_the_interval_of_a_share_is_scipys(successes: int, trials: int):
    expected = stats.binomtest(successes, trials).proportion_ci(0.95, "exact")
    np.testing.assert_allclose(share_interval(successes, trials), expected, rtol=1e-12, atol=1e-12)


def test_ratios_are_analysed_by_their_logarithms():
    values = np.array([3.0, 5.0, 8.0])
    found = outcome(RATIO, values)
    low, high = np.exp(student_interval(np.log(values)))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.median == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("effect", "values", "expected"),
    [
        (RATIO, (3.0, 3.2, 2.9), "holds"),
        (RATIO, (1.0, 1.1, 0.95), "fails"),  # absent
        (RATIO, (0.3, 0.32, 0.29), "fails"),  # reversed
        (RATIO, (1.4, 1.41, 1.39), "fails"),  # surely too small
        (RATIO, (1.2, 1.7, 2.4), "depends"),
        (RATIO, (1.1, 3.0, 20.0), "depends"),
        (RATIO, (3.0,), "depends"),
        (GAP, (-0.2, -0.25, -0.22), "holds"),
        (GAP, (0.2, 0.25, 0.22), "fails"),
        (GAP, (0.0, 0.01, -0.01), "fails"),
        (SAME, (1.01, 0.99, 1.0), "holds"),
        (SAME, (1.4, 1.41, 1.39), "fails"),
        (SAME, (0.6, 0.61, 0.59), "fails"),
        (SAME, (1.05, 0.9, 1.12), "depends"),
        (SHARE, (0.7, 0.74, 0.7), "holds"),
        (SHARE, (0.5, 0.44, 0.4), "fails"),
        (SHARE, (0.6, 0.5, 0.56), "depends"),
    ],
)
def test_the_rule(effect: Effect, values: tuple[float, ...], expected: str):
    assert kind(effect, *values) == expected


@pytest.mark.parametrize(
    ("effect", "values", "expected"),
    [
        (RATIO, (3.0, 3.2, NAN), "depends"),  # one of three lost: never "holds"
        (RATIO, (3.0, 3.2, 0.0), "depends"),
        (RATIO, (3.0, NAN, NAN), "fails"),  # the median seed is lost
        (RATIO, (3.0, NAN), "depends"),
        (RATIO, (1.0, 1.1, 0.95, NAN), "fails"),  # the others are short of it already
        (GAP, (-0.2, -0.21, INF), "depends"),
        (GAP, (-0.2, INF, INF), "fails"),
        (SAME, (1.0, 1.0, 1.0, NAN), "depends"),
        (SAME, (1.0, INF, -INF), "fails"),
        (SHARE, (0.8, 0.8, NAN), "depends"),  # 0.53 of all trials
    ],
)
def test_a_lost_seed_is_the_worst_there_is(effect, values, expected):
    assert kind(effect, *values) == expected
    assert f"{sum(not math.isfinite(v) or v == 0 for v in values)} of {len(values)}" in (
        outcome(effect, np.array(values)).words
    )


def test_an_unbounded_effect_counts_as_the_largest_that_was_seen():
    assert interval(RATIO, np.array([3.0, 4.0, INF])) == interval(RATIO, np.array([3.0, 4.0, 4.0]))
    assert kind(RATIO, INF, INF, INF) == "holds"
    assert kind(RATIO, INF, NAN, NAN) == "fails"
    assert kind(RATIO, INF, INF, NAN) == "depends"


def test_rounded_values_have_at_least_the_spread_of_rounding():
    coarse = Effect("r", "Ratio", matters_from=2.0, why="Invented.", resolution=10**0.5)
    assert kind(RATIO, 2.0, 2.0) == "holds"
    assert kind(coarse, 2.0, 2.0) == "depends"
    low, high = interval(coarse, np.full(3, 10.0))
    assert low < math.log(10) < high


def test_an_interval_wider_than_the_range_says_why_and_no_number_is_a_power_of_ten():
    coarse = Effect("r", "Ratio", matters_from=10.0, why="Invented.", resolution=10**0.5)
    said = outcome(coarse, np.full(3, 2000.0)).words
    assert said == (
        "Ratio: 2,000 (median of 3 seeds; range 2,000 to 2,000; 95 % interval 876 to 4,570, which "
        "allows for values that can only be measured about 3.2 times apart); at least 10 times was "
        "asked."
    )
    for values in ([1.0, 300.0, 2000.0], [NAN, NAN, 2000.0], [INF, INF, INF]):
        assert "allows for" not in outcome(coarse, np.array(values)).words
    assert "allows for" not in outcome(RATIO, np.full(3, 2000.0)).words
    assert ": 2,000, and at least 1,500 is" in (
        Control("c", "C", at_least=1500.0).outcome(np.full(3, 2000.0)).words
    )


@pytest.mark.parametrize("quick", [False, True])
def test_a_quick_run_holds_only_beyond_doubt_and_never_fails(quick: bool):
    assert kind(RATIO, 5.0, 5.1, 5.2, quick=quick) == "holds"
    assert kind(RATIO, 1.5, 2.2, 3.2, 2.5, quick=quick) == ("depends" if quick else "holds")
    assert kind(RATIO, 1.0, 1.0, 1.1, quick=quick) == ("depends" if quick else "fails")


@pytest.mark.parametrize(("true_size", "expected"), [(1.5, "holds"), (0.0, "fails"), (-1, "fails")])
def test_more_evidence_strengthens_a_true_verdict(true_size: float, expected: str):
    state = np.random.RandomState(1)
    draws = np.exp(math.log(2) * (true_size + 0.8 * state.normal(size=(600, 30))))
    share = [np.mean([kind(RATIO, *row[:n]) == expected for row in draws]) for n in (2, 3, 5, 10)]
    assert share == sorted(share) and share[-1] > 0.9
    assert np.mean([kind(RATIO, *row) == expected for row in draws]) > 0.99


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_a_false_verdict_is_rare_however_many_seeds(seeds: int):
    state = np.random.RandomState(2)
    absent = np.exp(state.normal(size=(1000, seeds)))
    enough = 2 * np.exp(state.normal(size=(1000, seeds)))
    assert np.mean([kind(RATIO, *row) == "holds" for row in absent]) < 0.04
    assert np.mean([kind(RATIO, *row) == "fails" for row in enough]) < 0.04


def test_what_is_missing_is_said():
    words = outcome(RATIO, np.array([1.2, 1.7, 2.4])).words
    assert "right direction, 1.7 instead of at least 2 times" in words
    needed = seeds_needed(RATIO, np.array([1.5, 2.2, 3.2]))
    assert 3 < needed <= 10
    assert (
        f"about {needed} seeds would settle it" in outcome(RATIO, np.array([1.5, 2.2, 3.2])).words
    )
    many = outcome(RATIO, np.array([1.2, 2.0, 3.2, 1.9])).words
    assert "seeds" in many
    assert seeds_needed(RATIO, np.array([0.1, 2.0, 39.0])) == 0


def test_the_number_of_seeds_that_is_promised_does_settle_it():
    values = np.array([1.5, 2.2, 3.2])
    needed, logs = seeds_needed(RATIO, values), np.log(values)
    pattern = np.linspace(-1, 1, needed)
    same = np.exp(logs.mean() + logs.std(ddof=1) * pattern / pattern.std(ddof=1))
    assert kind(RATIO, *same) != "depends"


def test_which_way_it_fails_is_said():
    assert "no effect beyond chance" in outcome(RATIO, np.array([1.0, 1.1, 0.95])).words
    assert "the reverse" in outcome(RATIO, np.array([0.3, 0.32, 0.29])).words
    assert "too small" in outcome(RATIO, np.array([1.4, 1.41, 1.39])).words


def test_parts_have_their_own_verdicts():
    effects = [
        Effect(name, "Ratio", matters_from=2.0, why="Invented.", part=name)
        for name in ("sigmoid", "tanh", "ReLU")
    ]
    values = {"sigmoid": np.array([3, 3.1, 3.2]), "ReLU": np.array([1, 1.1, 0.9])}
    verdict = decide(effects, (), values | {"tanh": np.array([1.0, 3.0, 9.0])})
    assert verdict.words.startswith("Holds for sigmoid; not for ReLU; not settled for tanh.")
    assert (verdict.kind, verdict.settled, verdict.headline) == (
        "depends",
        False,
        "Not settled yet",
    )
    verdict = decide(effects, (), values | {"tanh": np.array([3.0, 3.1, 3.2])})
    assert verdict.words.startswith("Holds for sigmoid and tanh; not for ReLU.")
    assert (verdict.kind, verdict.settled, verdict.headline) == ("depends", True, "Depends")


def test_a_control_needs_most_seeds_and_says_its_numbers():
    control = Control("control", "Accuracy at batch 32", at_least=0.9)
    values = {"ratio": np.array([3, 3.1, 3.2])}
    passed = decide([RATIO], [control], values | {"control": np.array([0.95, 0.93, 0.5])})
    assert passed.kind == "holds"
    failed = decide([RATIO], [control], values | {"control": np.array([0.95, NAN, 0.5])})
    assert failed.kind == "untested"
    assert failed.words.startswith("Could not be tested here: Accuracy at batch 32: 0.5")
    assert "(1 of 3 seeds)" in failed.words


def test_a_size_against_the_direction_is_refused():
    with pytest.raises(ValueError, match="against the direction"):
        Effect("ratio", "Ratio", matters_from=0.5, why="Invented.")
    with pytest.raises(ValueError, match="against the direction"):
        Effect("gap", "Gap", matters_from=0.1, why="", scale="difference", direction="below")


def test_a_verdict_is_a_list_of_plain_values_for_machines():
    control = Control("control", "Accuracy", at_least=0.9)
    values = {"ratio": np.array([3, 3.1, NAN]), "control": np.ones(3)}
    effect, checked = decide([RATIO], [control], values).as_list()
    assert effect["key"] == "ratio" and effect["lost"] == 1 and effect["seeds"] == 3
    assert checked["passed"] is True
