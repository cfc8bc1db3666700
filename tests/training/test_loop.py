"""Training: as torch's own modules train, with rates that change on the way."""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch.nn import functional

from bn_core.comparison import ARMS, Comparison
from bn_core.config import SETTINGS, Config
from bn_core.datasets.loading import load
from bn_core.nets import build
from bn_core.probing import Probe
from bn_core.records import SNAPSHOTS_PER_RUN, Record, RecordChunk
from bn_core.settings import SettingError
from bn_core.training import Batches, Request, Setup, run, train, train_by_arms
from tests.reference import optimizer_of, torch_net
from tests.runs import THREE, assert_equal_runs, record_with, small

RATES = {"sgd": 0.2, "momentum": 0.05, "rmsprop": 0.003, "adam": 0.01}


@pytest.fixture
def _double_precision() -> Iterator[None]:
    """Make new nets compute in float64, so that rounding does not grow to a visible difference.

    RMSprop's first steps divide each gradient by its own size: an entry that is 1e-7 and another
    rounding of it step by different amounts, and in float32 losses differ by 1e-3 within 12 steps.
    """
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(usual)


def setup_in_double(comparison: Comparison) -> Setup:
    """Return the data and probe of a comparison in float64."""
    data = load(comparison.base)
    inputs, held_out = data.train_inputs.double(), data.validation_inputs.double()
    data = dataclasses.replace(data, train_inputs=inputs, validation_inputs=held_out)
    return Setup(data, Probe.of(data))


def losses_of_one_net(comparison: Comparison, setup: Setup, arm: int, replica: int) -> list[float]:
    """Return the losses of one replica trained by torch's own modules, one net by itself."""
    config, data = comparison.configs[arm], setup.dataset
    net = torch_net(build(config, data.input_shape, len(data.classes)), config, replica)
    optimizer, batches = optimizer_of(net, config), Batches(setup.dataset, comparison.base)
    losses, changes = [], dict(config.rate_changes)
    for step in range(config.steps):
        for group in optimizer.param_groups:
            group["lr"] = changes.get(step, group["lr"])
        images, labels = (part[replica] for part in batches.next())
        loss = functional.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.usefixtures("_double_precision")
@pytest.mark.parametrize("optimizer", list(RATES))
@pytest.mark.parametrize(
    "changes",
    [
        {"weight_decay": 0.05},
        {"data": "moons", "activation": "tanh", "initialization": "xavier"},
        {"bn_cumulative": True, "rate_changes": ((6, 1e-3),), "activation": "leaky_relu"},
        {"widths": (24, 16, 8), "normalized_layers": (1, 3)},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_each_arm_and_seed_trains_as_a_net_of_torch_by_itself(optimizer, changes):
    rate = {"optimizer": optimizer, "learning_rate": RATES[optimizer]}
    comparison = small(arms=THREE, steps=12, **(rate | changes))
    setup = setup_in_double(comparison)
    record = record_with(comparison, {}, setup)
    for arm in range(3):
        for replica in range(2):
            expected = losses_of_one_net(comparison, setup, arm, replica)
            # The record keeps float32: losses agree to its last digit.
            np.testing.assert_allclose(record.train_loss[:, arm, replica], expected, rtol=1e-6)
    assert not np.allclose(record.train_loss[-1, 0], record.train_loss[-1, 1], rtol=1e-2)


@pytest.mark.parametrize("optimizer", list(RATES))
@pytest.mark.parametrize("activation", list(SETTINGS["activation"].options))
def test_every_optimizer_and_activation_lowers_the_loss(optimizer, activation):
    rate = RATES[optimizer]
    comparison = small(
        arms=("before",), optimizer=optimizer, activation=activation, learning_rate=rate, steps=50
    )
    loss = run(comparison).train_loss
    assert loss[-10:].mean() < 0.8 * loss[:5].mean()


def test_both_kinds_of_validation_are_there_and_differ():
    running, batch = (run(small(steps=20, evaluate_with=e)) for e in ("running", "batch"))
    assert np.array_equal(running.train_loss, batch.train_loss)
    for index, same in ((0, True), (1, False)):
        one, other = running.snapshots[-1].arms[index], batch.snapshots[-1].arms[index]
        assert one is not None and other is not None
        assert np.array_equal(one.validation_loss, other.validation_loss) == same


@pytest.mark.parametrize("optimizer", list(RATES))
def test_a_rate_changed_on_the_way_is_recorded_and_repeated(optimizer):
    usual = {"optimizer": optimizer, "learning_rate": RATES[optimizer], "dropout": 0.1}
    asked = {11: Request(learning_rate=0.02), 26: Request(learning_rate=0.001)}
    changed = record_with(small(**usual), asked)
    assert changed.rate_changes == ((10, 0.02), (25, 0.001))
    planned = run(small(**usual, rate_changes=changed.rate_changes))
    assert_equal_runs(planned, changed)
    unchanged = run(small(**usual))
    assert np.array_equal(changed.train_loss[:11], unchanged.train_loss[:11])
    assert not np.array_equal(changed.train_loss[11:], unchanged.train_loss[11:])


def test_what_the_reader_does_replaces_what_was_planned():
    planned = small(rate_changes=((5, 0.5), (20, 0.01), (30, 0.3)))
    changed = record_with(planned, {13: Request(learning_rate=0.05)})
    assert changed.rate_changes == ((5, 0.5), (12, 0.05))
    assert_equal_runs(run(small(rate_changes=changed.rate_changes)), changed)


def test_a_rate_chosen_before_the_first_step_is_as_if_it_had_been_set():
    changed = record_with(small(), {1: Request(learning_rate=0.02)})
    assert np.array_equal(changed.train_loss, run(small(learning_rate=0.02)).train_loss)


def test_a_rate_that_stays_is_no_change():
    same = record_with(small(), {10: Request(learning_rate=small().base.learning_rate)})
    assert same.rate_changes == ()
    assert_equal_runs(run(small()), same)


def test_a_look_asked_for_is_taken_and_no_other():
    comparison = small(steps=400)
    record = record_with(comparison, {3: Request(snapshot=True), 57: Request(snapshot=True)})
    usual = {snapshot.step for snapshot in run(comparison).snapshots}
    assert {snapshot.step for snapshot in record.snapshots} == usual | {3, 57}
    assert 0 in usual and 400 in usual and len(usual) <= SNAPSHOTS_PER_RUN + 2


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "finished"),
        ({"steps": 1}, "finished"),
        ({"arms": ("none",), "gain": 100.0, "depth": 20, "initialization": "he"}, "diverged"),
    ],
    ids=lambda value: str(value),
)
def test_the_last_step_result_and_no_other_carries_the_ending(changes, kind):
    comparison = small(**changes)
    *others, last = train(comparison)
    assert last.ending == run(comparison).ending and last.ending is not None
    assert (last.ending.kind, last.ending.step) == (kind, last.step)
    assert all(step_result.ending is None for step_result in others)


