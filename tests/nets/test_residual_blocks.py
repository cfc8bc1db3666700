"""Residual blocks: their parity with torch's own modules, SkipInit and zero-gamma."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bn_core.comparison import ARMS, Comparison, arms_from_query, comparison_from_query
from bn_core.config import Config
from bn_core.net_shapes import layer_shapes
from bn_core.nets import Net, build
from bn_core.nets.layers import BranchScale
from bn_core.normalization import BatchNorm
from bn_core.training import Trainer, run

K, N, IMAGE, CLASSES = 2, 5, (2, 8, 8), 4
SMALL = Config(
    architecture="conv_residual",
    channels=(3, 3, 5),
    activation="tanh",
    initialization="he",
    replicas=K,
    seed=5,
    bn_epsilon=1e-3,
)
CLOSE: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-11}
STARTS = ("full", "skipinit", "zero_gamma")


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


class Block(nn.Module):
    """A residual block of torch's modules in pre-activation order."""

    def __init__(self, config: Config, index: int, inputs: int, outputs: int) -> None:
        super().__init__()
        normalized, start = config.normalizes(index), config.branch_start
        before = config.placement_of(index) == "before"
        ends_with_norm = normalized and start == "zero_gamma" and before
        units = outputs if ends_with_norm else inputs
        self.norm = nn.BatchNorm2d(units, config.bn_epsilon) if normalized else nn.Identity()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=not ends_with_norm)
        self.alpha = nn.Parameter(torch.zeros(())) if start == "skipinit" else None
        self.before, self.ends_with_norm = before, ends_with_norm
        self.lacking = outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        if self.ends_with_norm:
            y = self.norm(self.conv(x.tanh()))
        elif self.before:
            y = self.conv(self.norm(x).tanh())
        else:
            y = self.conv(self.norm(x.tanh()))
        if self.alpha is not None:
            y = self.alpha * y
        return functional.pad(x, (0, 0, 0, 0, 0, self.lacking)) + y


def norm_and_tanh(config: Config, units: int) -> list[nn.Module]:
    """Return norm and activation in the config's order; it normalizes every layer or none."""
    if config.normalization == "none":
        return [nn.Tanh()]
    both: list[nn.Module] = [nn.BatchNorm2d(units, config.bn_epsilon), nn.Tanh()]
    return both if config.placement == "before" else both[::-1]


def torch_net(config: Config) -> nn.Module:
    """Return one net of ``SMALL``: a convolution, a block and a pool, a wider block, the mean."""
    first, second, third = config.blocks
    subtracted = config.normalizes(0) and config.placement == "before"
    return nn.Sequential(
        nn.Unflatten(1, IMAGE),
        nn.Conv2d(IMAGE[0], first, 3, padding=1, bias=not subtracted),
        *norm_and_tanh(config, first),
        Block(config, 1, first, second),
        nn.MaxPool2d(2),
        Block(config, 2, second, third),
        *norm_and_tanh(config, third),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(third, CLASSES),
    ).double()


