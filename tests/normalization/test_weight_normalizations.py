"""Parity: normalizations of weights against torch in float64, replica by replica."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from bn_core.activation_gains import ACTIVATION_GAINS
from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.nets import Linear, build
from bn_core.nets.convolution import Convolution
from bn_core.normalization import (
    OF_CONVOLUTION,
    OF_LINEAR_MAP,
    GroupNorm,
    Reparametrization,
    WeightNorm,
    WeightStandardization,
)
from bn_core.training import Trainer

K, N, INS, OUTS, H, W = 2, 5, 6, 4, 5, 3
CLOSE: Any = {"rtol": 1e-10, "atol": 1e-10}
SHAPES = {"linear": (K, INS, OUTS), "conv": (K, OUTS, INS, 3, 3)}
AXES = {"linear": OF_LINEAR_MAP, "conv": OF_CONVOLUTION}
KINDS = list(SHAPES)


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


class Standardized(nn.Module):
    """Weight standardization written apart, as a parametrization: over all but the outputs."""

    def __init__(self, factor: float, gamma: Tensor | None) -> None:
        super().__init__()
        self.factor = factor
        self.gamma = None if gamma is None else nn.Parameter(gamma)

    def forward(self, weight: Tensor) -> Tensor:
        flat = weight.flatten(1)
        mean = flat.mean(dim=1, keepdim=True)
        flat = self.factor * (flat - mean) / torch.sqrt(flat.var(1, False, keepdim=True) + 1e-5)
        flat = flat if self.gamma is None else flat * self.gamma.unsqueeze(1)
        return flat.view_as(weight)


def torch_map(kind: str, weight: Tensor, bias: Tensor) -> nn.Linear | nn.Conv2d:
    """Return torch's layer with one replica's weights."""
    made = nn.Linear(INS, OUTS) if kind == "linear" else nn.Conv2d(INS, OUTS, 3, padding=1)
    made = made.double()
    with torch.no_grad():
        made.weight.copy_(weight.T if kind == "linear" else weight)
        made.bias.copy_(bias)  # type: ignore[union-attr]
    return made


def ours(kind: str, make: Callable[[Tensor, tuple[int, ...]], Reparametrization]) -> Linear:
    weight = draw(*SHAPES[kind]) + 0.3
    layer = Linear if kind == "linear" else Convolution
    return layer(weight, draw(K, 1, OUTS, seed=1), make(weight, AXES[kind])).double()


def inputs(kind: str) -> Tensor:
    return draw(K, N, INS, *((H, W) if kind == "conv" else ()), seed=2)


def as_torch(kind: str, gradient: Tensor) -> Tensor:
    return gradient.T if kind == "linear" else gradient


def assert_same(kind: str, layer: Linear, theirs: list[nn.Module], held: str, gain: str) -> None:
    """Assert equal outputs and gradients; ``held`` and ``gain`` are names of torch's parameters."""
    x = inputs(kind).requires_grad_()
    y, other = layer(x), inputs(kind).requires_grad_()
    expected = torch.stack([one(other[k]) for k, one in enumerate(theirs)])
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)
    for output in (y, expected):
        (output * draw(*output.shape, seed=3)).sum().backward()
    torch.testing.assert_close(x.grad, other.grad, **CLOSE)
    for k, one in enumerate(theirs):
        found = dict(one.named_parameters())
        weight, bias = layer.weight.grad, layer.bias.grad if layer.bias is not None else None
        assert weight is not None and bias is not None
        torch.testing.assert_close(as_torch(kind, weight[k]), found[held].grad, **CLOSE)
        torch.testing.assert_close(bias[k, 0], found["bias"].grad, **CLOSE)
        own = [p.grad for p in (layer.reparametrization or layer).parameters()]
        assert len(own) == (gain in found)
        if own and own[0] is not None:
            exact = found[gain].grad
            assert exact is not None
            torch.testing.assert_close(own[0][k].flatten(), exact.flatten(), **CLOSE)


