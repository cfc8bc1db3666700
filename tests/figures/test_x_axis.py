"""Steps, examples seen and seconds as the x axis of one arm's curves."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from bn_core.comparison import ARMS, Comparison, derived_arm
from bn_core.config import Config
from bn_core.figures.record_queries import axis_end, axis_values
from bn_core.records import Record
from tests.figures.invented import make_record


@pytest.fixture
def record() -> Record:
    """Return 40 of 100 steps of two arms, batches of 64 and of 4; the second steps in half."""
    base = Config(steps=100, depth=5)
    arms = (ARMS["none"], derived_arm(ARMS["before"], {"batch_size": 4}, base))
    invented = make_record(("none", "before"), trained=40, every=8)
    times = np.tile(np.array([0.002, 0.001], np.float32), (40, 1))
    times[0] = 0.1
    return dataclasses.replace(
        invented,
        comparison=Comparison(base, arms),
        step_seconds=times,
        seconds=times.sum(axis=0),
    )


def test_steps_are_the_same_for_every_arm(record):
    for arm in (0, 1):
        losses, snapshots = axis_values(record, arm, "steps")
        assert losses.tolist() == list(range(1, 41))
        assert snapshots.tolist() == [0, 8, 16, 24, 32, 40]
    assert axis_end(record, "steps") == 100


def test_examples_count_the_arms_own_batches(record):
    for arm, size in ((0, 64), (1, 4)):
        losses, snapshots = axis_values(record, arm, "examples")
        assert losses.tolist() == [size * step for step in range(1, 41)]
        assert snapshots.tolist() == [size * step for step in (0, 8, 16, 24, 32, 40)]
    assert axis_end(record, "examples") == 6400


def test_seconds_add_up_the_time_of_each_step(record):
    losses, snapshots = axis_values(record, 1, "seconds")
    np.testing.assert_allclose(losses, 0.1 + 0.001 * np.arange(40), rtol=1e-5)
    np.testing.assert_allclose(snapshots, [0, *(0.1 + 0.001 * np.arange(7, 40, 8))], rtol=1e-5)
    slower = axis_values(record, 0, "seconds")[0]
    assert axis_end(record, "seconds") == float(slower[-1]) > losses[-1]


def test_a_record_without_times_of_steps_shares_the_total_out(record):
    untimed = dataclasses.replace(record, step_seconds=np.zeros((0, 0), np.float32))
    losses, snapshots = axis_values(untimed, 0, "seconds")
    total = float(record.seconds[0])
    np.testing.assert_allclose(losses, total * np.arange(1, 41) / 40, rtol=1e-5)
    np.testing.assert_allclose(snapshots, total * np.arange(0, 41, 8) / 40, rtol=1e-5)


@pytest.mark.parametrize("axis", ["steps", "examples", "seconds"])
def test_before_the_first_step_there_is_the_untrained_snapshot_alone(axis):
    losses, snapshots = axis_values(make_record(("none",), trained=0), 0, axis)
    assert losses.shape == (0,) and snapshots.tolist() == [0]
    assert axis_end(make_record(("none",), trained=0), axis) in (0, 100, 6400)


def test_an_axis_that_does_not_exist_is_refused(record):
    unknown: Any = "epochs"
    with pytest.raises(ValueError, match="steps, examples or seconds"):
        axis_values(record, 0, unknown)
