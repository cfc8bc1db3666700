"""Untrained deep nets: gradients that grow, gradients that are alike, activations that grow."""

import copy
import math

import numpy as np
import pytest
import torch

from bn_core.config import Config
from bn_core.datasets.loading import load_per_seed
from bn_core.experiments import explode, heatmap, moments_by_depth, run
from bn_core.experiments.base import Shard
from bn_core.experiments.explode import gradient_norms, growth
from bn_core.nets import linear_stem, mlp
from bn_core.probing import statistics
from bn_core.results import HeatMaps, Result, Verdict
from tests.results import with_values


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def exploding() -> tuple[Result, Verdict]:
    return run("explode")


@pytest.fixture(scope="module")
def maps() -> tuple[Result, Verdict]:
    return run("heatmap")


@pytest.fixture(scope="module")
def depths() -> tuple[Result, Verdict]:
    return run("depth")


def test_gradients_grow_with_batch_norm_as_theory_says(exploding):
    result, verdict = exploding
    theory = math.sqrt(math.pi / (math.pi - 1))
    np.testing.assert_allclose(result["bn"].values, theory, atol=0.01)
    np.testing.assert_allclose(result["bn_big"].values, theory, atol=0.01)
    np.testing.assert_allclose(result["bn_8"].values, 1.33, atol=0.03)
    np.testing.assert_allclose(result["linear_8"].values, math.sqrt(6 / 5), atol=0.02)
    np.testing.assert_allclose(result["none"].values, 1.0, atol=0.02)
    np.testing.assert_allclose(result["none_big"].values, 1.5, atol=0.03)
    assert verdict.kind == "fails" and result["bn_8"].words() in verdict.words


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"bn": 1.0, "bn_big": 1.0}, "holds"),
        ({"bn_big": 1.0}, "depends"),
        ({"none": 1.3, "none_big": 1.1}, "untested"),
        ({"bn": np.nan, "bn_big": np.nan}, "fails"),
    ],
)
def test_the_growth_per_layer_decides_on_the_explosion(exploding, values, kind):
    assert explode.EXPERIMENT.decide(with_values(exploding[0], values)).kind == kind


def test_growth_is_the_factor_of_a_geometric_sequence():
    layers = np.arange(20)
    norms = np.stack([3 * 1.2 ** (19 - layers), 0.5 * 0.9 ** (19 - layers)])
    np.testing.assert_allclose(growth(norms), [1.2, 0.9])


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_gradients_taken_layer_by_layer_are_those_of_the_whole_net(normalization):
    config = Config(
        depth=4,
        width=32,
        batch_size=16,
        initialization="he",
        gain=1.5,
        normalization=normalization,
        replicas=2,
    )
    walk = gradient_norms(Shard(8), config, 4)
    while True:
        try:
            next(walk)
        except StopIteration as stop:
            found = stop.value
            break
    net, data = mlp(config, (64,), 10).double(), load_per_seed(config)
    x, outputs = data.train_inputs[:, :16].double(), []
    for layer in net.hidden:
        x = layer(x)
        x.retain_grad()
        outputs.append(x)
    statistics.losses(net.output(x), data.train_labels[:, :16]).sum().backward()
    expected = [[float(out.grad[k].square().sum().sqrt()) for out in outputs] for k in range(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.slow
def test_a_typical_plain_net_gives_all_images_one_gradient(maps):
    result, verdict = maps
    assert (result["none_share"].values >= 0.8).all()
    assert (result["before_share"].values <= 0.5).all()
    assert (result["none_cosine"].values >= 0.3).all()
    assert (result["before_cosine"].values <= 0.1).all()
    assert (result["none_loss"].values > 1e3).all() and (result["before_loss"].values < 5).all()
    assert verdict.kind == "holds" and result["none_cosine"].words() in verdict.words
    assert result["none_alike"].words() in verdict.words, "single nets beside the median"
    # With He's own scale the rows were never alike, and the verdict says so.
    assert (result["none_he"].values <= 0.1).all()
    assert result["none_he"].words() in verdict.words
    shown = result.panels[0]
    assert isinstance(shown, HeatMaps)
    assert [field.values.shape for field in shown.fields] == [(30, 10), (30, 10)]
    for field in shown.fields:
        np.testing.assert_allclose(field.values.sum(axis=1), 0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"none_share": 0.7}, "depends"),
        ({"share_gap": 0.1}, "depends"),
        ({"none_share": 0.3, "share_gap": 0.0, "cosine_gap": 0.0}, "fails"),
        ({"none_share": np.nan, "share_gap": np.nan, "cosine_gap": np.nan}, "fails"),
    ],
)
def test_share_and_cosine_decide_on_the_maps(maps, values, kind):
    assert heatmap.EXPERIMENT.decide(with_values(maps[0], values)).kind == kind


def test_draws_differ_and_the_first_is_the_seeds_own_net():
    config = Config(depth=2, width=8, initialization="normal", replicas=2, seed=4)
    first, second = (heatmap.drawn_net(config, draw, 64, 10) for draw in (0, 1))
    for ours, other, own in zip(
        first.weights, second.weights, mlp(config, (64,), 10).weights, strict=True
    ):
        assert torch.equal(ours, own) and not torch.equal(ours, other)