@pytest.mark.parametrize("kind", KINDS)
def test_weight_norm_is_that_of_torch(kind):
    layer = ours(kind, WeightNorm)
    theirs: list[nn.Module] = []
    assert layer.bias is not None
    for k in range(K):
        one = weight_norm(torch_map(kind, layer.weight[k], layer.bias[k, 0]))
        theirs.append(one)
    plain = (Linear if kind == "linear" else Convolution)(
        layer.weight.detach(), layer.bias.detach()
    )
    torch.testing.assert_close(layer(inputs(kind)), plain(inputs(kind)), rtol=1e-12, atol=1e-12)
    with torch.no_grad():  # other lengths than the first
        lengths = next(iter((layer.reparametrization or layer).parameters()))
        lengths.copy_(draw(*lengths.shape, seed=5))
        for k, one in enumerate(theirs):
            first = one.parametrizations.weight.original0  # type: ignore[union-attr]
            first.copy_(lengths[k].reshape(first.shape))  # type: ignore[operator]
    weight = "parametrizations.weight.original"
    assert_same(kind, layer, theirs, f"{weight}1", f"{weight}0")


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_weight_standardization_is_its_formula_written_as_a_parametrization_of_torch(kind, alone):
    settings: dict[str, Any] = {"activation": "relu", "initial_gamma": 0.7} if alone else {}
    layer = ours(kind, lambda weight, axes: WeightStandardization(weight, axes, **settings))
    count = INS * (1 if kind == "linear" else 9)
    factor = np.sqrt(2 / (1 - 1 / np.pi) / count) if alone else 1.0
    gamma = torch.full((OUTS,), 0.7, dtype=torch.float64) if alone else None
    theirs: list[nn.Module] = []
    assert layer.bias is not None
    for k in range(K):
        one = torch_map(kind, layer.weight[k], layer.bias[k, 0])
        own = None if gamma is None else gamma.clone()
        parametrize.register_parametrization(one, "weight", Standardized(factor, own))
        theirs.append(one)
    weight = "parametrizations.weight"
    assert_same(kind, layer, theirs, f"{weight}.original", f"{weight}.0.gamma")


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_factors_of_an_output_have_in_common(kind):
    """Lengths that are learned; mean 0 and variance 1; neither depends on the weights' scale."""
    axes = tuple(axis - 1 for axis in AXES[kind])
    weight = 7 * draw(*SHAPES[kind]) + 2
    by_norm = WeightNorm(weight, AXES[kind]).double()
    assert torch.allclose(by_norm(100 * weight), by_norm(weight))
    standard = WeightStandardization(weight, AXES[kind])(weight)[0]
    zero = torch.zeros((), dtype=torch.float64)
    torch.testing.assert_close(standard.mean(axes), zero.expand(OUTS), rtol=0, atol=1e-12)
    torch.testing.assert_close(standard.var(axes, False), zero.expand(OUTS) + 1, rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", ACTIVATION_GAINS)
def test_the_gain_of_an_activation_is_one_over_the_deviation_of_its_values(name):
    """By the trapezoidal rule over a standard normal variable."""
    activation = build(Config(activation=name), (64,), 10).hidden[0].activation
    assert activation is not None
    z = torch.linspace(-12, 12, 480_001, dtype=torch.float64)
    density, a = torch.exp(-z * z / 2) / np.sqrt(2 * np.pi), activation(z)
    mean = torch.trapezoid(a * density, z)
    deviation = torch.sqrt(torch.trapezoid((a - mean) ** 2 * density, z))
    assert 1 / deviation.item() == pytest.approx(ACTIVATION_GAINS[name], rel=1e-7)


SMALL = Config(
    depth=3, width=16, steps=40, batch_size=32, replicas=2, groups=2, initialization="he"
)
NETS = {
    "mlp": {},
    "residual": {"architecture": "residual"},
    "conv": {
        "architecture": "conv",
        "channels": (4, 8),
        "dense": (16,),
        "batch_size": 16,
        "learning_rate": 0.2,
    },
}
ARM_CHANGES = {
    "weightnorm": {},
    "weightstd": {},
    "weightstd, groups": {"standardized_groups": True},
}


@pytest.mark.parametrize("name", ARM_CHANGES)
@pytest.mark.parametrize("net", NETS)
def test_each_kind_of_net_has_normalized_weights_in_its_hidden_layers_and_learns(net, name):
    config = (
        ARMS[name.partition(",")[0]].config(SMALL.changed(NETS[net])).changed(ARM_CHANGES[name])
    )
    assert Comparison(config, (ARMS[config.normalization],)).problem() == ""
    trainer = Trainer(config)
    hidden = [layer.linear.reparametrization for layer in trainer.net.hidden]
    assert all(one is not None for one in hidden)
    assert trainer.net.output.linear.reparametrization is None
    grouped = name.endswith("groups")
    norms = [norm for layer in trainer.net.hidden if (norm := layer.norm) is not None]
    assert len(norms) == grouped * config.depth
    assert all(isinstance(norm, GroupNorm) for norm in norms)
    assert all(linear.bias is not None for linear in trainer.net.linears)
    first = trainer.evaluate("batch")[0]
    for _ in trainer.steps(config.steps):
        pass
    assert (trainer.evaluate("batch")[0] < 0.8 * first).all()


def test_only_the_layers_that_are_named_are_normalized():
    config = ARMS["weightnorm"].config(SMALL.changed({"normalized_layers": (2,)}))
    net = build(config, (64,), 10)
    assert [layer.linear.reparametrization is not None for layer in net.hidden] == [
        False,
        True,
        False,
    ]
    plain = build(SMALL, (64,), 10)
    x = torch.randn(2, 9, 64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(net(x), plain(x))  # g begins as the length of v


def test_weight_decay_pulls_on_v_and_spares_g():
    config = ARMS["weightnorm"].config(SMALL.changed({"weight_decay": 0.1}))
    trainer = Trainer(config)
    decayed, spared = (group["params"] for group in trainer.optimizer.param_groups)
    assert {id(one) for one in decayed} == {id(linear.weight) for linear in trainer.net.linears}
    lengths = [linear.reparametrization for linear in trainer.net.linears]
    spared_ids = {id(one) for one in spared}
    assert all(id(p) in spared_ids for one in lengths if one is not None for p in one.parameters())


def test_the_arguments_reach_the_layers():
    changes = {"bn_epsilon": 1e-3, "initial_gamma": 0.5, "activation": "tanh"}
    config = ARMS["weightstd"].config(SMALL.changed(changes))
    first = build(config, (64,), 10).hidden[0].linear.reparametrization
    assert isinstance(first, WeightStandardization) and first.gamma is not None
    assert first.epsilon == 1e-3 and (first.gamma == 0.5).all()
    assert first.factor == pytest.approx(ACTIVATION_GAINS["tanh"] / 8)
    bare = build(config.changed({"bn_scale": False}), (64,), 10).hidden[0].linear.reparametrization
    assert isinstance(bare, WeightStandardization) and bare.gamma is None
