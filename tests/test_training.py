"""Training: paired, repeatable, unharmed by being looked at, and named when it breaks."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from bn_core.config import ARMS, Comparison, Config
from bn_core.data import load
from bn_core.records import LOOKS_PER_RUN, Record, Stretch
from bn_core.training import Batches, Request, Setup, run, train

SMALL = Config(depth=3, width=16, steps=40, batch_size=32, replicas=2)
ALL_ARMS = tuple(ARMS.values())


def small(*, arms: tuple[str, ...] = ("none", "before"), **changes) -> Comparison:
    return Comparison(SMALL.changed(changes), tuple(ARMS[name] for name in arms))


def record_with(comparison: Comparison, requests: dict[int, Request]) -> Record:
    """Return the record of a run that is asked something before some of its steps."""
    setup = Setup.of(comparison)
    training = train(comparison, setup)
    snapshots = [next(training)]
    while True:
        try:
            snapshots.append(training.send(requests.get(snapshots[-1].step + 1)))
        except StopIteration as stop:
            record = Record(comparison, setup.probe.scene())
            return record.extended(Stretch.of(snapshots)).ended(stop.value)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dropout": 0.3, "optimizer": "adam", "learning_rate": 0.003},
        {"data": "spirals", "activation": "tanh", "optimizer": "rmsprop", "learning_rate": 0.001},
        {"batch_size": 1, "activation": "gelu", "optimizer": "momentum"},
    ],
    ids=str,
)
def test_a_run_repeats_bit_for_bit_whatever_ran_before(changes):
    comparison = small(arms=("none", "before", "after"), **changes)
    first = run(comparison).fingerprint()
    torch.manual_seed(4)
    torch.rand(3)
    run(small(seed=99))
    assert run(comparison).fingerprint() == first


def test_the_global_generator_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    run(small(dropout=0.2, data="moons"))
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize("arms", [("none",), ("before",), ("after",)])
def test_looking_at_every_step_changes_nothing(arms):
    comparison = small(arms=arms, dropout=0.2)
    usual = run(comparison)
    watched = record_with(comparison, {step: Request(look=True) for step in range(1, 41)})
    assert np.array_equal(usual.train_loss, watched.train_loss)
    assert len(watched.looks) > len(usual.looks) or len(usual.looks) == 41
    last, expected = watched.looks[-1].arms[0], usual.looks[-1].arms[0]
    assert last is not None and expected is not None
    for field in dataclasses.fields(last):
        one, other = getattr(last, field.name), getattr(expected, field.name)
        assert np.array_equal(one, other, equal_nan=True), field.name


def test_an_arm_trains_the_same_alone_and_in_company():
    together = run(small(arms=("none", "before", "after")))
    for index, name in enumerate(ARMS):
        if name in ("none", "before", "after"):
            alone = run(small(arms=(name,)))
            assert np.array_equal(alone.train_loss[:, 0], together.train_loss[:, index])


def test_a_replica_trains_as_its_seed_alone():
    together = run(small(replicas=3, seed=10, data="xor", points=64))
    alone = run(small(replicas=1, seed=10, data="xor", points=64))
    # Batched and single matrix products may round differently; the first steps show the pairing.
    np.testing.assert_allclose(together.train_loss[:5, :, 0], alone.train_loss[:5, :, 0], rtol=1e-4)


def test_arms_start_from_the_same_weights_and_see_the_same_batches():
    comparison = small(arms=("none", "after"))
    setup = Setup.of(comparison)
    from bn_core.models import Net

    nets = [Net(config, 64, 10) for config in comparison.configs]
    for one, other in zip(nets[0].linears, nets[1].linears, strict=True):
        assert torch.equal(one.weight, other.weight)
    first = Batches(setup.dataset, comparison.configs[0])
    second = Batches(setup.dataset, comparison.configs[1])
    for _ in range(100):
        assert torch.equal(first.next()[0], second.next()[0])


def test_an_epoch_sees_each_example_once_and_the_next_is_shuffled():
    config = Config(data="moons", points=100, batch_size=32, replicas=2)
    batches = Batches(load(config), config)
    epochs = []
    for _ in range(2):
        seen = torch.cat([batches.next()[0] for _ in range(3)], dim=1)  # 3 of 3.125 batches
        assert seen.shape == (2, 96, 2)
        assert len(torch.unique(seen[0], dim=0)) == 96
        epochs.append(seen)
    assert not torch.equal(epochs[0], epochs[1])
    assert not torch.equal(epochs[0][0], epochs[0][1])  # each replica has an order of its own


def test_a_rate_changed_on_the_way_is_recorded_and_repeated():
    changed = record_with(
        small(), {11: Request(learning_rate=0.5), 26: Request(learning_rate=0.01)}
    )
    assert changed.rate_changes == ((10, 0.5), (25, 0.01))
    planned = run(small(rate_changes=changed.rate_changes))
    assert np.array_equal(planned.train_loss, changed.train_loss)
    assert planned.rate_changes == changed.rate_changes
    assert not np.array_equal(changed.train_loss, run(small()).train_loss)


def test_divergence_stops_one_arm_and_is_named():
    record = run(
        Comparison(Config(depth=10, initialization="he", learning_rate=1.0, steps=60, seed=6))
    )
    assert record.ending is not None and record.ending.kind == "finished"
    assert {one.arm for one in record.divergences} == {0}
    assert {one.replica for one in record.divergences} == {0, 1, 2}
    for one in record.divergences:
        assert not np.isfinite(record.train_loss[one.step - 1, 0, one.replica])
        assert np.isfinite(record.train_loss[: one.step - 1, 0, one.replica]).all()
        assert 1 <= one.layer <= 11 and one.what in ("weights", "outputs", "loss")
    assert record.looks[-1].arms[0] is None
    assert np.isfinite(record.train_loss[:, 1]).all()


def test_one_replica_that_diverges_does_not_stop_the_others():
    record = run(
        Comparison(
            Config(depth=10, initialization="he", learning_rate=1.0, steps=30), (ARMS["none"],)
        )
    )
    gone = {one.replica for one in record.divergences}
    assert 0 < len(gone) < 3, "the test needs a run in which some replicas survive"
    for replica in set(range(3)) - gone:
        assert np.isfinite(record.train_loss[:, 0, replica]).all()


def test_a_run_in_which_all_diverge_ends_by_itself():
    record = run(small(arms=("none",), learning_rate=30.0, depth=8, initialization="he", gain=10.0))
    assert record.ending is not None and record.ending.kind == "diverged"
    assert record.step < 40


@pytest.mark.parametrize("arm", list(ARMS))
def test_a_batch_of_one_trains_without_an_error(arm):
    record = run(small(arms=(arm,), batch_size=1, steps=5))
    assert record.step == 5
    assert np.isfinite(record.train_loss).all()


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "leaky_relu", "gelu"])
def test_every_optimizer_and_activation_lowers_the_loss(optimizer, activation):
    rate = {"sgd": 0.2, "momentum": 0.05, "rmsprop": 0.003, "adam": 0.01}[optimizer]
    record = run(
        small(
            arms=("before",), optimizer=optimizer, activation=activation, learning_rate=rate,
            steps=60,
        )
    )  # fmt: skip
    assert record.train_loss[-10:].mean() < 0.8 * record.train_loss[:5].mean()


def test_weight_decay_shrinks_weights_and_dropout_changes_the_training():
    plain = run(small())
    assert not np.array_equal(run(small(dropout=0.5)).train_loss, plain.train_loss)
    assert not np.array_equal(run(small(weight_decay=0.1)).train_loss, plain.train_loss)


def test_a_record_is_bounded_however_long_the_run():
    comparison = small(steps=10_000, replicas=10, arms=("none", "before", "after"))
    source = record_with(small(steps=2, replicas=10, arms=("none", "before", "after")), {})
    record = Record(comparison, source.scene)
    look = source.looks[-1]
    for start in range(0, 10_000, 100):
        stretch = Stretch(
            after_step=start,
            train_loss=np.ones((100, 3, 10), np.float32),
            seconds=np.ones(3),
            looks=tuple(dataclasses.replace(look, step=start + i) for i in range(1, 101)),
        )
        record = record.extended(stretch)
        assert len(record.looks) <= 2 * LOOKS_PER_RUN
    assert record.step == 10_000
    assert record.bytes() < 6e6
    steps = [seen.step for seen in record.looks]
    assert steps == sorted(set(steps))


def test_a_record_passes_over_what_it_holds_and_refuses_a_gap():
    whole = run(small())
    stretch = Stretch(0, whole.train_loss, whole.seconds, whole.looks)
    assert whole.extended(stretch).train_loss.shape == whole.train_loss.shape
    with pytest.raises(ValueError, match="missing"):
        whole.extended(Stretch(45, whole.train_loss[:1], whole.seconds))


def test_a_comparison_that_cannot_train_is_refused_in_words():
    with pytest.raises(ValueError, match="Lower the batch size"):
        run(Comparison(Config(data="moons", points=20, batch_size=64)))


def test_the_untouched_nets_come_first():
    snapshot = next(train(small()))
    assert snapshot.step == 0 and snapshot.look is not None
    assert all(math.isnan(loss) for loss in snapshot.train_loss.ravel())
    assert all(arm is not None and arm.gradient_norm.min() > 0 for arm in snapshot.look.arms)
