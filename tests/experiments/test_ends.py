"""Vanishing gradients, and verdicts on final accuracy that never promise a winner."""

import numpy as np
import pytest
import torch
from torch import nn

from bn_core.config import Config
from bn_core.experiments import final_accuracy, run, vanishing
from bn_core.experiments.base import Trainer
from bn_core.results import Metric, Result, Verdict
from tests.results import with_values


@pytest.fixture(scope="module")
def vanished() -> tuple[Result, Verdict]:
    return run("vanish", seeds=2, quick=True)


def test_sigmoid_layers_lose_the_gradient_and_batch_norm_lets_it_through(vanished):
    finding, verdict = vanished
    assert (finding["sigmoid_none"].values < 1e-3).all()
    assert (finding["sigmoid_before"].values > 0.1).all()
    assert (finding["tanh_none"].values > 0.3).all() and (finding["relu_none"].values > 0.3).all()
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
    trainee = Trainer(config)
    inputs, labels = trainee.batches.first()
    layers: list[nn.Module] = []
    for linear in trainee.net.linears:
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
    assert vanishing.gradient_ratio(trainee)[0] == pytest.approx(
        float(lengths[0] / lengths[-1]), rel=1e-4
    )


def finding(none: float, before: float, dropout: float, both: float) -> Result:
    values = {"none": none, "before": before, "dropout": dropout, "both": both}
    noise = np.array([0.0, 0.001, -0.001])
    return Result(
        measures=tuple(Metric(name, name, value + noise) for name, value in values.items())
    )


@pytest.mark.parametrize(
    ("accuracies", "kind"),
    [
        ((0.97, 0.975, 0.972, 0.974), "depends"),
        ((0.80, 0.97, 0.85, 0.97), "holds"),
        ((0.90, 0.93, 0.91, 0.96), "depends"),  # both together are better still
        ((0.97, 0.90, 0.97, 0.91), "fails"),
    ],
)
def test_a_verdict_on_final_accuracy_names_a_winner_only_by_a_point_for_every_seed(
    accuracies, kind
):
    assert final_accuracy.judge(finding(*accuracies)).kind == kind


def test_a_short_run_of_all_four_nets_comes_to_a_verdict():
    found, verdict = run("final", seeds=2, quick=True)
    assert verdict.kind in ("holds", "fails", "depends")
    assert "%" in verdict.words
    assert len(found.panels[0].curves) == 4  # type: ignore[union-attr]
