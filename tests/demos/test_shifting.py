"""Both kinds of internal covariate shift, measured on nets of which it is known what they do."""

import numpy as np
import pytest

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.demos.defaults import nets_to_measure
from bn_core.demos.shifting import inside, of_data
from bn_core.experiments import _ended
from bn_core.results import Panel, Result


def measured(comparison: Comparison) -> Result:
    return _ended(inside(comparison))


def panel(result: Result, key: str) -> Panel:
    (found,) = (one for one in result.panels if one.id == key)
    assert isinstance(found, Panel)
    return found


def test_the_nets_compared_at_first_both_learn_in_every_seed() -> None:
    result = measured(nets_to_measure(Comparison()))
    for arm in ("none", "before"):
        accuracy = result[f"{arm} accuracy"]
        assert len(accuracy.values) == 3 and accuracy.values.min() > 0.6
        assert "chance" not in accuracy.words()
        assert "zero" not in result[f"{arm} mean"].words()
        assert np.isfinite(panel(result, "mean").curves[0].y).all()


def test_a_net_that_does_not_learn_is_said_to_be_and_what_would_learn_is_named() -> None:
    arms = (ARMS["none"], ARMS["before"])
    slow = Config(depth=2, learning_rate=1e-4, initialization="he", replicas=2)
    result = measured(Comparison(slow, arms))
    words = result["none accuracy"].words()
    assert "no better than chance" in words and "He's initial weights" in words
    fast = measured(Comparison(slow.changed({"learning_rate": 0.1}), arms))
    assert "chance" not in fast["none accuracy"].words() + fast["before accuracy"].words()


def test_a_drift_that_is_zero_by_construction_is_said_to_be_zero() -> None:
    fixed = Config(depth=2, bn_scale=False, bn_shift=False, activation="tanh", replicas=1)
    comparison = Comparison(fixed, (ARMS["after"], ARMS["before"]))
    result = measured(comparison)
    drift = result["after mean"]
    assert 0 < drift.median < 1e-6 and drift.words() == "zero to rounding"
    assert "rounding" not in result["before mean"].words()
    assert panel(result, "mean").rounding >= drift.median


def test_the_comparison_of_a_reader_who_has_changed_the_lab_is_kept() -> None:
    chosen = Comparison(Config(depth=3))
    assert nets_to_measure(chosen) is chosen
    other_arms = Comparison(Config(), (ARMS["none"], ARMS["layer"]))
    assert nets_to_measure(other_arms) is other_arms
    assert nets_to_measure(Comparison()).base.initialization == "he"


@pytest.mark.parametrize("pixels", [0, 2])
def test_moved_digits_are_named_in_words(pixels: int) -> None:
    (examples,) = (one for one in _ended(of_data(pixels)).panels if one.id == "examples")
    assert not isinstance(examples, Panel)
    first, second = (field.words for field in examples.fields)
    assert first == second and len(first.split(", ")) == 6 and set(first) <= set("0123456789, ")
