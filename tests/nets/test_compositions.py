"""Nets put together layer by layer: widths, chosen norms, extra modules, other activations."""

import pytest
import torch
from torch import nn

from bn_core.comparison import ARMS, Arm, Comparison
from bn_core.config import Config
from bn_core.nets import Layer, block, build, hidden_layer, linear_stem, mlp, output_layer
from bn_core.nets.net import Net
from bn_core.training import Trainer, run

SMALL = Config(depth=3, width=16, replicas=2, batch_size=16, seed=3)
THREE = ("none", "before", "after")


def inputs(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("arm", THREE)
def test_each_layer_has_the_width_it_was_given(arm):
    config = ARMS[arm].config(SMALL.changed({"widths": (32, 5, 12, 8)}))
    net = build(config, (64,), 10)
    shapes = [tuple(linear.weight.shape[1:]) for linear in net.linears]
    assert shapes == [(64, 32), (32, 5), (5, 12), (12, 8), (8, 10)]
    assert net(inputs(2, 6, 64)).shape == (2, 6, 10)
    assert config.depth == 4


def test_layers_of_one_width_are_the_layers_of_that_width():
    listed = build(SMALL.changed({"widths": (16, 16, 16)}), (64,), 10)
    usual = build(SMALL, (64,), 10)
    for one, other in zip(listed.parameters(), usual.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("architecture", ["plain", "residual"])
@pytest.mark.parametrize("arm", ["before", "after", "layer"])
def test_the_layers_that_were_chosen_are_normalized_and_the_rest_keep_their_bias(arm, architecture):
    changes = {"normalized_layers": (3, 1), "depth": 4, "architecture": architecture}
    net = build(ARMS[arm].config(SMALL.changed(changes)), (64,), 10)
    assert [layer.norm is not None for layer in net.hidden] == [True, False, True, False]
    assert net.output.norm is None
    if architecture == "plain":
        subtracted = arm == "before"
        biases = [layer.linear.bias is None for layer in net.hidden]
        assert biases == [subtracted, False, subtracted, False]
    every = build(ARMS[arm].config(SMALL.changed({"architecture": "residual"})), (64,), 10)
    assert every.output.norm is not None


def test_arms_may_differ_in_their_layers():
    arms = (
        Arm("wide", "wide", (("widths", (32, 8)), ("normalization", "batch"))),
        Arm("first", "first", (("normalization", "batch"), ("normalized_layers", (1,)))),
        Arm("deep", "deep", (("depth", 5),)),
    )
    record = run(Comparison(SMALL.changed({"steps": 3}), arms))
    for arm, layers in enumerate((2, 3, 5)):
        statistics = record.snapshots[-1].arms[arm]
        assert statistics is not None
        assert statistics.labels == tuple(f"layer {index + 1}" for index in range(layers))
        assert statistics.mean.shape == (2, 3, layers)
        assert statistics.gradient_norm.shape == (2, layers + 1)


class Doubling(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


@pytest.mark.parametrize("arm", THREE)
def test_a_module_of_ones_own_stands_in_front_of_each_activation(arm):
    config = ARMS[arm].config(SMALL)
    net = mlp(config, (64,), 10, extra=lambda index: Doubling())
    x = expected = inputs(2, 6, 64)
    for layer in net.hidden:
        expected = layer.linear(expected)
        if layer.norm is not None and layer.norm_first:
            expected = layer.norm(expected)
        expected = (2 * expected).relu()
        if layer.norm is not None and not layer.norm_first:
            expected = layer.norm(expected)
    torch.testing.assert_close(net(x), net.output(expected))


def test_a_net_without_activations_is_the_product_of_its_maps():
    net = mlp(SMALL, (64,), 10, widths=[16] * 24, activate=nn.Identity).double()
    assert len(net.hidden) == 24
    x = inputs(2, 6, 64).double()
    expected = x
    for linear in net.linears:
        assert linear.bias is not None
        expected = expected @ linear.weight + linear.bias
    torch.testing.assert_close(net(x), expected)
    assert [layer.label for layer in net.probed][-1] == "layer 24"


@pytest.mark.parametrize("arm", THREE)
def test_a_residual_net_of_any_depth_begins_with_a_linear_map(arm):
    config = ARMS[arm].config(SMALL)
    net = linear_stem(config, (64,), 10, blocks=30).double()
    stem, *blocks = net.hidden
    assert stem.norm is None and stem.activation is None and len(blocks) == 30
    assert len(net.probed) == 30 and all(one.shortcut for one in blocks)
    assert len(net.norms) == (0 if arm == "none" else 31)
    x = inputs(2, 6, 64).double()
    assert stem.linear.bias is not None
    torch.testing.assert_close(stem(x), x @ stem.linear.weight + stem.linear.bias)
    one = block(config, 1, 16).double()
    y = inputs(2, 6, 16).double()
    torch.testing.assert_close(one(y) - y, _branch(one, y))


def _branch(layer: Layer, y: torch.Tensor) -> torch.Tensor:
    assert layer.linear.bias is not None
    if layer.norm is not None and layer.norm_first:
        y = layer.norm(y)
    y = y.relu()
    if layer.norm is not None and not layer.norm_first:
        y = layer.norm(y)
    return y @ layer.linear.weight + layer.linear.bias


def test_layers_put_together_by_hand_are_a_net_that_trains():
    first = hidden_layer(SMALL, 0, 64, 12)
    second = hidden_layer(SMALL.changed({"normalization": "layer"}), 1, 12, 8, activate=nn.SiLU())
    net = Net(SMALL, (64,), [first, second], output_layer(SMALL, 2, 8, 10))
    assert [layer.norm is None for layer in net.hidden] == [True, False]
    trainer = Trainer(SMALL, net=net)
    losses = [trainer.step().mean() for _ in range(100)]
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])


@pytest.mark.parametrize("architecture", ["plain", "residual"])
def test_weight_decay_applies_to_weights_and_spares_the_rest(architecture):
    changes = {"weight_decay": 0.1, "architecture": architecture, "normalization": "batch"}
    trainer = Trainer(SMALL.changed(changes))
    decayed, spared = trainer.optimizer.param_groups
    assert {id(p) for p in decayed["params"]} == {id(p) for p in trainer.net.weights}
    assert decayed["weight_decay"] == 0.1 and spared["weight_decay"] == 0
    names = {name for name, p in trainer.net.named_parameters() if p in set(spared["params"])}
    assert all(name.split(".")[-1] in ("bias", "flat_gamma", "flat_beta") for name in names)
    everything = {id(p) for p in trainer.net.parameters()}
    assert {id(p) for p in decayed["params"] + spared["params"]} == everything


@pytest.mark.parametrize("placement", ["before", "after"])
def test_each_layers_norm_stands_where_its_own_place_says(placement):
    changes = {"normalization": "batch", "placement": placement, "moved_layers": (2, 3)}
    config = SMALL.changed({"depth": 4, "normalized_layers": (1, 2, 4), **changes})
    net = build(config, (64,), 10)
    before = [placement == "before", placement == "after", False, placement == "before"]
    assert [layer.norm_first for layer in net.hidden] == before
    assert [layer.linear.bias is None for layer in net.hidden] == before
    assert [config.placement_of(i) == "before" for i in (0, 1, 3)] == [before[i] for i in (0, 1, 3)]


def test_a_residual_nets_last_norm_stands_where_that_of_its_last_layer_does():
    changes = {"normalization": "batch", "architecture": "residual", "moved_layers": (3,)}
    net = build(SMALL.changed(changes), (64,), 10)
    assert [layer.norm_first for layer in (*net.hidden, net.output)] == [True, True, False, False]
    values = net(inputs(2, 6, 64))
    moved, usual = SMALL.changed(changes), SMALL.changed({**changes, "moved_layers": ()})
    assert not torch.equal(values, build(usual, (64,), 10)(inputs(2, 6, 64)))
    assert torch.equal(values, build(moved, (64,), 10)(inputs(2, 6, 64)))
