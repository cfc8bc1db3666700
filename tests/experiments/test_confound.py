"""A norm and a rate that change together: the parts of their difference, decided, and a run."""

import numpy as np
import pytest

from bn_core.experiments import EXPERIMENTS, confound, run
from bn_core.presets import PRESETS

JITTER = np.array([-0.004, 0.0, 0.004])


def partials(none: float, none_slow: float, before_slow: float) -> dict:
    """Return ended shards of three seeds with these accuracies in the end."""
    ends = {"none": none, "before": 0.98, "none_slow": none_slow, "before_slow": before_slow}
    return {
        name: {
            "steps": np.array([10, 20]),
            "accuracy": np.full((3, 2), end),
            "final": np.full(3, end) + (JITTER if name.endswith("slow") else 0),
            "complete": True,
        }
        for name, end in ends.items()
    }


@pytest.mark.parametrize(
    ("accuracies", "kind"),
    [
        ((0.96, 0.90, 0.97), "holds"),
        ((0.96, 0.90, 0.90), "depends"),
        ((0.90, 0.96, 0.99), "depends"),
        ((0.96, 0.96, 0.96), "fails"),
        ((0.90, 0.96, 0.90), "fails"),
        ((0.10, 0.90, 0.97), "untested"),
    ],
)
def test_both_parts_decide(accuracies, kind):
    verdict = EXPERIMENTS["confound"].decide(confound.summarize(partials(*accuracies)))
    assert (verdict.kind, verdict.settled) == (kind, True)


def test_the_parts_add_up_for_every_seed_and_are_told():
    result = confound.summarize(partials(0.96, 0.90, 0.97))
    both = result["rate"].values + result["norm"].values
    np.testing.assert_allclose(both, result["both"].values, atol=1e-12)
    np.testing.assert_allclose(result["rate"].values, -0.06 + JITTER, atol=1e-12)
    words = EXPERIMENTS["confound"].decide(result).words
    assert "From no norm at rate 0.01 to batch norm at rate 0.001" in words
    assert "hides what the other does" in words


def test_without_all_four_nets_there_are_no_parts():
    found = partials(0.96, 0.90, 0.97)
    del found["before"]
    assert {metric.key for metric in confound.summarize(found).metrics} == set(found)


def test_the_nets_are_those_of_the_preset():
    assert len(confound.SPEC.shards) == len(PRESETS["listing"].comparison.arms) == 4
    assert PRESETS["listing"].comparison.base.architecture == "conv"


@pytest.mark.slow
def test_on_the_digits_the_rate_costs_what_batch_norm_gains():
    result, verdict = run("confound", seeds=2, quick=True)
    assert (result["rate"].values < 0).all() and (result["norm"].values > 0.015).all()
    assert verdict.kind != "fails"
