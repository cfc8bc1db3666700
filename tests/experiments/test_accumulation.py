"""The experiment on gradient accumulation: what it computes of its nets, and a run of it."""

import numpy as np
import pytest

from bn_core.experiments import EXPERIMENTS, accumulation, run
from bn_core.results import Panel


def partials(falls: dict[str, float]) -> dict:
    """Return ended shards of three seeds in which each arm loses so much accuracy."""
    whole = np.array([0.95, 0.96, 0.97])
    return {
        name: {
            "x": np.array([64.0, 2.0]),
            "accuracy": np.column_stack([whole, whole - fall]),
            "complete": True,
        }
        for name, fall in falls.items()
    }


@pytest.mark.parametrize(
    ("before", "none", "holds"), [(0.7, 0.0, True), (0.0, 0.0, False), (0.7, 0.7, False)]
)
def test_the_verdict_follows_what_each_arm_loses(before, none, holds):
    falls = {"before": before, "none": none, "layer": 0.0}
    result = accumulation.summarize(partials(falls))
    for name, fall in falls.items():
        np.testing.assert_allclose(result[f"{name}_fall"].values, fall)
    verdict = EXPERIMENTS["accumulation"].decide(result)
    assert (verdict.kind == "holds") == holds


def test_the_sizes_drawn_are_those_of_a_micro_batch():
    (panel,) = accumulation.summarize(partials({"before": 0.5})).panels
    assert isinstance(panel, Panel)
    np.testing.assert_array_equal(panel.curves[0].x, [64, 2])


@pytest.mark.slow
def test_micro_batches_of_two_ruin_batch_norm_alone():
    result, verdict = run("accumulation", seeds=2, quick=True)
    assert (result["before_parts"].values <= 0.5).all()
    assert (result["none_parts"].values >= 0.9).all()
    assert (result["layer_parts"].values >= 0.9).all()
    assert verdict is not None and verdict.kind != "fails"
