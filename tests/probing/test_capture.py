"""Capturing what passes through modules, and leaving no trace."""

import pytest
import torch
from torch import nn

from bn_core.config import Config
from bn_core.nets import build
from bn_core.probing import capture, captured_each, captured_inputs, captured_outputs

CONFIG = Config(depth=3, width=8, normalization="batch", replicas=2)


def inputs(seed: int = 0) -> torch.Tensor:
    return torch.randn(2, 10, 64, generator=torch.Generator().manual_seed(seed))


def hooks_of(net: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in net.modules())


def test_inputs_and_outputs_are_those_of_the_module_for_each_pass():
    net = build(CONFIG, (64,), 10)
    first = net.hidden[0].linear
    with captured_inputs(first) as entered, captured_outputs(first) as left:
        for seed in (1, 2):
            net(inputs(seed))
    for seed, (x, y) in enumerate(zip(entered, left, strict=True), start=1):
        assert torch.equal(x, inputs(seed)) and torch.equal(y, first(inputs(seed)))
        assert not x.requires_grad and not y.requires_grad
    net(inputs())
    assert len(entered) == len(left) == 2 and hooks_of(net) == 0


def test_each_module_is_reduced_by_itself_in_the_order_asked_for():
    net = build(CONFIG, (64,), 10)
    with captured_each(reversed(net.norms), lambda values: values.mean()) as found:
        net(inputs())
    with captured_inputs(net.norms[0]) as first:
        net(inputs())
    assert [len(one) for one in found] == [1, 1, 1]
    assert torch.equal(found[2][0], first[0].mean())


def test_hooks_go_when_the_block_ends_by_an_error():
    net = build(CONFIG, (64,), 10)
    received = []
    with pytest.raises(RuntimeError), capture((net.output, lambda x, y: received.append(x))):
        net(inputs())
        net(inputs()[:, :, :5])
    assert len(received) == 1 and hooks_of(net) == 0
