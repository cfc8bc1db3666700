"""Parity: the relatives of batch norm against torch's layers, in float64, replica by replica."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bn_core.config import Config
from bn_core.normalization import (
    BatchNorm,
    GhostBatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    Normalization,
    RMSNorm,
    normalization,
)

K, N, C, S = 3, 10, 6, 4
EXACT: Any = {"rtol": 1e-12, "atol": 1e-12}
CLOSE: Any = {"rtol": 1e-9, "atol": 1e-10}
VECTORS, POSITIONS = (K, N, C), (K, N, C, S)


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def learned(layer: Normalization) -> Normalization:
    """Return the layer in float64 with a gamma and a beta that are not the first ones."""
    layer = layer.double()
    with torch.no_grad():
        for seed, parameter in enumerate(layer.parameters(), start=1):
            parameter.copy_(draw(*parameter.shape, seed=seed))
    return layer


def weighted(output: Tensor) -> Tensor:
    """Return a sum in which every output has a weight of its own."""
    return (output * draw(*output.shape, seed=9)).sum()


def assert_same(ours: Normalization, theirs: list[nn.Module], x: Tensor) -> None:
    """Assert equal outputs, input gradients and parameter gradients, replica by replica."""
    leaf, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    output = ours(leaf)
    expected = torch.stack([layer(other[k]) for k, layer in enumerate(theirs)])
    torch.testing.assert_close(output, expected, **EXACT)
    ours.zero_grad()
    weighted(output).backward()
    weighted(expected).backward()
    torch.testing.assert_close(leaf.grad, other.grad, **CLOSE)
    for flat, name in ((ours.flat_gamma, "weight"), (ours.flat_beta, "bias")):
        if flat is not None:
            assert flat.grad is not None
            gradients = torch.stack([getattr(layer, name).grad for layer in theirs])
            torch.testing.assert_close(flat.grad.view(K, C), gradients, **CLOSE)


def with_same_parameters(ours: Normalization, make: Callable[[], nn.Module]) -> list[nn.Module]:
    theirs = [make().double() for _ in range(K)]
    with torch.no_grad():
        for k, layer in enumerate(theirs):
            if ours.gamma is not None:
                layer.weight.copy_(ours.gamma[k])  # type: ignore[operator]
            if ours.beta is not None:
                layer.bias.copy_(ours.beta[k])  # type: ignore[operator]
    return theirs


Case = tuple[Callable[..., Normalization], Callable[[bool], nn.Module], tuple[int, ...]]
CASES: dict[str, Case] = {
    "layer": (LayerNorm, lambda a: nn.LayerNorm(C, elementwise_affine=a), VECTORS),
    "layer, positions": (LayerNorm, lambda a: nn.GroupNorm(1, C, affine=a), POSITIONS),
    "rms": (RMSNorm, lambda a: nn.RMSNorm(C, eps=1e-5, elementwise_affine=a), VECTORS),
    "group": (
        lambda *a, **s: GroupNorm(*a, groups=3, **s),
        lambda a: nn.GroupNorm(3, C, affine=a),
        VECTORS,
    ),
    "group, positions": (
        lambda *a, **s: GroupNorm(*a, groups=2, **s),
        lambda a: nn.GroupNorm(2, C, affine=a),
        POSITIONS,
    ),
    "instance, positions": (InstanceNorm, lambda a: nn.InstanceNorm1d(C, affine=a), POSITIONS),
    "batch, positions": (BatchNorm, lambda a: nn.BatchNorm1d(C, affine=a), POSITIONS),
}


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("reference", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_training_and_inference_are_those_of_torch(case, reference, affine):
    make, torch_layer, shape = CASES[case]
    ours = learned(make(K, C, scale=affine, shift=affine, reference=reference))
    theirs = with_same_parameters(ours, lambda: torch_layer(affine))
    for training in (True, True, False):
        ours.train(training)
        for layer in theirs:
            layer.train(training)
            layer.zero_grad()
        assert_same(ours, theirs, 3 * draw(*shape, seed=20 + training) + 2)


def test_layer_norm_over_positions_is_that_of_torch_over_both_axes():
    x = draw(*POSITIONS)
    ours = LayerNorm(K, C, scale=False, shift=False)
    theirs = nn.LayerNorm([C, S], elementwise_affine=False)
    torch.testing.assert_close(ours(x), theirs(x), **EXACT)


@pytest.mark.parametrize("reference", [True, False])
def test_rms_norm_over_positions_is_that_of_torch_over_both_axes(reference):
    x = draw(*POSITIONS)
    ours = RMSNorm(K, C, scale=False, reference=reference)
    theirs = nn.RMSNorm([C, S], eps=1e-5, elementwise_affine=False)
    torch.testing.assert_close(ours(x), theirs(x), **EXACT)


def test_rms_norm_keeps_the_mean_and_learns_no_offset():
    layer = RMSNorm(1, C, shift=True).double()
    x = draw(1, N, C) + 5
    assert layer.beta is None and (layer(x).mean(dim=2) > 0.5).all()
    torch.testing.assert_close(layer(3 * x), layer(x), rtol=1e-6, atol=0)


def test_epsilon_is_inside_the_square_root():
    x = draw(*VECTORS) * 1e-3
    for epsilon in (1e-8, 1e-2):
        ours = LayerNorm(K, C, epsilon=epsilon).double()
        torch.testing.assert_close(ours(x), nn.LayerNorm(C, epsilon).double()(x), **EXACT)


@pytest.mark.parametrize("shape", [VECTORS, POSITIONS])
@pytest.mark.parametrize("reference", [True, False])
@pytest.mark.parametrize("momentum", [0.1, 0.0, 1.0, None])
@pytest.mark.parametrize("ghost_size", [2, 5, 3, 4, 7, 10, 64])
def test_ghost_norm_is_torchs_batch_norm_on_each_chunk(ghost_size, momentum, reference, shape):
    """10 examples in 2s or 5s come out even; 3, 3, 4 and 4, 6: the rest joins the last."""
    chunks = {3: [3, 3, 4], 4: [4, 6], 7: [10], 64: [10]}.get(
        ghost_size, [ghost_size] * (N // ghost_size)
    )
    settings = {"momentum": momentum, "reference": reference, "ghost_size": ghost_size}
    ours = learned(GhostBatchNorm(K, C, **settings))
    theirs = with_same_parameters(ours, lambda: nn.BatchNorm1d(C, momentum=momentum))

    class Chunked(nn.Module):
        def __init__(self, layer: nn.Module) -> None:
            super().__init__()
            self.layer = layer
            self.weight, self.bias = layer.weight, layer.bias

        def forward(self, x: Tensor) -> Tensor:
            sizes = chunks if self.training else [N]
            return torch.cat([self.layer(part) for part in x.split(sizes)])

    chunked: list[nn.Module] = [Chunked(layer) for layer in theirs]
    for batch, training in enumerate((True, True, False)):
        ours.train(training)
        for layer in chunked:
            layer.train(training)
            layer.zero_grad()
        assert_same(ours, chunked, 3 * draw(*shape, seed=30 + batch) + 2)
        for name, buffer in (("running_mean", "running_mean"), ("running_variance", "running_var")):
            expected = torch.stack([getattr(layer, buffer) for layer in theirs])
            torch.testing.assert_close(getattr(ours, name), expected, **EXACT)


def test_a_ghost_batch_of_one_puts_out_beta():
    layer = learned(GhostBatchNorm(K, C, ghost_size=1))
    assert layer.beta is not None
    expected = layer.beta.detach().unsqueeze(1).expand(*VECTORS)
    torch.testing.assert_close(layer(draw(*VECTORS)).detach(), expected, **EXACT)


def test_instance_norm_of_vectors_puts_out_beta_and_passes_no_gradient():
    layer = learned(InstanceNorm(K, C))
    x = draw(*VECTORS).requires_grad_()
    output = layer(x)
    weighted(output).backward()
    assert layer.beta is not None and x.grad is not None
    torch.testing.assert_close(output[:, 0], layer.beta, **EXACT)
    torch.testing.assert_close(output[:, 7], layer.beta, **EXACT)
    assert not x.grad.any()


@pytest.mark.parametrize("make", [LayerNorm, GroupNorm, InstanceNorm, RMSNorm])
@pytest.mark.parametrize("training", [True, False])
def test_an_example_does_not_see_its_batch(make, training):
    layer = make(2, 16).train(training)
    x = torch.randn(2, 9, 16, 3, generator=torch.Generator().manual_seed(1))
    whole = layer(x)
    for n in range(9):
        assert torch.equal(layer(x[:, n : n + 1])[:, 0], whole[:, n])


def test_one_group_is_layer_norm_and_as_many_as_units_instance_norm():
    x = draw(*POSITIONS)
    assert torch.equal(GroupNorm(K, C, groups=1)(x), LayerNorm(K, C)(x))
    assert torch.equal(GroupNorm(K, C, groups=C)(x), InstanceNorm(K, C)(x))


def test_groups_of_two_units_leave_only_signs():
    x = draw(*VECTORS)
    xhat = GroupNorm(K, C, groups=C // 2, epsilon=1e-14)(x)
    torch.testing.assert_close(xhat.abs(), torch.ones_like(xhat), rtol=1e-6, atol=0)


def test_groups_that_do_not_divide_the_units_are_refused_at_once():
    with pytest.raises(ValueError, match="6 units cannot be split into 4"):
        GroupNorm(K, C, groups=4)


@pytest.mark.parametrize("kind", ["batch", "layer", "group", "instance", "ghost", "renorm"])
def test_gamma_and_beta_begin_as_the_config_says_where_they_are_learned(kind):
    settings = {"normalization": kind, "initial_gamma": 0.1, "initial_beta": -0.5, "groups": 2}
    layer = normalization(Config(**settings), 6)
    assert layer is not None and layer.gamma is not None and layer.beta is not None
    assert (layer.gamma == 0.1).all() and (layer.beta == -0.5).all()
    bare = normalization(Config(**settings, bn_scale=False, bn_shift=False), 6)
    assert bare is not None and bare.gamma is None and bare.beta is None
