"""A task's numbers in words, with NaN, infinity and a single seed among them."""

import math
import pickle
from typing import Any

import numpy as np
import pytest

from bn_core.results import VERDICT_WORDS, Metric, Progress, Result, Verdict


def measure(*values: float, form: str = ".3g", missing: str = "no value", **changes: Any) -> Metric:
    return Metric("key", "label", np.array(values, float), form, missing, **changes)


@pytest.mark.parametrize(
    ("values", "median", "words"),
    [
        ((0.5,), 0.5, "0.5"),
        ((3.0, 1.0, 2.0), 2.0, "2 (1 to 3)"),
        ((1.0, 2.0, 4.0, 8.0), 3.0, "3 (1 to 8)"),
        ((2.0, 2.0, 2.0), 2.0, "2 (2 to 2)"),
        ((math.nan, 1.0, 3.0), 2.0, "2 (1 to 3; 1 of 3: no value)"),
        ((math.nan, 5.0), 5.0, "5 (5 to 5; 1 of 2: no value)"),
        ((-0.25, 0.0, 0.25), 0.0, "0 (-0.25 to 0.25)"),
        ((1.0, 2.0, math.inf), 2.0, "2 (1 to 2; 1 of 3: no value)"),
        ((1.0, math.inf, math.inf), math.inf, "no value (1 to 1; 2 of 3: no value)"),
        ((math.inf,), math.inf, "no value"),
    ],
)
def test_a_measure_says_its_median_and_its_range(values, median, words):
    assert measure(*values).median == median
    assert measure(*values).words() == words


@pytest.mark.parametrize("values", [(math.nan,), (math.nan, math.nan), ()])
def test_where_no_seed_has_a_number_the_reason_is_said(values):
    assert math.isnan(measure(*values).median)
    assert measure(*values).words() == "no value"
    assert measure(*values, missing="diverged").words() == "diverged"


def test_a_seed_that_never_arrived_is_the_worst_and_is_counted():
    slow = measure(40.0, 30.0, math.inf, form=".0f", missing="never reached")
    assert slow.median == 40
    assert slow.words() == "40 (30 to 40; 1 of 3: never reached)"
    slower = measure(30.0, math.inf, math.inf, form=".0f", missing="never reached")
    assert slower.words() == "never reached (30 to 30; 2 of 3: never reached)"
    assert measure(math.inf, math.inf, missing="never").words() == "never"
    assert measure(0.5, -math.inf, 0.7, missing="diverged").words() == (
        "0.5 (0.5 to 0.7; 1 of 3: diverged)"
    )


def test_rounding_errors_are_said_to_be_zero_and_a_note_stands_behind():
    assert measure(1.3e-8, rounding=1e-6).words() == "zero to rounding"
    assert measure(0.0).words() == "0"
    assert measure(0.0, form=".1e").words() == "0"
    assert measure(1e-7, 1e-7, 0.5, rounding=1e-6).words() == (
        "zero to rounding (zero to rounding to 0.5)"
    )
    assert measure(0.1, note="no better than chance").words() == "0.1; no better than chance"


def test_a_number_is_written_in_its_own_form():
    assert measure(0.97123, form=".1%").words() == "97.1%"
    assert measure(0.9, 0.95, 1.0, form=".0%").words() == "95% (90% to 100%)"
    assert measure(3.2e-15, form=".1e").words() == "3.2e-15"
    assert measure(1234.6, form=".0f").words() == "1235"
    assert measure(2000.0, form=".1g").words() == "2,000"
    assert measure(3.2, form=".1e").words() == "3.2e+00"
    assert measure(2e-5, form=".1g").words() == "2e-05"


def test_the_median_is_a_plain_number_and_leaves_the_values_alone():
    values = np.array([3.0, math.nan, 1.0], np.float32)
    found = Metric("key", "label", values)
    assert type(found.median) is float and found.median == 2.0
    np.testing.assert_array_equal(values, np.array([3.0, math.nan, 1.0], np.float32))


def test_a_result_gives_its_metrics_by_key():
    one, other = Metric("a", "first", np.zeros(1)), Metric("b", "second", np.ones(3))
    result = Result((), (one, other))
    assert result["a"] is one and result["b"] is other
    with pytest.raises(KeyError):
        _ = result["c"]
    with pytest.raises(KeyError):
        _ = Result()["a"]


def test_results_do_not_share_their_facts():
    Result().facts["x"] = 1
    assert Result().facts == {}


def test_a_result_survives_the_way_between_processes():
    result = Result((), (measure(1.0, math.nan),), {"x": np.arange(3)})
    again = pickle.loads(pickle.dumps(Progress(0.5, "half", result))).partial
    assert again["key"].words() == result["key"].words()
    np.testing.assert_array_equal(again.facts["x"], np.arange(3))


def test_every_verdict_has_words():
    for kind in ("holds", "fails", "depends", "untested"):
        assert Verdict(kind, "because").headline == VERDICT_WORDS[kind]
    assert Verdict("depends", "because", settled=False).headline == "Not settled yet"
    assert "quick" in Verdict("depends", "because", settled=False, quick=True).headline
