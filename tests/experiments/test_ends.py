"""Vanishing gradients, and verdicts on final accuracy that never promise a winner."""

import numpy as np
import pytest
import torch
from torch import nn

from bn_core.config import Config
from bn_core.experiments import final_accuracy, run, vanishing
from bn_core.experiments.base import Trainer
from bn_core.results import Result, Verdict
from tests.experiments.verdict_cases import decided
from tests.results import with_values


@pytest.fixture(scope="module")
def vanished() -> tuple[Result, Verdict]:
    return run("vanish", seeds=2, quick=True)


def test_sigmoid_layers_lose_the_gradient_and_batch_norm_lets_it_through(vanished):
    result, verdict = vanished
    assert (result["sigmoid_none"].values < 1e-3).all()
    assert (result["sigmoid_before"].values > 0.1).all()
    assert (result["tanh_none"].values > 0.3).all() and (result["relu_none"].values > 0.3).all()
    kinds = {part.name: part.kind for part in verdict.parts}
    assert kinds["sigmoid"] in ("holds", "untested")  # a short run may not train that net
    assert all(kinds[name] in ("depends", "untested") for name in ("tanh", "ReLU"))


@pytest.mark.parametrize(
    ("gains", "kind"), [((50, 50, 50), "holds"), ((50, 1, 1), "depends"), ((1, 1, 1), "fails")]
)
def test_each_activation_has_its_own_verdict(vanished, gains, kind):
    keys = ("sigmoid", "tanh", "relu")
    values = {f"{key}_gain": float(gain) for key, gain in zip(keys, gains, strict=True)}
    learned = {f"{key}_before_accuracy": 0.9 for key in keys}
    verdict = vanishing.EXPERIMENT.decide(with_values(vanished[0], values | learned))
    assert verdict.kind == kind


def test_growth_is_not_counted_as_less_vanishing():
    plain, normalized = np.array([0.001, 0.8, 2.0, 1.0, 0.0]), np.array([0.5, 6.0, 5.0, 0.1, 0.0])
    found = vanishing.lessened(plain, normalized)
    np.testing.assert_allclose(found, [500, 1.25, 1, 0.1, np.nan])


def test_the_ratio_is_that_of_an_ordinary_net():
    config = Config(depth=4, activation="sigmoid", initialization="xavier", replicas=1)
    trainer = Trainer(config)
    inputs, labels = trainer.batches.first()
    layers: list[nn.Module] = []
    for linear in trainer.net.linears:
        plain = nn.Linear(linear.weight.shape[1], linear.weight.shape[2]).double()
        with torch.no_grad():
            plain.weight.copy_(linear.weight[0].T)
            assert linear.bias is not None
            plain.bias.copy_(linear.bias[0, 0])
        layers += [plain, nn.Sigmoid()]
    net = nn.Sequential(*layers[:-1])
    nn.functional.cross_entropy(net(inputs[0].double()), labels[0]).backward()
    hidden = [layer for layer in layers if isinstance(layer, nn.Linear)][:-1]
    lengths = [layer.weight.grad.norm() for layer in hidden]  # type: ignore[union-attr]
    assert vanishing.gradient_ratio(trainer)[0] == pytest.approx(
        float(lengths[0] / lengths[-1]), rel=1e-4
    )


@pytest.fixture(scope="module")
def final() -> tuple[Result, Verdict]:
    return run("final", seeds=2, quick=True)


def test_what_one_half_chooses_is_reported_by_the_other():
    halves = np.array([[[0.9, 0.5], [0.7, 0.8]], [[0.6, 0.6], [0.9, 0.9]]])
    accuracy, best = final_accuracy.at_best_rate(halves)
    np.testing.assert_array_equal(best, [[0, 1], [1, 1]])
    np.testing.assert_allclose(accuracy, [(0.5 + 0.7) / 2, 0.9])


def test_a_best_rate_chosen_among_equals_does_not_flatter():
    state = np.random.RandomState(0)
    halves = state.binomial(250, 0.97, size=(4000, 10, 2)) / 250
    accuracy, _ = final_accuracy.at_best_rate(halves)
    assert abs(accuracy.mean() - 0.97) < 0.001
    assert halves.mean(axis=2).max(axis=1).mean() > 0.978, "the best of all by itself does"


@pytest.mark.parametrize(
    ("lead", "adds", "helps", "kind"),
    [
        ((0.17, 0.16, 0.18), (0.0, 0.001, -0.001), 0.05, "holds"),
        ((0.03, 0.031, 0.029), (0.03, 0.031, 0.032), 0.05, "depends"),  # both are better still
        ((0.0, 0.001, -0.001), (0.03, 0.031, 0.032), 0.05, "fails"),
        ((-0.07, -0.071, -0.069), (0.0, 0.001, -0.001), -0.01, "depends"),  # behind, and untested
        ((0.005, 0.015, -0.01), (0.0, 0.001, -0.001), 0.05, "depends"),
        ((0.17, 0.16, np.nan), (0.0, 0.001, -0.001), 0.05, "depends"),
    ],
)
def test_final_accuracy_is_decided_by_the_numbers(final, lead, adds, helps: float, kind: str):
    values = {"lead": lead, "adds": adds, "helps": np.full(3, helps), "none": np.full(3, 0.96)}
    verdict = decided(final_accuracy.EXPERIMENT, final[0], values)
    assert verdict.kind == kind
    assert (verdict.parts[1].kind == "untested") == (helps < 0.01)


def test_a_short_run_of_all_four_nets_comes_to_a_verdict(final):
    result, verdict = final
    assert verdict.kind in ("holds", "depends", "untested")
    assert len(result.panels[0].curves) == 4
    lead = result["before"].values - result["none"].values
    np.testing.assert_allclose(result["lead"].values, lead)