def test_the_cosine_is_the_mean_over_pairs_of_different_rows():
    gradients = draw(2, 7, 5)
    found = heatmap.mean_cosine(gradients)
    for replica, rows in enumerate(gradients.numpy()):
        pairs = [
            rows[i] @ rows[j] / np.sqrt((rows[i] @ rows[i]) * (rows[j] @ rows[j]))
            for i in range(7)
            for j in range(7)
            if i != j
        ]
        assert float(found[replica]) == pytest.approx(float(np.mean(pairs)), rel=1e-10)


def test_the_top_share_counts_the_most_predicted_class():
    logits = draw(2, 9, 4)
    for replica, found in enumerate(heatmap.top_share(logits).tolist()):
        counts = np.bincount(logits[replica].numpy().argmax(axis=1), minlength=4)
        assert found == pytest.approx(counts.max() / 9)


def test_a_map_holds_each_images_own_gradient_sorted_by_label():
    logits, labels = draw(2, 32, 4), torch.arange(32) % 4
    labels = torch.stack([labels.flip(0), labels])
    leaf = logits.clone().requires_grad_()
    torch.nn.functional.cross_entropy(
        leaf.flatten(0, 1), labels.flatten(), reduction="sum"
    ).backward()
    assert leaf.grad is not None
    maps = heatmap.measures(logits, labels)["maps"]
    for replica in range(2):
        order = sorted(range(30), key=lambda at: (int(labels[replica, at]), at))
        np.testing.assert_allclose(maps[replica], leaf.grad[replica, order].numpy(), atol=1e-12)


def test_activations_double_without_and_grow_by_one_with_batch_norm(depths):
    result, verdict = depths
    factor, amount = result["none_growth"].values, result["before_added"].values
    assert ((factor >= 1.8) & (factor <= 2.3)).all()
    assert ((amount >= 0.9) & (amount <= 1.1)).all()
    assert verdict.kind == "holds" and result["before_added"].words() in verdict.words
    both, alone, _ = result.panels
    assert [curve.y.shape for curve in both.curves] == [(3, 31), (3, 31)]
    assert [curve.arm for curve in alone.curves] == ["before"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"none_growth": 1.2}, "depends"),
        ({"before_halves": 3.0}, "depends"),
        ({"none_growth": 1.0, "before_halves": 0.1}, "fails"),
        ({"none_growth": np.nan, "before_halves": np.nan}, "fails"),
    ],
)
def test_factor_and_halves_decide_on_the_depth(depths, values, kind):
    assert moments_by_depth.EXPERIMENT.decide(with_values(depths[0], values)).kind == kind


@pytest.mark.parametrize("blocks", [10, 11])
def test_linear_growth_adds_as_much_in_both_halves_and_exponential_growth_does_not(blocks):
    at = np.arange(blocks + 1)
    squares = np.stack([1.5 + 0.7 * at, 1.05**at, 2.0**at])
    linear, *faster = moments_by_depth.halves(squares)
    assert linear == pytest.approx(1)
    last = blocks - blocks // 2
    np.testing.assert_allclose(faster, [1.05**last, 2.0**last])


def test_factor_and_slope_are_those_of_exact_sequences():
    at = np.arange(11)
    assert moments_by_depth.growth((3 * 2.0**at)[None])[0] == pytest.approx(2)
    assert moments_by_depth.added((1.5 + 0.7 * at)[None])[0] == pytest.approx(0.7)
    x = draw(2, 5, 3)
    np.testing.assert_allclose(
        moments_by_depth.mean_square(x), (x.numpy() ** 2).reshape(2, 15).mean(axis=1), rtol=1e-12
    )


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_the_residual_net_computes_as_one_of_torchs_modules_does(normalization):
    config = Config(width=16, normalization=normalization, replicas=2, seed=3)
    net = linear_stem(config, (6,), 3, blocks=4).double()
    x = draw(2, 12, 6)

    def norm(values: torch.Tensor) -> torch.Tensor:
        kept = torch.nn.BatchNorm1d(16, dtype=torch.float64)
        return kept(values) if normalization == "batch" else values

    def mapped(linear, values: torch.Tensor, replica: int) -> torch.Tensor:
        return values @ linear.weight[replica] + linear.bias[replica]

    found = net(x)
    for replica in range(2):
        h = mapped(net.hidden[0], x[replica], replica)
        for block in net.hidden[1:]:
            h = h + mapped(block.linear, norm(h).clamp(min=0), replica)
        expected = mapped(net.output, norm(h).clamp(min=0), replica)
        torch.testing.assert_close(found[replica], expected, rtol=1e-9, atol=1e-11)


def test_the_residual_nets_differ_in_their_normalization_only():
    plain, normed = (
        linear_stem(Config(width=16, normalization=which, replicas=2), (6,), 3, blocks=3)
        for which in ("none", "batch")
    )
    assert len(plain.norms) == 0 and len(normed.norms) == 4
    others = dict(normed.named_parameters())
    for name, parameter in plain.named_parameters():
        assert torch.equal(parameter, others[name])


def test_following_the_stream_leaves_the_running_averages_alone():
    net = linear_stem(Config(width=16, normalization="batch", replicas=2), (6,), 3, 3).double()
    before = copy.deepcopy(net.state_dict())
    x = draw(2, 12, 6)
    passed = list(moments_by_depth.activations(net, x))
    assert len(passed) == 4
    for key, value in net.state_dict().items():
        assert torch.equal(value, before[key])
    assert net.output.norm is not None
    last = net.output(passed[-1])
    torch.testing.assert_close(last, net(x))
    assert all(norm.track_statistics for norm in net.norms)
