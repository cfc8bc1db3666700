"""The trainer: what an experiment can do with it, and that it trains as the Lab does."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from bn_core.comparison import ARMS
from bn_core.config import Config
from bn_core.datasets.loading import load, load_per_seed
from bn_core.nets import build, mlp
from bn_core.training import Batches, Trainer, run
from tests.runs import small

BASE = Config(depth=2, width=16, batch_size=32, replicas=3, seed=7, normalization="batch")


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
@pytest.mark.parametrize("arm", ["none", "before"])
def test_the_trainer_takes_the_steps_of_the_lab(arm, optimizer):
    changes = {"optimizer": optimizer, "learning_rate": 0.01, "dropout": 0.1, "steps": 20}
    comparison = small(arms=(arm,), rate_changes=((5, 0.05),), **changes)
    trainer, losses = Trainer(comparison.configs[0]), []
    for _ in trainer.steps(20, take=lambda: losses.append(trainer.step().numpy())):
        pass
    assert np.array_equal(losses, run(comparison).train_loss[:, 0])


def test_measurements_are_made_when_asked_for_and_after_the_last_step():
    trainer, measured = Trainer(BASE), []
    yielded = list(
        trainer.steps(10, every=4, from_start=True, measure=lambda done: measured.append(done))
    )
    assert yielded == list(range(1, 11)) and measured == [0, 4, 8, 10]
    assert trainer.steps_taken == 10
    assert list(trainer.steps(2)) == [1, 2] and trainer.steps_taken == 12


def test_each_replica_of_data_of_its_own_trains_as_its_seed_alone():
    config = BASE.changed({"data": "moons", "points": 100, "noise": 0.3})
    together = Trainer(config, load_per_seed(config))
    losses = torch.stack([together.step() for _ in range(10)])
    found = together.evaluate()
    for k in range(3):
        alone = Trainer(config.changed({"seed": 7 + k, "replicas": 1}))
        expected = torch.stack([alone.step() for _ in range(10)])
        np.testing.assert_allclose(losses[:, k], expected[:, 0], rtol=1e-5)
        for value, single in zip(found, alone.evaluate(), strict=True):
            np.testing.assert_allclose(value[k], single[0], rtol=1e-5)
    shared = Trainer(config)
    assert not np.allclose(losses[0, 1:], shared.step()[1:], rtol=1e-3)


def test_batches_of_data_of_their_own_come_from_each_replicas_split():
    config = BASE.changed({"data": "moons", "points": 50, "batch_size": 20})
    data = load_per_seed(config)
    batches = Batches(data, config)
    for _ in range(5):
        inputs, labels = batches.next()
        for k in range(3):
            for point, label in zip(inputs[k], labels[k], strict=True):
                (row,) = (data.train_inputs[k] == point).all(1).nonzero()
                assert data.train_labels[k, row] == label


def test_evaluation_takes_inputs_with_and_without_a_replica_axis():
    trainer = Trainer(BASE)
    inputs, labels = load(BASE).validation_inputs[:40], load(BASE).validation_labels[:40]
    plain = trainer.evaluate("batch", inputs, labels)
    repeated = trainer.evaluate("batch", inputs.expand(3, -1, -1), labels.expand(3, -1))
    for one, other in zip(plain, repeated, strict=True):
        assert one.shape == (3,) and torch.equal(one, other)


def test_a_batch_of_any_size_moves_each_replica_by_its_own_mean_gradient():
    trainer = Trainer(BASE.changed({"normalization": "none", "learning_rate": 0.5}))
    weight = trainer.net.linears[0].weight
    for size in (1, 7, 50):
        inputs, labels = (
            part[:size] for part in (load(BASE).train_inputs, load(BASE).train_labels)
        )
        before = weight.detach().clone()
        logits = trainer.net(inputs.expand(3, -1, -1))
        loss = torch.stack([nn.functional.cross_entropy(one, labels) for one in logits]).sum()
        (expected,) = torch.autograd.grad(loss, [weight])
        trainer.step((inputs.expand(3, -1, -1), labels.expand(3, -1)))
        assert weight.grad is not None
        torch.testing.assert_close(weight.grad, expected, rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(weight.detach(), before - 0.5 * expected)


def test_only_the_parameters_that_are_named_learn():
    trainer = Trainer(BASE.changed({"optimizer": "adam", "learning_rate": 0.01}))
    affine = [parameter for norm in trainer.net.norms for parameter in norm.parameters()]
    assert trainer.net.learn_only(affine) == 2 * 2 * 16
    before = {name: value.detach().clone() for name, value in trainer.net.named_parameters()}
    for _ in range(3):
        trainer.step()
    moved = {n for n, value in trainer.net.named_parameters() if not torch.equal(value, before[n])}
    assert moved == {n for n in before if "gamma" in n or "beta" in n}


def test_a_net_of_ones_own_is_trained():
    data = load(BASE)
    net = mlp(BASE, data.input_shape, 10, widths=[12, 8, 4], activate=nn.Identity)
    trainer = Trainer(BASE, data, net)
    assert trainer.net is net
    first = trainer.step()
    for _ in trainer.steps(30):
        pass
    assert (trainer.step() < first).all()


def test_a_rate_that_is_set_holds_from_the_next_step():
    slow, usual = Trainer(BASE), Trainer(BASE)
    slow.set_rate(1e-4)
    assert torch.equal(slow.step(), usual.step())  # losses are those before the step
    started = build(ARMS["before"].config(BASE), (64,), 10)
    ways = [
        (trainer.net.linears[0].weight - started.linears[0].weight).norm().item()
        for trainer in (slow, usual)
    ]
    assert ways[0] == pytest.approx(ways[1] * 1e-3, rel=1e-2) and not math.isnan(ways[0])
