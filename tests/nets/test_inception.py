"""Inception blocks: their parity with torch's own convolutions, and what is announced of them."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bn_core.comparison import ARMS, Comparison, comparison_from_query
from bn_core.config import Config
from bn_core.net_shapes import inception_channels, layer_shapes
from bn_core.nets import build
from bn_core.nets.inception import Inception, inception
from bn_core.normalization.weight_norm import WeightNorm
from bn_core.training import Trainer, run

K, N = 2, 5
SMALL = Config(
    architecture="inception", channels=(3, 9, 8), initialization="he", replicas=K, seed=5
)
CLOSE: dict[str, Any] = {"rtol": 1e-11, "atol": 1e-12}


def torch_branches(ours: Inception, replica: int) -> list[nn.Sequential]:
    """Return the four branches of one replica as torch's modules."""
    made: list[nn.Sequential] = []
    sizes = [weight.shape[1] for weight in ours.branches]
    biases = None if ours.bias is None else ours.bias[replica, 0].split(sizes)
    for branch, weight in enumerate(ours.branches):
        outputs, inputs, kernel, _ = weight[replica].shape
        conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=biases is not None)
        with torch.no_grad():
            conv.weight.copy_(weight[replica])
            if biases is not None and conv.bias is not None:
                conv.bias.copy_(biases[branch])
        pool = [nn.MaxPool2d(3, stride=1, padding=1)] if branch == 3 else []
        made.append(nn.Sequential(*pool, conv).double())
    return made


def bias_gradient(branch: nn.Sequential) -> Tensor:
    conv = branch[-1]
    assert isinstance(conv, nn.Conv2d) and conv.bias is not None and conv.bias.grad is not None
    return conv.bias.grad


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("initialization", ["torch", "he"])
def test_each_branch_computes_and_learns_as_torchs_convolution_does(bias, initialization):
    config = SMALL.changed({"initialization": initialization})
    ours = inception(config, 1, 3, 9, bias=bias).double()
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(K, N, 3, 6, 5, generator=generator, dtype=torch.float64)
    weights = torch.randn(N, 9, 6, 5, generator=generator, dtype=torch.float64)
    y = ours(x)
    (y * weights).sum().backward()
    assert [b.shape[1] for b in ours.branches] == list(inception_channels(9)) == [2, 5, 1, 1]
    place = 0
    for branch, part in enumerate(ours.branches):
        count = part[0].numel()
        for k in range(K):
            theirs = torch_branches(ours, k)
            expected = torch.cat([one(x[k]) for one in theirs], dim=1)
            torch.testing.assert_close(y[k], expected, **CLOSE)
            (expected * weights).sum().backward()
            conv = theirs[branch][-1]
            assert isinstance(conv, nn.Conv2d)
            assert ours.weight.grad is not None
            found = ours.weight.grad[k, place : place + count].view(conv.weight.shape)
            torch.testing.assert_close(found, conv.weight.grad, **CLOSE)
            if ours.bias is not None:
                assert ours.bias.grad is not None
                wanted = torch.cat([bias_gradient(one) for one in theirs])
                torch.testing.assert_close(ours.bias.grad[k, 0], wanted, **CLOSE)
        place += count
    assert place == ours.weight.shape[1]


def test_a_branch_begins_like_a_convolution_of_its_own_size():
    ours = inception(SMALL.changed({"replicas": 1}), 1, 64, 128)
    for weight in ours.branches:
        fan_in = weight[0, 0].numel()
        assert weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.1)
    one, _, _, behind_pool = ours.branches
    assert not torch.equal(one[0, : behind_pool.shape[1]], behind_pool[0])


def test_a_norm_behind_the_block_is_that_of_each_branch_by_itself():
    """Ioffe & Szegedy 2015: batch norm is by channel: where they are joined does not matter."""
    config = ARMS["before"].config(SMALL)
    block = build(config, (1, 8, 8), 10).double().hidden[1]
    assert isinstance(block.linear, Inception) and block.linear.bias is None and block.norm
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(K, N, 3, 8, 8, generator=generator, dtype=torch.float64)
    found = block.norm(block.linear(x))
    for k in range(K):
        parts = [branch(x[k]) for branch in torch_branches(block.linear, k)]
        apart = [functional.batch_norm(part, None, None, training=True) for part in parts]
        torch.testing.assert_close(found[k], torch.cat(apart, dim=1), **CLOSE)


def test_weight_norm_is_of_each_output_of_each_branch():
    config = ARMS["weightnorm"].config(SMALL)
    block = build(config, (1, 8, 8), 10).double().hidden[1].linear
    assert isinstance(block, Inception) and len(block.of_branches) == 4
    x = torch.randn(K, N, 3, 8, 8, generator=torch.Generator().manual_seed(3)).double()
    with torch.no_grad():
        for one, weight in zip(block.of_branches, block.branches, strict=True):
            assert isinstance(one, WeightNorm)
            one.length.copy_(weight.flatten(2).norm(dim=2)[..., None, None, None])
    first = block(x)
    plain = Inception([branch.detach() for branch in block.branches], block.bias)
    torch.testing.assert_close(first, plain(x), **CLOSE)
    with torch.no_grad():
        block.weight.mul_(10.0)  # the direction alone counts
    torch.testing.assert_close(block(x), first, **CLOSE)


def test_the_shapes_that_are_announced_are_those_of_the_net():
    config = SMALL.changed({"channels": (4, 8, 12), "dense": (6,)})
    net = build(config, (1, 8, 8), 10)
    shapes = layer_shapes(config)
    assert [shape.kind for shape in shapes] == ["conv", *["inception"] * 2, *["linear"] * 2]
    assert [shape.pooled for shape in shapes] == [True, True, False, False, False]
    assert [linear.units for linear in net.linears] == [shape.units for shape in shapes]
    sizes = [linear.weight[0].numel() for linear in net.linears]
    assert sizes == [shape.weights for shape in shapes]
    assert [layer.positions for layer in net.outline] == [shape.positions for shape in shapes]


def test_too_few_channels_are_refused_with_what_to_choose():
    assert "4 channels or more" in Comparison(SMALL.changed({"channels": (1, 3)})).problem()
    assert not Comparison(SMALL.changed({"channels": (1, 4)})).problem()
    comparison, complaints = comparison_from_query({"arch": "inception", "channels": "8-2"})
    assert not comparison.problem() and len(complaints) == 1


def test_a_run_measures_each_block_and_a_replica_trains_as_its_seed_alone():
    changes = {"steps": 3, "batch_size": 16, "normalization": "batch"}
    comparison = Comparison(SMALL.changed(changes), (ARMS["none"], ARMS["after"]))
    record = run(comparison)
    assert record.fingerprint() == run(comparison).fingerprint()
    for arm in record.snapshots[-1].arms:
        assert arm is not None
        assert arm.gradient_norm.shape == (K, 4) and (arm.gradient_norm > 0).all()
        assert arm.feature_maps.shape[0] == 3
    together, single = (
        Trainer(SMALL.changed({**changes, **one})) for one in ({}, {"replicas": 1, "seed": 6})
    )
    single.dataset = together.dataset
    inputs, labels = together.batches.next()
    for _ in range(3):
        found, expected = together.step((inputs, labels)), single.step((inputs[1:], labels[1:]))
        torch.testing.assert_close(found[1:], expected, rtol=1e-5, atol=1e-6)
