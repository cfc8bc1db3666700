"""Nets with each normalization: they train, repeat, share their weights and bear odd batches."""

import numpy as np
import pytest
import torch

from bn_core.comparison import (
    ARMS,
    DEFAULT_ARMS,
    Arm,
    Comparison,
    comparison_from_query,
    comparison_to_query,
)
from bn_core.config import Config
from bn_core.nets import Net, build
from bn_core.training import run

SMALL = Config(depth=3, width=16, steps=60, batch_size=32, replicas=2, learning_rate=0.2)
RELATIVES = ["layer", "group", "instance", "ghost", "renorm", "rms"]
LEARNING = ["layer", "group", "ghost", "renorm", "rms"]


def small(arm: str, **changes) -> Comparison:
    return Comparison(SMALL.changed(changes), (ARMS[arm],))


def net_of(arm: str, **changes) -> Net:
    return build(ARMS[arm].config(SMALL.changed(changes)), (64,), 10)


def images(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("arm", LEARNING)
def test_a_net_with_each_normalization_learns_the_digits(arm, place):
    changes = (*ARMS[arm].changes, ("placement", place))
    base = SMALL.changed({"groups": 2})  # 8 groups of 2 units would leave only signs
    record = run(Comparison(base, (Arm(arm, arm, changes),)))
    assert record.train_loss[-10:].mean() < 0.6 * record.train_loss[:5].mean()
    last = record.snapshots[-1].arms[0]
    assert last is not None and last.validation_accuracy.min() > 0.5


def test_instance_norm_leaves_a_net_of_vectors_at_chance():
    record = run(small("instance"))
    assert record.train_loss[-10:].mean() > 0.95 * np.log(10)
    last = record.snapshots[-1].arms[0]
    assert last is not None and last.validation_accuracy.max() < 0.2


@pytest.mark.parametrize("arm", RELATIVES)
def test_runs_repeat_bit_for_bit(arm):
    comparison = small(arm, steps=20, dropout=0.2)
    assert run(comparison).fingerprint() == run(comparison).fingerprint()


@pytest.mark.parametrize("arm", RELATIVES)
@pytest.mark.parametrize("batch_size", [1, 2, 7])
def test_odd_batches_train_without_an_error(arm, batch_size):
    record = run(small(arm, batch_size=batch_size, ghost_size=3, learning_rate=0.01, steps=150))
    assert record.step == 150  # past the batches that renormalization leaves plain
    assert np.isfinite(record.train_loss).all()


@pytest.mark.parametrize("arm", RELATIVES)
def test_an_arm_shares_its_weights_with_the_plain_net(arm):
    for one, other in zip(net_of("none").linears, net_of(arm).linears, strict=True):
        assert torch.equal(one.weight, other.weight)
        if other.bias is not None and one.bias is not None:
            assert torch.equal(one.bias, other.bias)


@pytest.mark.parametrize("arm", RELATIVES)
def test_a_bias_stays_where_the_normalization_would_not_subtract_it(arm):
    """With the bias moved, the output of layer, group and RMS norm moves; the others have none."""
    net = net_of(arm, initialization="torch")
    biases = [layer.linear.bias for layer in net.hidden]
    assert [bias is not None for bias in biases] == [arm in ("layer", "group", "rms")] * 3
    if biases[0] is not None:
        before = net(images(2, 8, 64))
        with torch.no_grad():
            biases[0][:, :, 0] += 1
        assert not torch.allclose(net(images(2, 8, 64)), before)


@pytest.mark.parametrize("arm", RELATIVES)
def test_behind_the_activation_every_linear_map_keeps_its_bias(arm):
    config = ARMS[arm].config(SMALL).changed({"placement": "after"})
    assert all(linear.bias is not None for linear in build(config, (64,), 10).linears)


@pytest.mark.parametrize("arm", ["layer", "group", "rms"])
def test_inference_does_not_depend_on_the_batch(arm):
    net = net_of(arm)
    x = images(2, 30, 64)
    with torch.no_grad(), net.evaluation_mode(statistics="running"):
        whole = net(x)
        parts = torch.cat([net(part) for part in x.split([1, 9, 20], dim=1)], dim=1)
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-6)
    with torch.no_grad(), net.evaluation_mode(statistics="batch"):
        assert torch.equal(net(x), whole)


def test_settings_reach_the_layers():
    changes = {"groups": 2, "ghost_size": 5, "renorm_rmax": 2.0, "renorm_dmax": 0.5}
    changes |= {"bn_epsilon": 1e-3, "bn_scale": False, "bn_momentum": 0.3}
    group, ghost, renorm = (net_of(arm, **changes).norms[0] for arm in ("group", "ghost", "renorm"))
    assert group.grouping.groups == 2 and ghost.grouping.ghost_size == 5  # type: ignore[union-attr]
    assert (renorm.r_max, renorm.d_max) == (2.0, 0.5)
    assert ghost.momentum == renorm.momentum == 0.3
    for norm in (group, ghost, renorm):
        assert norm.epsilon == 1e-3 and norm.gamma is None and norm.beta is not None


@pytest.mark.parametrize(
    ("width", "groups", "nearest"), [(64, 7, "4 or 8"), (16, 20, "16,"), (37, 8, "1 or 37")]
)
def test_groups_that_do_not_fit_are_refused_with_the_nearest_that_do(width, groups, nearest):
    comparison = small("group", width=width, groups=groups)
    words = comparison.problem()
    assert f"{width} units into {groups} groups" in words and nearest in words
    assert small("layer", width=width, groups=groups).problem() == ""
    with pytest.raises(ValueError, match="Group norm cannot split"):
        run(comparison)


def test_a_link_with_groups_that_do_not_fit_keeps_the_rest():
    query = {"arms": "layer-group", "groups": "7", "batch": "128", "depth": "2"}
    comparison, complaints = comparison_from_query(query)
    assert comparison.base == Config(batch_size=128, depth=2)
    assert [arm.name for arm in comparison.arms] == ["layer", "group"]
    assert len(complaints) == 1 and "4 or 8" in complaints[0]
    narrow, complaints = comparison_from_query({"arms": "group", "width": "20"})
    assert narrow.problem() == "" and len(complaints) == 1


def test_every_arm_has_its_words_and_its_link():
    assert DEFAULT_ARMS == ("none", "before")
    for name, arm in ARMS.items():
        assert arm.label and len(arm.help) > 20
        comparison = Comparison(Config(), (arm,))
        assert comparison_from_query(comparison_to_query(comparison)) == (comparison, [])
        if name in RELATIVES:
            assert comparison.configs[0].placement == "before"
    assert "x̂ = 0" in ARMS["instance"].help and "β alone" in ARMS["instance"].help
