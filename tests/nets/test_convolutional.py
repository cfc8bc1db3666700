"""Convolutional nets: each replica computes, learns and begins as the same net of torch.nn does."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bn_core.comparison import ARMS, Comparison, arms_from_query, comparison_from_query
from bn_core.config import SETTINGS, Config
from bn_core.net_shapes import layer_shapes
from bn_core.nets import Linear, Net, build
from bn_core.nets.convolution import Convolution
from bn_core.normalization import BatchNorm
from bn_core.training import Trainer, run
from tests.reference import Activation

SMALL = Config(
    architecture="conv", channels=(4, 6), dense=(8,), replicas=3, seed=5, bn_epsilon=1e-3, groups=2
)
IMAGE, CLASSES = (2, 9, 8), 3
K, N = 3, 5
CLOSE: Any = {"rtol": 1e-9, "atol": 1e-11}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def norm_of(config: Config, units: int, image: bool) -> nn.Module:
    """Return torch's own norm; layer norm of images is group norm with one group."""
    eps, momentum = config.bn_epsilon, config.bn_momentum
    match config.normalization:
        case "batch":
            kind = nn.BatchNorm2d if image else nn.BatchNorm1d
            return kind(units, eps=eps, momentum=momentum)
        case "layer":
            return nn.GroupNorm(1, units, eps=eps)
        case "group":
            return nn.GroupNorm(config.groups, units, eps=eps)
        case _:
            return nn.InstanceNorm2d(units, eps=eps, affine=True)


def of_torch(ours: Linear, replica: int) -> nn.Linear | nn.Conv2d:
    """Return torch's own layer with the weights that one replica has now."""
    weight = ours.weight[replica].detach()
    if isinstance(ours, Convolution):
        made = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, bias=ours.bias is not None)
    else:
        weight = weight.T
        made = nn.Linear(weight.shape[1], weight.shape[0], bias=ours.bias is not None)
    with torch.no_grad():
        made.weight.copy_(weight)
        if ours.bias is not None and made.bias is not None:
            made.bias.copy_(ours.bias[replica].flatten())
    return made


def gradient_of(parameter: Tensor | None) -> Tensor:
    assert parameter is not None and parameter.grad is not None
    return parameter.grad


def torch_nets(net: Net, config: Config) -> list[nn.Sequential]:
    """Return each replica as modules of torch: convolution, norm, activation and pool by hand."""
    nets = []
    for replica in range(config.replicas):
        modules: list[nn.Module] = [nn.Unflatten(1, IMAGE)]
        for index, units in enumerate(config.layer_widths):
            image = index < len(config.blocks)
            if index == len(config.blocks):
                modules.append(nn.Flatten())
            modules.append(of_torch(net.linears[index], replica))
            follow: list[nn.Module] = [Activation(config.activation)]
            if config.normalizes(index):
                at = 0 if config.placement_of(index) == "before" else 1
                follow.insert(at, norm_of(config, units, image))
            modules += follow
            if image:
                modules.append(nn.MaxPool2d(2))
        last = [] if config.dense else [nn.Flatten()]
        nets.append(nn.Sequential(*modules, *last, of_torch(net.linears[-1], replica)).double())
    return nets


CASES = [
    ("none", {}),
    ("before", {}),
    ("after", {}),
    ("before", {"moved_layers": (2,), "normalized_layers": (1, 2)}),
    ("layer", {}),
    ("group", {}),
    ("instance", {"dense": ()}),
]


