"""What arms share when they differ: initial weights, data order, batches; and what is their own."""

import dataclasses

import numpy as np
import pytest
import torch

from bn_core.comparison import ARMS, Comparison, derived_arm
from bn_core.config import Config
from bn_core.nets import build
from bn_core.records import Record
from bn_core.training import Batches, Request, Setup, Trainer, run
from tests.runs import SMALL, record_with


def compared(*changes: dict, base: Config = SMALL, arm: str = "before") -> Comparison:
    """Return the registered arm and one derived of it for each of the changes."""
    derived = tuple(derived_arm(ARMS[arm], change, base) for change in changes)
    return Comparison(base, (ARMS[arm], *derived))


def losses_of(record: Record, arm: int) -> np.ndarray:
    return record.train_loss[:, arm]


@pytest.mark.parametrize(
    "change",
    [
        {"batch_size": 4},
        {"learning_rate": 0.7},
        {"optimizer": "adam"},
        {"depth": 5},
        {"widths": (16, 8)},
        {"dropout": 0.3},
        {"initialization": "he"},
        {"activation": "tanh"},
        {"architecture": "residual"},
        {"normalized_layers": (2,)},
        {"moved_layers": (2,)},
        {"bn_momentum": 0.9},
        {"weight_decay": 0.01},
    ],
    ids=str,
)
def test_an_arm_trains_in_company_as_its_config_trains_alone(change):
    comparison = compared(change)
    together = run(comparison)
    config = comparison.configs[1]
    alone = run(Comparison(config, (ARMS["before"],)))
    assert np.array_equal(losses_of(together, 1), losses_of(alone, 0))
    last, expected = together.snapshots[-1].arms[1], alone.snapshots[-1].arms[0]
    assert last is not None and expected is not None
    for name, array in last.arrays().items():
        assert np.array_equal(array, getattr(expected, name), equal_nan=True), name
    usual = run(Comparison(SMALL, (ARMS["before"],)))
    assert np.array_equal(losses_of(together, 0), losses_of(usual, 0)), "the others are left alone"
    if "bn_momentum" not in change:  # which changes no loss in training
        assert not np.array_equal(losses_of(together, 0), losses_of(together, 1))


def test_initial_weights_are_equal_where_layers_have_one_shape_and_number():
    comparison = compared({"depth": 5}, {"batch_size": 4}, {"widths": (16, 8, 16)})
    usual, deeper, small, narrow = (build(c, (64,), 10).linears for c in comparison.configs)
    for one, other in zip(usual, small, strict=True):
        assert torch.equal(one.weight, other.weight)
    for layer in range(3):
        assert torch.equal(usual[layer].weight, deeper[layer].weight)
    assert torch.equal(usual[0].weight, narrow[0].weight)
    assert torch.equal(usual[3].weight, narrow[3].weight)
    assert usual[1].weight.shape != narrow[1].weight.shape


def test_every_batch_size_cuts_one_order_of_the_examples():
    comparison = compared(
        {"batch_size": 8}, {"batch_size": 24}, base=SMALL.changed({"batch_size": 16})
    )
    data = Setup.of(comparison).dataset
    orders = []
    for config in comparison.configs:
        batches = Batches(data, config)
        seen = [batches.next() for _ in range(96 // config.batch_size)]
        orders.append([torch.cat(part, dim=1) for part in zip(*seen, strict=True)])
    for inputs, labels in orders[1:]:
        assert torch.equal(inputs, orders[0][0]) and torch.equal(labels, orders[0][1])
    assert not torch.equal(orders[0][0][0], orders[0][0][1]), "each seed has an order of its own"


def test_a_rate_of_its_own_stays_when_the_reader_moves_the_rate():
    comparison = compared({"learning_rate": 0.3})
    moved = record_with(comparison, {11: Request(learning_rate=0.9)})
    still = run(comparison)
    assert moved.rate_changes == ((10, 0.9),)
    assert np.array_equal(losses_of(moved, 1), losses_of(still, 1))
    assert np.array_equal(losses_of(moved, 0)[:11], losses_of(still, 0)[:11])
    assert not np.array_equal(losses_of(moved, 0)[11:], losses_of(still, 0)[11:])
    planned = dataclasses.replace(comparison, base=SMALL.changed({"rate_changes": ((10, 0.9),)}))
    assert np.array_equal(run(planned).train_loss, moved.train_loss)


def test_the_first_arms_own_rate_is_not_taken_for_the_bases():
    comparison = compared({"learning_rate": 0.3})
    own_first = Comparison(SMALL, comparison.arms[::-1])
    record = run(own_first)
    assert record.rate_changes == ()
    assert np.array_equal(losses_of(record, 1), losses_of(run(comparison), 0))


def test_a_moved_norm_is_another_run_and_a_run_without_any_keeps_its_fingerprint():
    base = SMALL.changed({"steps": 3})
    before = Comparison(base, (ARMS["before"],))
    moved = Comparison(base.changed({"moved_layers": (2,)}), (ARMS["before"],))
    assert run(before).fingerprint() != run(moved).fingerprint()
    assert "moved_layers" not in repr(before)
    same_numbers = dataclasses.replace(run(before), comparison=moved)
    assert same_numbers.fingerprint() != run(before).fingerprint()


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(
    "places",
    [
        {"moved_layers": (2,)},
        {"moved_layers": (1, 3), "normalized_layers": (1, 3)},
        {"moved_layers": (3,), "normalized_layers": (2, 3)},
        {"moved_layers": (1,), "placement": "after"},
    ],
    ids=str,
)
def test_mixed_places_train_the_same_fused_and_by_autograd(activation, places):
    config = SMALL.changed({"normalization": "batch", "activation": activation, **places})
    fused, readable = Trainer(config), Trainer(config, fused=False)
    for trainer in (fused, readable):
        trainer.net.to(torch.float64)
    for norm in readable.net.norms:
        norm.reference = True
    for _ in range(5):
        inputs, labels = fused.batches.next()
        batch = inputs.double(), labels
        torch.testing.assert_close(fused.step(batch), readable.step(batch), rtol=1e-11, atol=1e-12)
        assert not fused.example_losses.requires_grad, "this net has a fused step"
    states = fused.net.state_dict(), readable.net.state_dict()
    assert set(states[0]) == set(states[1])
    for name, values in states[0].items():
        torch.testing.assert_close(values, states[1][name], rtol=1e-9, atol=1e-11)
