"""The nets: each replica computes as an ordinary torch net would, and begins as it should."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bn_core.comparison import ARMS, Comparison
from bn_core.config import SETTINGS, Config
from bn_core.nets import Dropout, Net, build
from bn_core.randomness import generator
from bn_core.training import run
from tests.reference import torch_net

SMALL = Config(depth=3, width=16, replicas=3, seed=5)
THREE = ("none", "before", "after")


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def net_of(arm: str, **changes) -> tuple[Net, Config]:
    config = ARMS[arm].config(SMALL.changed(changes))
    return build(config, (4,), 3), config


@pytest.mark.parametrize("activation", list(SETTINGS["activation"].options))
@pytest.mark.parametrize("arm", THREE)
def test_every_replica_computes_as_a_net_of_torch_does(arm, activation):
    net, config = net_of(arm, activation=activation, bn_epsilon=1e-3, bn_momentum=0.3)
    net.double()
    theirs = [torch_net(net, config, k) for k in range(3)]
    for batch in range(2):
        x = draw(3, 10, 4, seed=batch)
        expected = torch.stack([other(x[k]) for k, other in enumerate(theirs)])
        torch.testing.assert_close(net(x), expected, rtol=1e-10, atol=1e-12)
    net(draw(3, 10, 4, seed=7)).square().sum().backward()
    for k, other in enumerate(theirs):
        other(draw(3, 10, 4, seed=7)[k]).square().sum().backward()
        linears = [module for module in other if isinstance(module, torch.nn.Linear)]
        for ours, linear in zip(net.linears, linears, strict=True):
            assert ours.weight.grad is not None and linear.weight.grad is not None
            found = ours.weight.grad[k].T
            torch.testing.assert_close(found, linear.weight.grad, rtol=1e-7, atol=1e-9)
    net.eval()
    expected = torch.stack([other.eval()(x[k]) for k, other in enumerate(theirs)])
    torch.testing.assert_close(net(x), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("arm", list(ARMS))
@pytest.mark.parametrize("initialization", list(SETTINGS["initialization"].options))
def test_arms_share_every_weight_they_both_have(arm, initialization):
    plain, _ = net_of("none", initialization=initialization)
    other, _ = net_of(arm, initialization=initialization)
    for one, two in zip(plain.linears, other.linears, strict=True):
        assert torch.equal(one.weight, two.weight)
        assert one.bias is not None
        if two.bias is not None:
            assert torch.equal(one.bias, two.bias)


@pytest.mark.parametrize("initialization", list(SETTINGS["initialization"].options))
def test_a_replica_begins_as_its_seed_alone(initialization):
    together, _ = net_of("none", initialization=initialization)
    for k in range(3):
        alone, _ = net_of("none", initialization=initialization, replicas=1, seed=5 + k)
        for one, other in zip(together.linears, alone.linears, strict=True):
            assert torch.equal(one.weight[k], other.weight[0])
            assert one.bias is not None and other.bias is not None
            assert torch.equal(one.bias[k], other.bias[0])


def test_no_two_layers_or_replicas_begin_alike():
    net, _ = net_of("none", width=4, depth=4)
    square = [linear.weight[k].flatten() for linear in net.linears[:4] for k in range(3)]
    assert len(torch.unique(torch.stack(square), dim=0)) == 12


@pytest.mark.parametrize(
    ("initialization", "rule"),
    [
        ("he", lambda inputs, outputs: np.sqrt(2 / inputs)),
        ("xavier", lambda inputs, outputs: np.sqrt(2 / (inputs + outputs))),
        ("torch", lambda inputs, outputs: 1 / np.sqrt(3 * inputs)),
        ("normal", lambda inputs, outputs: 0.07),
    ],
)
@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_initial_weights_have_the_spread_of_their_rule(initialization, rule, gain):
    net, _ = net_of("none", initialization=initialization, width=200, init_std=0.07, gain=gain)
    first, weights = (net.linears[index].weight.detach() for index in (0, 1))
    assert first.std().item() == pytest.approx(rule(4, 200) * gain, rel=0.08)
    std = rule(200, 200)
    assert weights.mean().abs() < 4 * std * gain / np.sqrt(weights.numel())
    assert weights.std().item() == pytest.approx(std * gain, rel=0.02)
    uniform = initialization == "torch"
    share_beyond = (weights.abs() > np.sqrt(3) * std * gain * (1 + 1e-5)).float().mean().item()
    assert share_beyond == pytest.approx(0.0 if uniform else 0.0833, abs=0.003)
    biases = net.linears[1].bias
    assert biases is not None
    assert biases.abs().max() <= 1 / np.sqrt(200) if uniform else not biases.any()
    assert biases.any() or not uniform


@pytest.mark.parametrize(
    "settings",
    [
        {"width": 50},
        {"architecture": "conv", "channels": (4, 50)},
        {"architecture": "recurrent", "cell": "lstm", "width": 20},
    ],
)
def test_orthogonal_weights_are_those_that_torch_draws_times_the_gain(settings):
    config = Config(initialization="orthogonal", gain=0.5, replicas=2, seed=4, **settings)
    net = build(config, (1, 8, 8), 10)
    for index, linear in enumerate(net.linears[:2]):
        for k, ours in enumerate(linear.weight.detach()):
            shape = ours.shape if ours.ndim == 4 else ours.T.shape
            draw = generator(4 + k, "weights", index)
            theirs = nn.init.orthogonal_(torch.empty(shape), gain=0.5, generator=draw)
            torch.testing.assert_close(ours if ours.ndim == 4 else ours.T, theirs)
            rows = theirs.flatten(1).double()
            rows = rows if len(rows) <= rows.shape[1] else rows.T
            torch.testing.assert_close(rows @ rows.T, torch.eye(len(rows)).double() / 4)


@pytest.mark.parametrize("arm", THREE)
def test_a_bias_is_left_out_only_where_batch_norm_would_subtract_it_again(arm):
    net, _ = net_of(arm)
    assert [layer.linear.bias is None for layer in net.hidden] == [arm == "before"] * 3
    assert net.output.linear.bias is not None


@pytest.mark.parametrize("arm", THREE)
@pytest.mark.parametrize("depth", [1, 2, 20])
def test_the_net_has_the_layers_it_was_asked_for(arm, depth):
    net, _ = net_of(arm, depth=depth)
    assert len(net.hidden) == depth and len(net.linears) == depth + 1
    assert len(net.norms) == (0 if arm == "none" else depth)
    assert net(draw(3, 5, 4).float()).shape == (3, 5, 3)


@pytest.mark.parametrize("arm", list(ARMS))
def test_replicas_do_not_reach_each_other(arm):
    net, _ = net_of(arm, dropout=0.2)
    x = draw(3, 12, 4).float().requires_grad_()
    net(x)[1].square().sum().backward()
    assert x.grad is not None and not x.grad[0].any() and not x.grad[2].any()
    reached = set()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None
        first, second, third = parameter.grad.view(3, -1)
        assert not first.any() and not third.any(), name
        reached |= {name} if second.any() else set()
    assert (
        "output.linear.bias" in reached
    )  # all that instance norm leaves, which makes vectors zero
    assert "output.linear.weight" in reached or arm == "instance"


def test_dropout_zeroes_its_share_and_keeps_the_mean():
    layer = Dropout(0.3, [generator(k, "dropout", 0) for k in range(2)])
    x = torch.ones(2, 400, 100)
    y = layer(x)
    assert torch.equal(torch.unique(y), torch.tensor([0.0, 1 / 0.7]))
    np.testing.assert_allclose((y == 0).float().mean((1, 2)), 0.3, atol=0.01)
    assert not torch.equal(y[0], y[1])
    assert not torch.equal(layer(x), y)
    layer.eval()
    assert layer(x) is x


def test_a_replicas_dropout_does_not_depend_on_its_neighbours():
    together = Dropout(0.5, [generator(k, "dropout", 1) for k in (3, 4, 5)])
    alone = Dropout(0.5, [generator(4, "dropout", 1)])
    for _ in range(3):
        assert torch.equal(together(torch.ones(3, 8, 8))[1], alone(torch.ones(1, 8, 8))[0])


@pytest.mark.parametrize("arm", THREE)
def test_a_residual_net_adds_each_branch_to_its_input(arm):
    net, _ = net_of(arm, architecture="residual", bn_epsilon=1e-3)
    net.double()
    x = draw(3, 10, 4)

    def normed(values: Tensor) -> Tensor:
        mean = values.mean(dim=1, keepdim=True)
        variance = values.var(dim=1, keepdim=True, correction=0)
        return (values - mean) / (variance + 1e-3).sqrt()

    def activated(values: Tensor) -> Tensor:
        if arm == "none":
            return values.relu()
        return normed(values).relu() if arm == "before" else normed(values.relu())

    first, *blocks = net.linears[:-1]
    stream = activated(x @ first.weight + (0 if first.bias is None else first.bias))
    for linear in blocks:
        assert linear.bias is not None  # no batch norm follows it
        stream = stream + activated(stream) @ linear.weight + linear.bias
    last = net.linears[-1]
    assert last.bias is not None
    expected = activated(stream) @ last.weight + last.bias
    torch.testing.assert_close(net(x), expected, rtol=1e-10, atol=1e-12)
    assert len(net.norms) == (0 if arm == "none" else 4)


def test_a_probe_sees_as_many_sites_in_a_residual_net_as_in_a_plain_one():
    for arm in THREE:
        config = ARMS[arm].config(SMALL.changed({"architecture": "residual", "steps": 2}))
        record = run(Comparison(config))
        snapshot = record.snapshots[-1].arms[0]
        assert snapshot is not None
        assert snapshot.mean.shape == (3, 3, 3) and snapshot.gradient_norm.shape == (3, 4)