@pytest.mark.parametrize(("arm", "changes"), CASES, ids=str)
def test_every_replica_computes_learns_and_remembers_as_torchs_modules_do(arm, changes):
    config = ARMS[arm].config(SMALL.changed({"activation": "tanh", **changes}))
    net = build(config, IMAGE, CLASSES).double()
    theirs = torch_nets(net, config)
    for seed in range(2):
        x, labels = draw(K, N, 144, seed=seed), torch.arange(N) % CLASSES
        logits = net(x)
        expected = torch.stack([other(x[k]) for k, other in enumerate(theirs)])
        torch.testing.assert_close(logits, expected, rtol=1e-11, atol=1e-12)
    for values in (logits, expected):
        torch.stack(
            [functional.cross_entropy(values[k], labels) for k in range(K)]
        ).sum().backward()
    for k, other in enumerate(theirs):
        linears = [m for m in other if isinstance(m, nn.Linear | nn.Conv2d)]
        for ours, one in zip(net.linears, linears, strict=True):
            found = gradient_of(ours.weight)[k]
            found = found if isinstance(ours, Convolution) else found.T
            torch.testing.assert_close(found, gradient_of(one.weight), **CLOSE)
            if ours.bias is not None:
                found = gradient_of(ours.bias)[k].flatten()
                torch.testing.assert_close(found, gradient_of(one.bias), **CLOSE)
        norms = [m for m in other if hasattr(m, "eps")]
        for ours, one in zip(net.norms, norms, strict=True):
            for flat, name in ((ours.flat_gamma, "weight"), (ours.flat_beta, "bias")):
                found = gradient_of(flat).view(K, -1)[k]
                torch.testing.assert_close(found, gradient_of(getattr(one, name)), **CLOSE)
            if isinstance(ours, BatchNorm):
                mean, variance = (average[k] for average in ours.averages)
                torch.testing.assert_close(mean, one.running_mean, **CLOSE)
                torch.testing.assert_close(variance, one.running_var, **CLOSE)
    with net.evaluation_mode(statistics="running"):
        evaluated = net(x)
    expected = torch.stack([other.eval()(x[k]) for k, other in enumerate(theirs)])
    torch.testing.assert_close(evaluated, expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("arm", ["ghost", "renorm"])
def test_ghost_batches_and_renormalization_take_a_channel_over_examples_and_pixels(arm):
    changes = {"ghost_size": N, "renorm_rmax": 1.0, "renorm_dmax": 0.0}  # each is batch norm then
    x = draw(K, N, 144)
    logits = []
    for name in (arm, "before"):
        net = build(ARMS[name].config(SMALL.changed(changes)), IMAGE, CLASSES).double()
        logits.append(net(x))
    torch.testing.assert_close(logits[0], logits[1], rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("initialization", list(SETTINGS["initialization"].options))
def test_weights_begin_with_the_spread_of_torchs_own_initialization(initialization):
    config = Config(
        architecture="conv", channels=(32, 64), replicas=2, initialization=initialization
    )
    linear = build(config, (1, 8, 8), 10).linears[1]
    theirs = nn.Conv2d(32, 64, 3)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        match initialization:
            case "he":
                nn.init.kaiming_normal_(theirs.weight, nonlinearity="relu")
            case "xavier":
                nn.init.xavier_normal_(theirs.weight)
            case "torch":
                theirs.reset_parameters()
            case "orthogonal":
                nn.init.orthogonal_(theirs.weight)
            case _:
                nn.init.normal_(theirs.weight, std=config.init_std)
    assert linear.weight.shape[1:] == theirs.weight.shape
    assert linear.weight.std().item() == pytest.approx(theirs.weight.std().item(), rel=0.03)
    assert linear.weight.abs().max().item() == pytest.approx(
        theirs.weight.abs().max().item(), rel=0.25
    )
    assert linear.bias is not None
    largest = 1 / (32 * 9) ** 0.5 if initialization == "torch" else 0.0
    assert linear.bias.abs().max().item() == pytest.approx(largest, rel=0.05)


def test_arms_share_weights_and_a_replica_begins_and_trains_as_its_seed_alone():
    plain, normed = (build(ARMS[arm].config(SMALL), IMAGE, CLASSES) for arm in ("none", "before"))
    alone = build(SMALL.changed({"replicas": 1, "seed": 6}), IMAGE, CLASSES)
    for one, other, single in zip(plain.linears, normed.linears, alone.linears, strict=True):
        assert torch.equal(one.weight, other.weight)
        assert torch.equal(one.weight[1], single.weight[0])
    base = SMALL.changed({"batch_size": 32, "normalization": "batch"})
    together, single = Trainer(base), Trainer(base.changed({"replicas": 1, "seed": 6}))
    single.dataset = together.dataset
    batch = together.batches.next()
    mine = tuple(part[1:2] for part in batch)
    for _ in range(3):
        torch.testing.assert_close(
            together.step(batch)[1:2], single.step((mine[0], mine[1])), rtol=1e-5, atol=1e-6
        )


def test_weight_decay_pulls_on_weights_and_spares_biases_gamma_and_beta():
    config = ARMS["after"].config(SMALL.changed({"weight_decay": 0.1, "learning_rate": 0.5}))
    trainer = Trainer(config)
    before = {name: value.clone() for name, value in trainer.net.named_parameters()}
    for parameter in trainer.net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    trainer.optimizer.step()
    for name, value in trainer.net.named_parameters():
        share = 0.95 if name.endswith("linear.weight") else 1.0
        torch.testing.assert_close(value, share * before[name], rtol=1e-6, atol=1e-8)


def test_images_evaluated_in_parts_have_the_logits_of_all_at_once():
    config = ARMS["before"].config(SMALL)
    net = build(config, IMAGE, CLASSES).double()
    net(draw(K, N, 144))  # averages that are not the first ones
    inputs = draw(K, 300, 144, seed=3)
    with net.evaluation_mode(statistics="running"):
        expected = net(inputs)
    found = net.evaluated(inputs, statistics="running")
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    together = net.evaluated(inputs, statistics="batch")
    with net.evaluation_mode(statistics="batch"):
        torch.testing.assert_close(together, net(inputs), rtol=1e-12, atol=1e-12)
    assert not found.requires_grad and not together.requires_grad


def test_the_shapes_that_are_announced_are_those_of_the_net():
    config = SMALL.changed({"channels": (4, 6, 8, 5), "dense": (8, 7)})
    net = build(config, (1, 8, 8), 10)
    shapes = layer_shapes(config)
    assert [shape.pooled for shape in shapes] == [True, True, *[False] * 5]
    assert [shape.positions for shape in shapes] == [(8, 8), (4, 4), (2, 2), (2, 2), (), (), ()]
    assert [linear.units for linear in net.linears] == [shape.units for shape in shapes]
    sizes = [linear.weight[0].numel() for linear in net.linears]
    assert sizes == [shape.weights for shape in shapes]
    assert [layer.positions for layer in net.outline] == [shape.positions for shape in shapes]
    assert config.depth == 6 and net(draw(3, 2, 64).float()).shape == (3, 2, 10)


def test_a_channel_is_the_unit_of_what_is_measured():
    comparison = Comparison(SMALL.changed({"steps": 3, "batch_size": 16}))
    for arm in run(comparison).snapshots[-1].arms:
        assert arm is not None
        assert arm.labels == ("layer 1", "layer 2", "layer 3")
        assert arm.gradient_norm.shape == (3, 4)
        dead_channels = arm.dead[:, 0] * 4
        assert (dead_channels == dead_channels.round()).all()
    before = run(comparison).snapshots[-1].arms[1]
    assert before is not None
    assert abs(before.std[:, 2] - 1).max() < 0.2  # behind the norm, gamma near its start


def test_a_run_is_repeated_bit_for_bit():
    comparison = Comparison(SMALL.changed({"steps": 8, "batch_size": 16, "dropout": 0.2}))
    assert run(comparison).fingerprint() == run(comparison).fingerprint()


@pytest.mark.parametrize("data", ["moons", "spirals"])
def test_without_images_a_sentence_says_what_to_choose(data):
    problem = Comparison(Config(architecture="conv", data=data)).problem()
    assert "needs images" in problem and "digits" in problem
    comparison, complaints = comparison_from_query({"arch": "conv", "data": data})
    assert comparison.base.architecture == "plain" and comparison.base.data == data
    assert any("needs images" in complaint for complaint in complaints)


def test_a_net_too_large_is_refused_with_what_to_lower():
    heavy = Config(architecture="conv", channels=(128,) * 6, batch_size=512, replicas=10)
    assert "Lower the channels" in Comparison(heavy).problem()
    assert Comparison(heavy.changed({"channels": (8,) * 6, "replicas": 1})).problem() == ""


def test_channels_and_dense_layers_stand_in_the_link():
    base = Config(architecture="conv", channels=(8, 16), dense=(32,))
    arms, complaints = arms_from_query("none~before;channels:4-8;dense:")
    comparison = Comparison(base, arms)
    assert not complaints and not comparison.problem()
    assert [config.layer_widths for config in comparison.configs] == [(8, 16, 32), (4, 8)]
    assert "channels 4-8" in arms[1].label and "no dense layer" in arms[1].label
