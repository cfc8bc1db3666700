"""Numbers that stop being finite: found, named, and kept from spreading."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from bn_core import training as loop
from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.nets import build
from bn_core.records import Divergence, Record, RecordChunk
from bn_core.training import Batches, Setup, Start, run, train
from tests.reference import Activation, optimizer_of, torch_net
from tests.runs import THREE, numbers_of, small

WILD = {"learning_rate": 30.0, "initialization": "he", "replicas": 3}


def divergence_of_one_net(comparison: Comparison, replica: int) -> Divergence | None:
    """Train one replica with torch's own modules until its loss is not finite, and see where."""
    config, setup = comparison.configs[0], Setup.of(comparison)
    data = setup.dataset
    net = torch_net(build(config, data.input_shape, len(data.classes)), config, replica)
    optimizer, batches = optimizer_of(net, config), Batches(setup.dataset, comparison.base)
    for step in range(1, config.steps + 1):
        images, labels = (part[replica] for part in batches.next())
        loss = functional.cross_entropy(net(images), labels)
        if not math.isfinite(loss.item()):
            return Divergence(0, replica, step, *first_bad(net, images))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return None


@torch.no_grad()
def first_bad(net: torch.nn.Sequential, x: torch.Tensor) -> tuple[int, str]:
    layer = 0
    for module in net:
        x = module(x)
        if isinstance(module, torch.nn.Linear):
            layer += 1
            if not module.weight.isfinite().all():
                return layer, "weights"
        if (isinstance(module, Activation) or module is net[-1]) and not x.isfinite().all():
            return layer, "outputs"
    return layer, "loss"


@pytest.mark.parametrize(
    "changes",
    [
        WILD | {"gain": 6.0, "weight_decay": 0.05},
        WILD | {"data": "moons", "gain": 30.0},
        WILD | {"activation": "leaky_relu", "depth": 5, "learning_rate": 3.0},
        WILD | {"optimizer": "momentum", "gain": 8.0},
        {"gain": 100.0, "depth": 20, "width": 64, "initialization": "he", "replicas": 2},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_step_seed_and_layer_are_those_of_an_independent_training(changes):
    comparison = small(arms=("none",), **changes)
    found = {one.replica: one for one in run(comparison).divergences}
    expected = [divergence_of_one_net(comparison, k) for k in range(comparison.base.replicas)]
    assert found == {one.replica: one for one in expected if one is not None}
    assert found, "the test needs nets that diverge"


def built(comparison: Comparison, setup: Setup) -> Start:
    """Return the untrained nets."""
    building = loop.build(comparison, setup)
    while True:
        try:
            next(building)
        except StopIteration as stop:
            return stop.value


def with_poison(comparison: Comparison, *, arm: int, layer: int, steps: int) -> Record:
    """Train, and put one NaN into the second replica's weights after the tenth step."""
    setup = Setup.of(comparison)
    start = built(comparison, setup)
    training = train(comparison, setup, start)
    step_results = [next(training) for _ in range(11)]
    weight = start.arms[arm].trainer.net.linears[layer].weight
    with torch.no_grad():
        weight[1, 0, 0] = math.nan
    step_results += [next(training) for _ in range(steps - 10)]
    return Record(comparison, setup.probe.summary()).extended(RecordChunk.of(step_results))


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
@pytest.mark.parametrize("arm", THREE)
def test_one_seeds_nan_does_not_reach_the_others(arm, optimizer):
    rate = {"sgd": 0.1, "momentum": 0.02, "rmsprop": 0.001, "adam": 0.003}[optimizer]
    arms = tuple(dict.fromkeys((arm, "none")))  # "none" beside the others, and alone
    changes = {"optimizer": optimizer, "learning_rate": rate, "replicas": 3, "dropout": 0.2}
    comparison = small(arms=arms, **changes)
    poisoned = with_poison(comparison, arm=0, layer=1, steps=40)
    healthy = run(comparison)
    assert poisoned.divergences == (Divergence(0, 1, 11, 2, "weights"),)
    assert np.isnan(poisoned.train_loss[10:, 0, 1]).all()
    for k in (0, 2):
        assert np.array_equal(poisoned.train_loss[:, 0, k], healthy.train_loss[:, 0, k])
        last, expected = poisoned.snapshots[-1].arms[0], healthy.snapshots[-1].arms[0]
        assert last is not None and expected is not None
        one, other = numbers_of(last, k), numbers_of(expected, k)
        for name in one:
            assert np.array_equal(one[name], other[name], equal_nan=True), name
    assert np.array_equal(poisoned.train_loss[:, 1:], healthy.train_loss[:, 1:])


def test_at_rate_one_a_deep_plain_net_breaks_and_batch_norm_goes_on():
    base = Config(depth=10, initialization="he", learning_rate=1.0, steps=60, seed=6)
    record = run(Comparison(base))
    assert record.ending is not None and record.ending.kind == "finished"
    assert {(one.arm, one.replica) for one in record.divergences} == {(0, 0), (0, 1), (0, 2)}
    for one in record.divergences:
        assert not np.isfinite(record.train_loss[one.step - 1, 0, one.replica])
        assert np.isfinite(record.train_loss[: one.step - 1, 0, one.replica]).all()
        assert 1 <= one.layer <= 11
    last = max(one.step for one in record.divergences)
    assert np.isnan(record.train_loss[last:, 0]).all()  # the arm has stopped
    assert all(
        (snapshot.arms[0] is None) == (snapshot.step >= last) for snapshot in record.snapshots
    )
    assert np.isfinite(record.train_loss[:, 1]).all()
    assert record.train_loss[-5:, 1].mean() < record.train_loss[:5, 1].mean()


def test_some_seeds_may_survive_where_others_break():
    base = Config(depth=10, initialization="he", learning_rate=1.0, steps=30)
    record = run(Comparison(base, Comparison().arms[:1]))
    gone = {one.replica for one in record.divergences}
    assert 0 < len(gone) < 3, "the test needs a run in which some seeds survive"
    for replica in set(range(3)) - gone:
        assert np.isfinite(record.train_loss[:, 0, replica]).all()
    assert record.step == 30


def test_a_run_in_which_all_break_ends_by_itself_and_says_when():
    record = run(small(arms=("none",), depth=8, gain=10.0, **WILD))
    assert record.ending is not None
    assert (record.ending.kind, record.ending.step) == ("diverged", record.step)
    assert record.step == max(one.step for one in record.divergences) < 40
    assert len(record.divergences) == 3


@pytest.mark.parametrize("steps", [1, 2])
def test_a_net_that_breaks_in_its_last_step_is_reported(steps):
    record = run(small(arms=("none",), depth=20, width=64, gain=100.0, steps=steps, **WILD))
    assert {one.step for one in record.divergences} == {1}
    assert record.ending is not None and record.ending.kind == "diverged"