def test_training_waits_while_nobody_asks():
    training = train(small())
    assert [next(training).step for _ in range(4)] == [0, 1, 2, 3]
    training.close()
    with pytest.raises(StopIteration):
        next(training)


@pytest.mark.parametrize("arm", list(ARMS))
@pytest.mark.parametrize("data", ["digits", "moons"])
def test_a_batch_of_one_trains_without_an_error(arm, data):
    record = run(small(arms=(arm,), batch_size=1, steps=6, data=data))
    assert record.ending is not None and record.ending.kind == "finished"
    assert np.isfinite(record.train_loss).all()
    snapshot = record.snapshots[-1].arms[0]
    assert snapshot is not None and np.isfinite(snapshot.validation_loss).all()


def test_a_batch_as_large_as_the_data_trains_and_a_larger_one_is_refused_in_words():
    assert run(small(data="moons", points=40, batch_size=40, steps=2)).step == 2
    with pytest.raises(ValueError, match="Lower the batch size to 40 or less"):
        run(small(data="moons", points=40, batch_size=41))
    with pytest.raises(SettingError, match="1 to 512"):
        Config(batch_size=2_000)


def test_dropout_and_weight_decay_change_the_training_of_every_arm():
    plain = run(small(arms=THREE, steps=10))
    for changes in ({"dropout": 0.5}, {"weight_decay": 0.1}):
        other = run(small(arms=THREE, steps=10, **changes))
        for arm in range(3):
            assert not np.array_equal(other.train_loss[:, arm], plain.train_loss[:, arm])


def test_the_untouched_nets_come_first():
    comparison = small(arms=THREE)
    step_result = next(train(comparison))
    assert step_result.step == 0 and step_result.snapshot is not None
    assert all(math.isnan(loss) for loss in step_result.train_loss.ravel())
    for index, arm in enumerate(step_result.snapshot.arms):
        assert arm is not None
        assert np.isnan(arm.update_ratio).all()  # no step has been taken
        first = first_gradient(comparison, index)
        np.testing.assert_allclose(arm.gradient_norm, first, rtol=1e-4)
    assert RecordChunk.of([step_result]).train_loss.shape == (0, 3, 2)


def first_gradient(comparison: Comparison, arm: int) -> np.ndarray:
    """Return the norms of the first batch's gradients, (K, L + 1), by torch's own modules."""
    config, setup = comparison.configs[arm], Setup.of(comparison)
    images, labels = Batches(setup.dataset, comparison.base).first()
    norms = []
    for replica in range(config.replicas):
        net = torch_net(build(config, (64,), 10), config, replica)
        functional.cross_entropy(net(images[replica]), labels[replica]).backward()
        linears = [module for module in net if isinstance(module, torch.nn.Linear)]
        norms.append([float(linear.weight.grad.norm()) for linear in linears])  # type: ignore[union-attr]
    return np.array(norms)


def test_a_step_by_arms_pauses_after_each_arm_and_brings_the_same_record():
    comparison = small(arms=("none", "before"), steps=8)
    whole, parts = list(train(comparison)), list(train_by_arms(comparison))
    assert [part is None for part in parts] == [False] + 8 * [True, True, False]
    results = [part for part in parts if part is not None]
    record = Record(comparison, Setup.of(comparison).probe.summary())
    one, other = (record.extended(RecordChunk.of(each)) for each in (whole, results))
    assert one.fingerprint() == other.fingerprint()