def pairs(net: Net, made: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each parameter of the app's net, (K, ...), with that of torch's net."""
    modules = list(made.modules())
    linears = [m for m in modules if isinstance(m, nn.Linear | nn.Conv2d)]
    for ours, theirs in zip(net.linears, linears, strict=True):
        yield ours.weight, theirs.weight
        assert (ours.bias is None) == (theirs.bias is None)
        if ours.bias is not None and theirs.bias is not None:
            yield ours.bias, theirs.bias
    norms = [m for m in modules if isinstance(m, nn.BatchNorm2d)]
    for ours, theirs in zip(net.norms, norms, strict=True):
        assert ours.flat_gamma is not None and ours.flat_beta is not None
        yield ours.flat_gamma, theirs.weight
        yield ours.flat_beta, theirs.bias
    scales = [layer.scale for layer in net.hidden if isinstance(layer.scale, BranchScale)]
    alphas = [m.alpha for m in modules if isinstance(m, Block) and m.alpha is not None]
    for ours, theirs in zip(scales, alphas, strict=True):
        yield ours.alpha, theirs


def of_replica(values: Tensor, replica: int, like: Tensor) -> Tensor:
    """Return one replica's part of values (K, ...), or (K C,), in the shape that torch has."""
    one = values.view(K, -1)[replica]
    if like.dim() == 2:  # a linear map's weights, which torch has the other way round
        return one.view(like.shape[::-1]).T
    return one.view(like.shape)


def stirred(config: Config) -> Net:
    """Return a net in float64 whose parameters are not those of the start, and hardly any zero."""
    net = build(config, IMAGE, CLASSES).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in net.parameters():
            noise = torch.rand(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(0.3 * noise + 0.05)
    return net


def copies(net: Net, config: Config) -> list[nn.Module]:
    """Return torch's nets with the numbers that the replicas have."""
    made = [torch_net(config) for _ in range(K)]
    with torch.no_grad():
        for replica, other in enumerate(made):
            for ours, theirs in pairs(net, other):
                theirs.copy_(of_replica(ours, replica, theirs))
    return made


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("arm", ["none", "before", "after"])
def test_every_replica_computes_learns_and_remembers_as_torchs_modules_do(arm, start):
    config = ARMS[arm].config(SMALL.changed({"branch_start": start}))
    net = stirred(config)
    theirs = copies(net, config)
    x, labels = draw(K, N, 128), torch.arange(N) % CLASSES
    logits = net(x)
    expected = torch.stack([other(x[k]) for k, other in enumerate(theirs)])
    torch.testing.assert_close(logits, expected, rtol=1e-11, atol=1e-12)
    for values in (logits, expected):
        torch.stack([functional.cross_entropy(one, labels) for one in values]).sum().backward()
    for k, other in enumerate(theirs):
        for ours, one in pairs(net, other):
            assert ours.grad is not None and one.grad is not None
            torch.testing.assert_close(of_replica(ours.grad, k, one), one.grad, **CLOSE)
        norms = [m for m in other.modules() if isinstance(m, nn.BatchNorm2d)]
        for ours, one in zip(net.norms, norms, strict=True):
            assert isinstance(ours, BatchNorm)
            mean, variance = (average[k] for average in ours.averages)
            torch.testing.assert_close(mean, one.running_mean, **CLOSE)
            torch.testing.assert_close(variance, one.running_var, **CLOSE)


@pytest.mark.parametrize("architecture", ["residual", "conv_residual"])
@pytest.mark.parametrize(("arm", "start"), [("none", "skipinit"), ("before", "zero_gamma")])
def test_blocks_begin_as_the_identity_and_every_part_of_them_learns(architecture, arm, start):
    changes = {"architecture": architecture, "branch_start": start, "depth": 3, "width": 8}
    config = ARMS[arm].config(SMALL.changed({**changes, "activation": "relu", "channels": (3, 3)}))
    trainer = Trainer(config)
    first = {name: value.clone() for name, value in trainer.net.named_parameters()}
    x = draw(K, N, trainer.net.hidden[1].linear.units, *trainer.net.hidden[1].positions).float()
    for block in trainer.net.hidden[1:]:
        assert torch.equal(block(x), x)
    for _ in range(3):
        trainer.step()
    unmoved = [n for n, value in trainer.net.named_parameters() if torch.equal(value, first[n])]
    assert not unmoved


@pytest.mark.slow
def test_skipinit_trains_a_depth_and_a_rate_that_a_plain_residual_net_does_not_survive():
    """De & Smith 2020 (2002.10444): the blocks' start is what batch norm gives a residual net."""
    base = Config(architecture="residual", depth=20, initialization="he", steps=60, replicas=2)
    arms, complaints = arms_from_query("none~none;branch:skipinit~before;branch:zero_gamma")
    record = run(Comparison(base.changed({"learning_rate": 0.1}), arms))
    assert not complaints
    plain, skipinit, zero_gamma = record.train_loss[-1]
    assert not (plain < 2).any()
    assert (skipinit < 1).all() and (zero_gamma < 1).all()


def test_the_shapes_that_are_announced_are_those_of_the_net():
    config = SMALL.changed({"channels": (4, 4, 6, 6, 8, 8)})
    net = build(config, (1, 8, 8), 10)
    shapes = layer_shapes(config)
    assert [shape.pooled for shape in shapes] == [False, True, False, True, False, False, False]
    assert [shape.positions for shape in shapes][1:5] == [(8, 8), (4, 4), (4, 4), (2, 2)]
    assert [linear.units for linear in net.linears] == [shape.units for shape in shapes]
    sizes = [linear.weight[0].numel() for linear in net.linears]
    assert sizes == [shape.weights for shape in shapes]
    assert [layer.positions for layer in net.outline] == [shape.positions for shape in shapes]


def test_channels_that_become_fewer_are_refused_with_what_to_choose():
    query = {"arch": "conv_residual", "channels": "8-4"}
    assert "never become fewer" in Comparison(SMALL.changed({"channels": (8, 4)})).problem()
    comparison, complaints = comparison_from_query(query)
    assert comparison.problem() == "" and len(complaints) == 1


def test_a_run_is_repeated_bit_for_bit_and_a_replica_trains_as_its_seed_alone():
    changes = {"steps": 4, "batch_size": 16, "branch_start": "skipinit", "normalization": "batch"}
    comparison = Comparison(SMALL.changed(changes))
    assert run(comparison).fingerprint() == run(comparison).fingerprint()
    together, single = (
        Trainer(SMALL.changed({**changes, **one})) for one in ({}, {"replicas": 1, "seed": 6})
    )
    single.dataset = together.dataset
    inputs, labels = together.batches.next()
    for _ in range(3):
        torch.testing.assert_close(
            together.step((inputs, labels))[1:],
            single.step((inputs[1:], labels[1:])),
            rtol=1e-5,
            atol=1e-6,
        )
