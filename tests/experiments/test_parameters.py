"""Experiments on parameters: their scale, dropout in front of them, gamma and beta alone."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from bn_core.config import Config
from bn_core.experiments import dropout_shift, only_gamma_beta, run, scale_invariance
from bn_core.experiments.base import Trainer
from bn_core.results import Metric, Result, Verdict
from tests.experiments.verdict_cases import decided

Outcome = tuple[Result, Verdict]


@pytest.fixture(scope="module")
def scale() -> Outcome:
    return run("scale", seeds=3)


@pytest.fixture(scope="module")
def dropout() -> Outcome:
    return run("dropout", seeds=2, quick=True)


@pytest.fixture(scope="module")
def affine() -> Outcome:
    return run("affine", seeds=3)


def invented(**values: float) -> Result:
    """Return a finding of two seeds with made-up measures; "_" in a key stands for a space."""
    measures = [
        Metric(key.replace("_", " "), key, np.full(2, value)) for key, value in values.items()
    ]
    return Result((), tuple(measures))


def test_weights_times_ten_leave_the_loss_and_divide_the_gradient(scale: Outcome):
    finding, verdict = scale
    assert verdict.kind == "holds"
    assert (finding["before loss"].values < 1e-12).all()
    np.testing.assert_allclose(finding["before gradient"].values, 0.1, rtol=1e-10)
    assert (finding["before cosine"].values < 1e-12).all()
    assert (finding["before growth"].values < 1e-9).all()


def test_without_batch_norm_none_of_it_holds(scale: Outcome):
    finding, _ = scale
    assert (finding["none loss"].values > 0.1).all()
    assert (finding["none cosine"].values > 1e-3).all()
    assert (finding["none growth"].values > 0.1).all()


@pytest.mark.parametrize("broken", ["loss", "gradient", "cosine", "growth"])
def test_scale_fails_if_one_law_breaks(broken: str):
    measured = {"loss": 0.0, "gradient": 0.1, "cosine": 0.0, "growth": 0.0}
    laws = {f"before_{key}": value for key, value in measured.items()}
    assert scale_invariance.judge(invented(none_gradient=1.0, **laws)).kind == "holds"
    laws[f"before_{broken}"] += 0.01
    assert scale_invariance.judge(invented(none_gradient=1.0, **laws)).kind == "fails"
    laws[f"before_{broken}"] = math.nan
    assert scale_invariance.judge(invented(none_gradient=1.0, **laws)).kind == "fails"


def plain_net(trainee: Trainer, factor: float) -> nn.Sequential:
    """Return torch's own net with one replica's weights, the first layer's times a factor."""
    modules: list[nn.Module] = []
    for layer in trainee.net.hidden:
        weight = layer.linear.weight[0].detach()
        linear = nn.Linear(len(weight), weight.shape[1], bias=False, dtype=torch.float64)
        linear.weight.data = weight.T * (1 if modules else factor)
        norm = nn.BatchNorm1d(weight.shape[1], dtype=torch.float64)
        modules += [linear, norm, nn.ReLU()]
    inputs, classes = trainee.net.output.weight.shape[1:]
    output = nn.Linear(inputs, classes, dtype=torch.float64)
    output.weight.data = trainee.net.output.weight[0].detach().T
    output.bias.data.zero_()
    return nn.Sequential(*modules, output)


def test_loss_gradient_and_cosine_are_those_of_torch():
    trainee = Trainer(Config(depth=3, width=8, initialization="he", normalization="batch"))
    trainee.net.double()
    inputs, labels = trainee.batches.first()
    inputs = inputs.double()
    found = scale_invariance.at_scale(trainee, (inputs, labels), 3.0)
    net = plain_net(trainee, 3.0)
    loss = nn.functional.cross_entropy(net(inputs[0]), labels[0])
    loss.backward()
    first = net[0]
    assert isinstance(first, nn.Linear) and first.weight.grad is not None
    gradient, weight = first.weight.grad.numpy(), first.weight.detach().numpy()
    cosine = (gradient * weight).sum() / np.sqrt((gradient**2).sum() * (weight**2).sum())
    np.testing.assert_allclose(found["loss"][0], loss.item(), rtol=1e-10)
    np.testing.assert_allclose(found["gradient"][0], np.sqrt((gradient**2).sum()), rtol=1e-8)
    np.testing.assert_allclose(found["cosine"][0], cosine, atol=1e-12)


def test_measuring_at_a_scale_leaves_the_net_as_it_is():
    trainee = Trainer(Config(depth=2, width=8, normalization="batch"))
    before = {key: value.clone() for key, value in trainee.net.state_dict().items()}
    scale_invariance.at_scale(trainee, trainee.batches.first(), 10.0)
    for key, value in trainee.net.state_dict().items():
        assert torch.equal(value, before[key])
    assert all(parameter.grad is None for parameter in trainee.net.parameters())


