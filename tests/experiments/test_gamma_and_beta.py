"""Gamma and beta one at a time: what leaving them out costs, seed by seed."""

import numpy as np
import pytest

from bn_core import experiments
from bn_core.experiments.gamma_and_beta import EXPERIMENT, summarize
from bn_core.results import Panel

VARIANTS = ("both", "gamma", "beta", "neither")


def ended(**accuracy: float) -> dict[str, object]:
    """Return a complete shard of three seeds whose variants end at these accuracies."""
    found: dict[str, object] = {"complete": True}
    for one in VARIANTS:
        found[f"{one}_steps"] = np.array([50, 100])
        ends = accuracy[one] + np.array([-0.01, 0.0, 0.01])
        found[f"{one}_accuracy"] = np.stack([np.full(3, 0.5), ends], axis=1)
    return found


def result(**changes: float):
    usual = {"both": 0.97, "gamma": 0.97, "beta": 0.95, "neither": 0.7} | changes
    names = ("tanh", "sigmoid", "relu")
    return summarize({name: ended(**usual) for name in names})


def test_the_cost_is_the_difference_at_the_end_seed_by_seed():
    found = result()
    assert found["tanh_cost"].values == pytest.approx([0.27, 0.27, 0.27])
    assert found["relu_gamma"].median == pytest.approx(0.97)


def test_the_verdict_follows_the_numbers():
    assert EXPERIMENT.decide(result()).kind == "holds"
    assert "With ReLU it costs 27.0 points" in EXPERIMENT.decide(result()).words
    assert EXPERIMENT.decide(result(neither=0.97)).kind == "fails"
    assert EXPERIMENT.decide(result(neither=0.99, both=0.9)).kind == "fails"
    assert EXPERIMENT.decide(result(both=0.6, neither=0.5)).kind == "untested"


def test_a_shard_that_has_only_begun_is_drawn_and_not_judged():
    partial = {"tanh": {"both_steps": np.array([50]), "both_accuracy": np.full((3, 1), 0.6)}}
    found = summarize(partial)
    assert [panel.id for panel in found.panels] == ["tanh"] and not found.metrics


@pytest.mark.slow
def test_a_quick_run_trains_all_variants_and_tanh_loses_most():
    found, verdict = experiments.run("gamma", seeds=3, quick=True)
    assert found["tanh_cost"].median >= 0.05 and verdict.kind in ("holds", "depends")
    curves = [len(panel.curves) for panel in found.panels if isinstance(panel, Panel)]
    assert curves == [4, 4, 4]
