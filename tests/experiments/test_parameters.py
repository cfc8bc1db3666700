"""Experiments on parameters: their scale, dropout in front of them, gamma and beta alone."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from bn_core.config import Config
from bn_core.experiments import dropout_shift, only_gamma_beta, run, scale_invariance
from bn_core.experiments.base import Trainer, exact_trainer, make_trainer
from bn_core.results import Metric, Result, Verdict
from tests.experiments.verdict_cases import decided
from tests.results import with_values

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
    """Return a result of two seeds with made-up measures; "_" in a key stands for a space."""
    measures = [
        Metric(key.replace("_", " "), key, np.full(2, value)) for key, value in values.items()
    ]
    return Result((), tuple(measures))


def test_weights_times_ten_leave_loss_and_the_gradient_below_and_divide_their_own(scale: Outcome):
    result, verdict = scale
    assert verdict.kind == "holds" and len(verdict.parts) == 5
    assert (result["before_loss"].values < 1e-12).all()
    np.testing.assert_allclose(result["before_gradient"].values, 0.1, rtol=1e-10)
    np.testing.assert_allclose(result["before_below"].values, 1.0, rtol=1e-10)
    assert (result["before_cosine"].values < 1e-12).all()
    assert (result["before_growth"].values < 1e-9).all()


def test_without_batch_norm_none_of_it_holds(scale: Outcome):
    result, _ = scale
    assert (result["none_loss"].values > 0.1).all()
    assert (result["none_below"].values > 2).all()
    assert (result["none_cosine"].values > 1e-3).all()
    assert (result["none_growth"].values > 0.1).all()


LAWS = {"loss": 0.0, "gradient": 0.1, "below": 1.0, "cosine": 0.0, "growth": 0.0}
PLAIN = {"loss": 4.0, "gradient": 1.5, "changed": 13.0, "cosine": 0.05, "growth": 0.8}


@pytest.mark.parametrize(("broken", "law"), [*enumerate(LAWS)])
def test_a_law_that_breaks_or_that_the_plain_net_keeps_too(scale: Outcome, broken: int, law: str):
    numbers = {f"before_{key}": value for key, value in LAWS.items()}
    numbers |= {f"none_{key}": value for key, value in PLAIN.items()}

    def kinds(changed: dict[str, float]) -> list[str]:
        verdict = scale_invariance.EXPERIMENT.decide(with_values(scale[0], numbers | changed))
        return [part.kind for part in verdict.parts]

    assert kinds({}) == ["holds"] * 5
    for wrong in (LAWS[law] + 0.01, math.nan):
        found = kinds({f"before_{law}": wrong})
        assert found.pop(broken) == "fails" and found == ["holds"] * 4
    kept = {"gradient": 0.1, "below": 1.0}.get(law, 0.0)
    control = "changed" if law == "below" else law
    found = kinds({f"none_{control}": kept})
    assert found.pop(broken) == "untested" and found == ["holds"] * 4


def plain_net(trainer: Trainer, factor: float) -> nn.Sequential:
    """Return torch's own net of the second replica, its second layer's weights times a factor."""
    modules: list[nn.Module] = []
    for index, layer in enumerate(trainer.net.hidden):
        weight = layer.linear.weight[1].detach()
        linear = nn.Linear(len(weight), weight.shape[1], bias=False, dtype=torch.float64)
        linear.weight.data = weight.T * (factor if index == 1 else 1)
        norm = nn.BatchNorm1d(weight.shape[1], eps=1e-30, dtype=torch.float64)
        modules += [linear, norm, nn.ReLU()]
    inputs, classes = trainer.net.output.linear.weight.shape[1:]
    output = nn.Linear(inputs, classes, dtype=torch.float64)
    output.weight.data = trainer.net.output.linear.weight[1].detach().T
    output.bias.data.zero_()
    return nn.Sequential(*modules, output)


def test_loss_gradients_and_cosine_are_those_of_torch():
    config = Config(depth=3, width=8, initialization="he", normalization="batch", replicas=2)
    trainer = exact_trainer(config, 1e-30)
    inputs, labels = trainer.batches.first()
    found = scale_invariance.at_scale(trainer, (inputs, labels), 3.0)
    net = plain_net(trainer, 3.0)
    loss = nn.functional.cross_entropy(net(inputs[1]), labels[1])
    below, own, _ = (one for one in net.parameters() if one.dim() == 2 and one.shape[0] == 8)
    passed_down, gradient = (one.numpy() for one in torch.autograd.grad(loss, [below, own]))
    weight = own.detach().numpy()
    cosine = (gradient * weight).sum() / np.sqrt((gradient**2).sum() * (weight**2).sum())
    np.testing.assert_allclose(found["loss"][1], loss.item(), rtol=1e-10)
    np.testing.assert_allclose(found["gradient"][1], np.sqrt((gradient**2).sum()), rtol=1e-8)
    np.testing.assert_allclose(found["below"][1], np.sqrt((passed_down**2).sum()), rtol=1e-8)
    np.testing.assert_allclose(found["cosine"][1], cosine, atol=1e-12)


def test_measuring_at_a_scale_leaves_the_net_as_it_is():
    trainer = make_trainer(Config(depth=2, width=8, normalization="batch"))
    before = {key: value.clone() for key, value in trainer.net.state_dict().items()}
    scale_invariance.at_scale(trainer, trainer.batches.first(), 10.0)
    for key, value in trainer.net.state_dict().items():
        assert torch.equal(value, before[key])
    assert all(parameter.grad is None for parameter in trainer.net.parameters())


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
    trainer = Trainer(Config(depth=2, width=8, normalization="batch", dropout=0.5))
    first = dropout_shift.deployed_variances(trainer)[0].numpy()
    inputs = trainer.dataset.train_inputs.double().numpy()
    weight = trainer.net.linears[0].weight.detach().double().numpy()
    exact = np.stack([(inputs @ each).var(axis=0, ddof=1) for each in weight])
    np.testing.assert_allclose(first, exact, rtol=1e-4)
    assert not any(norm._forward_pre_hooks for norm in trainer.net.norms)


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
    result, verdict = affine
    assert (result["affine"].values >= 0.93).all()
    assert (result["affine"].values > result["output"].values).all()
    assert (result["output"].values >= 0.85).all()
    errors = {name: 500 * (1 - result[name].values) + 0.5 for name in ("output", "affine")}
    np.testing.assert_allclose(result["ratio"].values, errors["output"] / errors["affine"])
    assert verdict.parts[0].kind == "holds"


@pytest.mark.parametrize(
    ("name", "count"), [("affine", 5 * 256 * 2), ("output", 256 * 10 + 10), ("all", 283_658)]
)
def test_only_what_is_chosen_moves(name: str, count: int):
    settings = {"depth": 5, "width": 256, "normalization": "batch", "learning_rate": 0.01}
    trainer = make_trainer(Config(**settings, optimizer="adam", replicas=2))
    chosen = only_gamma_beta.parameters(trainer, name)
    assert trainer.net.learn_only(chosen) == count
    before = [value.clone() for value in trainer.net.parameters()]
    trainer.step()
    learn = {id(parameter) for parameter in chosen}
    for value, then in zip(trainer.net.parameters(), before, strict=True):
        assert torch.equal(value, then) == (id(value) not in learn)


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({}, ("holds", "holds")),
        ({"affine": 0.5}, ("fails", "holds")),
        ({"affine": math.nan}, ("fails", "holds")),
        ({"ratio": 0.6}, ("holds", "fails")),
        ({"all": 0.5}, ("untested", "untested")),
    ],
)
def test_learning_well_and_better_than_the_output_layer_are_decided_apart(values, kinds):
    verdict = only_gamma_beta.EXPERIMENT.decide(
        invented(**{"affine": 0.96, "ratio": 2.0, "all": 0.98} | values)
    )
    assert tuple(part.kind for part in verdict.parts) == kinds
