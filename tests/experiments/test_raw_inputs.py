"""Raw inputs, standardized ones, and batch norm in front: steps at the best rate, and a run."""

import numpy as np
import pytest
from torch import nn

from bn_core.config import Config
from bn_core.experiments import EXPERIMENTS, raw_inputs, run
from bn_core.experiments.base import make_trainer

STEPS = np.array([10, 20, 30, 40])


def curve(reached_at: float) -> np.ndarray:
    """Return an accuracy (T,) that is 0.95 from a step on."""
    return np.where(reached_at <= STEPS, 0.95, 0.5)


def test_the_rate_is_chosen_by_one_half_and_reported_by_the_other():
    first, second = [curve(10), curve(30)], [curve(40), curve(20)]
    halves = np.stack([np.stack(first), np.stack(second)], axis=-1)[None]
    assert raw_inputs.steps_at_best_rate(STEPS, halves).tolist() == [(40 + 30) / 2]
    both = np.stack([np.stack(first), np.stack(first)], axis=-1)[None]
    assert raw_inputs.steps_at_best_rate(STEPS, both).tolist() == [10]


def test_a_net_that_gets_there_at_no_rate_has_infinitely_many_steps():
    never = np.full((1, 2, 4, 2), 0.5)
    assert raw_inputs.steps_at_best_rate(STEPS, never).tolist() == [np.inf]


def partials(steps: dict[str, float], gradients: dict[str, float]) -> dict:
    """Return ended shards of three seeds: steps to 90 % at the one rate, the first gradient."""
    return {
        name: {
            "x": np.array([0.1]),
            "steps": STEPS,
            "halves": np.broadcast_to(curve(steps[name])[None, None, :, None], (3, 1, 4, 2)),
            "accuracy": np.full((3, 1), curve(steps[name])[-1]),
            "gradient": gradients[name] * np.array([0.9, 1.0, 1.1]),
            "complete": True,
        }
        for name in raw_inputs.SPEC.shards
    }


def kind_of(raw: float, others: float, gradient: float = 10.0) -> str:
    steps = {"raw": raw, "standardized": others, "normed": others}
    found = partials(steps, {"raw": gradient, "standardized": 1.0, "normed": 1.0})
    return EXPERIMENTS["inputs"].decide(raw_inputs.summarize(found)).kind


def test_the_verdict_can_come_out_every_way():
    assert kind_of(40, 10) == "holds"
    assert kind_of(10, 10) == "depends", "the gradient is larger, the steps are as many"
    assert kind_of(10, 10, gradient=1.0) == "fails"
    assert kind_of(10, 40, gradient=0.1) == "fails"
    assert kind_of(50, 10) == "untested", "the net on raw inputs must learn"


def test_steps_never_reached_on_normalized_inputs_are_the_worst_ratio():
    steps = {"raw": 20.0, "standardized": 99.0, "normed": 10.0}
    found = raw_inputs.summarize(partials(steps, dict.fromkeys(steps, 1.0)))
    assert found["standardized_ratio"].values.tolist() == [0, 0, 0]
    assert found["normed_ratio"].values.tolist() == [2, 2, 2]


def test_the_first_gradient_is_that_of_torch():
    config = Config(depth=1, width=8, replicas=2, normalization="none", normalize_inputs="none")
    trainer = make_trainer(config)
    inputs, labels = trainer.batches.first()
    layers = []
    for linear in trainer.net.linears:
        inputs_of, units = linear.weight.shape[1:]
        ours = nn.Linear(inputs_of, units)
        ours.weight.data = linear.weight[1].detach().T
        assert linear.bias is not None
        ours.bias.data = linear.bias[1].detach().flatten()
        layers.append(ours)
    net = nn.Sequential(layers[0], nn.ReLU(), layers[1])
    nn.functional.cross_entropy(net(inputs[1]), labels[1]).backward()
    expected = float(layers[0].weight.grad.norm())
    found = raw_inputs.first_gradient(trainer)
    assert found.shape == (2,) and found[1] == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_raw_pixels_take_more_steps_and_have_a_larger_gradient():
    result, verdict = run("inputs", seeds=3, quick=True)
    for name in ("standardized", "normed"):
        assert np.median(result[f"{name}_ratio"].values) > 1.3
        assert (result[f"{name}_slope"].values > 5).all()
    assert (result["raw_best"].values > 0.85).all()
    assert verdict.kind != "fails"