@pytest.mark.slow
def test_a_trained_net_keeps_a_variance_that_is_wrong_without_dropout():
    result, verdict = run("dropout", seeds=3)
    assert verdict.kind == "holds"
    assert (result["net"].values > 1.2).all()
    assert (result["corrected"].values > result["kept"].values).all()


def test_dropout_shifts_the_variance_as_the_formula_says(dropout: Outcome):
    result, _ = dropout
    np.testing.assert_allclose(result["alone"].values, 2.467, rtol=0.02)
    assert (result["factor"].values >= 1).all() and (result["factor"].values < 1.02).all()
    np.testing.assert_allclose(result["first"].values, 1.0, atol=1e-5)
    assert (result["net"].values > 1.5).all()


@pytest.mark.parametrize(
    "share, ratio", [(0.1, 1.163), (0.3, 1.629), (0.5, 2.467), (0.7, 4.422), (0.0, 1.0)]
)
def test_the_formula_gives_the_known_ratios(share: float, ratio: float):
    mean, variance = 1 / math.sqrt(2 * math.pi), 0.5 - 1 / (2 * math.pi)
    assert dropout_shift.expected_ratio(mean, variance, share) == pytest.approx(ratio, abs=1e-3)


def test_the_formula_against_enumeration():
    values, weights = np.array([-1.0, 0.5, 3.0]), np.array([0.2, 0.5, 0.3])
    kept = 0.6
    mean = (values * weights).sum()
    variance = ((values - mean) ** 2 * weights).sum()
    outcomes = np.concatenate([values / kept, np.zeros(3)])
    chances = np.concatenate([weights * kept, weights * (1 - kept)])
    centre = (outcomes * chances).sum()
    shifted = ((outcomes - centre) ** 2 * chances).sum()
    found = dropout_shift.expected_ratio(mean, variance, 1 - kept)
    assert found == pytest.approx(shifted / variance, rel=1e-12)


def test_the_deployed_variance_is_that_of_the_first_linear_map():
    trainee = Trainer(Config(depth=2, width=8, normalization="batch", dropout=0.5))
    first = dropout_shift.deployed_variances(trainee)[0].numpy()
    inputs = trainee.dataset.train_inputs.double().numpy()
    weight = trainee.net.linears[0].weight.detach().double().numpy()
    exact = np.stack([(inputs @ each).var(axis=0, ddof=1) for each in weight])
    np.testing.assert_allclose(first, exact, rtol=1e-4)
    assert not any(norm._forward_pre_hooks for norm in trainee.net.norms)


@pytest.mark.parametrize(
    ("alone", "net", "changed", "kind"),
    [
        ((2.467, 2.47, 2.463), (4.6, 5.7, 6.8), {}, "holds"),
        ((2.467, 2.47, 2.463), (1.0, 1.05, 0.95), {}, "depends"),
        ((1.0, 1.0, 1.0), (1.0, 1.05, 0.95), {}, "fails"),
        ((2.467, 2.47, math.nan), (4.6, 5.7, 6.8), {}, "depends"),
        ((1.0, 1.0, 1.0), (4.6, 5.7, 6.8), {"first": np.full(3, 3.0)}, "depends"),
    ],
)
def test_dropout_is_decided_by_the_numbers(dropout: Outcome, alone, net, changed, kind: str):
    values = {"alone": alone, "net": net} | changed
    verdict = decided(dropout_shift.EXPERIMENT, dropout[0], values)
    assert verdict.kind == kind
    assert (verdict.parts[1].kind == "untested") == bool(changed)


@pytest.mark.slow
def test_gamma_and_beta_alone_learn_the_digits(affine: Outcome):
    finding, verdict = affine
    assert verdict.kind == "holds"
    assert (finding["affine"].values >= 0.93).all()
    assert (finding["affine"].values > finding["output"].values).all()
    assert (finding["output"].values >= 0.85).all()


def test_only_what_is_chosen_moves():
    settings = {"depth": 5, "width": 256, "normalization": "batch", "learning_rate": 0.01}
    trainee = Trainer(Config(**settings, optimizer="adam", replicas=2))
    assert only_gamma_beta.freeze_all_but(trainee, "affine") == 5 * 256 * 2
    before = {key: value.clone() for key, value in trainee.net.named_parameters()}
    trainee.step()
    for key, value in trainee.net.named_parameters():
        assert torch.equal(value, before[key]) == ("flat_" not in key)
    assert only_gamma_beta.freeze_all_but(trainee, "output") == 256 * 10 + 10


def test_only_gamma_and_beta_is_judged_by_the_numbers():
    judge = only_gamma_beta.judge
    assert judge(invented(affine=0.96, output=0.92, all=0.98)).kind == "holds"
    assert judge(invented(affine=0.92, output=0.95, all=0.98)).kind == "depends"
    assert judge(invented(affine=0.5, output=0.92, all=0.98)).kind == "fails"
    assert judge(invented(affine=math.nan, output=0.92, all=0.98)).kind == "fails"
