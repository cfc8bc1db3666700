"""Residual blocks: their parity with torch's own modules, SkipInit and zero-gamma."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bn_core.comparison import ARMS, Comparison, comparison_from_query
from bn_core.config import Config
from bn_core.net_shapes import layer_shapes
from bn_core.nets import Net, build
from bn_core.normalization import BatchNorm
from bn_core.training import Trainer, run
from tests.reference import draw

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
STARTS = ("full", "skipinit", "zero_gamma")


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


def torch_net(config: Config) -> nn.Module:
    """Return one net of ``SMALL``: a convolution, a block and a pool, a wider block, the mean."""
    first, second, third = config.blocks
    norm = config.normalizes(0)
    before = config.placement == "before"
    stem: list[nn.Module] = [nn.Tanh()]
    stem.insert(0 if before else 1, nn.BatchNorm2d(first, config.bn_epsilon) if norm else nn.Tanh())
    last: list[nn.Module] = [nn.Tanh()]
    last.insert(0 if before else 1, nn.BatchNorm2d(third, config.bn_epsilon) if norm else nn.Tanh())
    if not norm:
        del stem[1], last[1]
    return nn.Sequential(
        nn.Unflatten(1, IMAGE),
        nn.Conv2d(IMAGE[0], first, 3, padding=1, bias=not (norm and before)),
        *stem,
        Block(config, 1, first, second),
        nn.MaxPool2d(2),
        Block(config, 2, second, third),
        *last,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(third, CLASSES),
    ).double()


@torch.no_grad()
def copied(net: Net, config: Config, replica: int) -> nn.Module:
    """Return torch's net with the numbers that one replica has now."""
    made = torch_net(config)
    linears = [m for m in made.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    for ours, theirs in zip(net.linears, linears, strict=True):
        weight = ours.weight[replica]
        theirs.weight.copy_(weight if weight.dim() == 4 else weight.T)
        assert (ours.bias is None) == (theirs.bias is None)
        if ours.bias is not None and theirs.bias is not None:
            theirs.bias.copy_(ours.bias[replica].flatten())
    norms = [m for m in made.modules() if isinstance(m, nn.BatchNorm2d)]
    for ours, theirs in zip(net.norms, norms, strict=True):
        assert ours.gamma is not None and ours.beta is not None
        theirs.weight.copy_(ours.gamma[replica])
        theirs.bias.copy_(ours.beta[replica])
    scales = [layer.scale.alpha for layer in net.hidden if layer.scale is not None]
    blocks = [m for m in made.modules() if isinstance(m, Block) and m.alpha is not None]
    for ours, block in zip(scales, blocks, strict=True):
        assert block.alpha is not None
        block.alpha.copy_(ours[replica])
    return made


def stirred(config: Config) -> Net:
    """Return a net in float64 whose parameters are not those of the start, none of them zero."""
    net = build(config, IMAGE, CLASSES).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in net.parameters():
            noise = torch.rand(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(0.3 * noise + 0.05)
    return net


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("arm", ["none", "before", "after"])
def test_every_replica_computes_and_learns_as_torchs_modules_do(arm, start):
    config = ARMS[arm].config(SMALL.changed({"branch_start": start}))
    net = stirred(config)
    theirs = [copied(net, config, replica) for replica in range(K)]
    x, labels = draw(K, N, 128), torch.arange(N) % CLASSES
    logits = net(x)
    expected = torch.stack([other(x[k]) for k, other in enumerate(theirs)])
    torch.testing.assert_close(logits, expected, rtol=1e-11, atol=1e-12)
    for values in (logits, expected):
        sum(functional.cross_entropy(one, labels) for one in values).backward()
    ours = [sum(p.grad.flatten(1).square().sum(1)) for p in ()]
    for k, other in enumerate(theirs):
        found, wanted = gradients_of(net, k), gradients_of_torch(other)
        assert len(found) == len(wanted) and not ours
        for one, two in zip(found, wanted, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-11)
            assert two.abs().sum() > 0
    for ours_norm, index in zip(net.norms, range(len(net.norms)), strict=True):
        assert isinstance(ours_norm, BatchNorm)
        for k, other in enumerate(theirs):
            norm = [m for m in other.modules() if isinstance(m, nn.BatchNorm2d)][index]
            mean, variance = (average[k] for average in ours_norm.averages)
            torch.testing.assert_close(mean, norm.running_mean, rtol=1e-10, atol=1e-11)
            torch.testing.assert_close(variance, norm.running_var, rtol=1e-10, atol=1e-11)
