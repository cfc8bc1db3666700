"""Records: bounded however long the run, put together from stretches without a seam."""

import dataclasses

import numpy as np
import pytest

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.records import (
    HISTOGRAM_EDGES,
    LARGEST_VALUE,
    SNAPSHOTS_PER_RUN,
    Divergence,
    Ending,
    Record,
    RecordChunk,
    Snapshot,
    snapshot_spacing,
)
from bn_core.training import Request, Setup, run, train

MOST_BYTES = 11e6
"""Of three arms of the deepest nets with ten seeds, a snapshot after every step of 10,000."""

SMALL = Comparison(Config(depth=2, width=8, steps=12, batch_size=32, replicas=2))


def snapshots_of(comparison: Comparison, *, snapshot: bool = False):
    training = train(comparison, Setup.of(comparison))
    found = [next(training)]
    while True:
        try:
            found.append(training.send(Request(snapshot=snapshot)))
        except StopIteration:
            return found


def empty(comparison: Comparison) -> Record:
    return Record(comparison, Setup.of(comparison).probe.summary())


def longest_run(snapshot: Snapshot, *, snapshot_at_every_step: bool) -> Record:
    """Return the record of 10,000 steps of the largest nets with one snapshot, repeated."""
    base = Config(depth=20, width=8, steps=10_000, replicas=10, data="moons")
    comparison = Comparison(base, tuple(ARMS[name] for name in ("none", "before", "after")))
    record, spacing = empty(comparison), snapshot_spacing(base.steps)
    for start in range(0, base.steps, 500):
        steps = range(start + 1, start + 501)
        snapshots = [
            dataclasses.replace(snapshot, step=step)
            for step in steps
            if snapshot_at_every_step or step % spacing == 0
        ]
        loss = np.ones((500, 3, 10), np.float32)
        record = record.extended(RecordChunk(start, loss, np.ones(3), tuple(snapshots)))
        assert len(record.snapshots) <= 2 * SNAPSHOTS_PER_RUN
    return record


@pytest.fixture(scope="module")
def largest_snapshot() -> Snapshot:
    base = Config(depth=20, width=8, steps=1, replicas=10, data="moons")
    arms = tuple(ARMS[name] for name in ("none", "before", "after"))
    snapshot = next(train(Comparison(base, arms))).snapshot
    assert snapshot is not None
    return snapshot


@pytest.mark.parametrize("snapshot_at_every_step", [True, False])
def test_the_longest_run_of_the_largest_nets_stays_within_the_stated_size(
    largest_snapshot, snapshot_at_every_step
):
    record = longest_run(largest_snapshot, snapshot_at_every_step=snapshot_at_every_step)
    assert record.step == 10_000
    assert record.bytes() <= MOST_BYTES
    steps = [snapshot.step for snapshot in record.snapshots]
    assert steps == sorted(set(steps))
    # The even spacing is kept from end to end, whatever other snapshots there are.
    spacing = snapshot_spacing(10_000)
    assert set(range(spacing, 10_001, spacing)) <= set(steps)


@pytest.mark.parametrize("steps", [1, 7, 31, 32, 33, 64, 100, 999, 1_000, 10_000])
def test_a_run_of_any_length_takes_at_most_the_stated_number_of_snapshots(steps):
    spacing = snapshot_spacing(steps)
    assert 1 <= steps // spacing <= SNAPSHOTS_PER_RUN
    assert steps < 2 * SNAPSHOTS_PER_RUN or steps // spacing > SNAPSHOTS_PER_RUN / 2


@pytest.mark.parametrize("size", [1, 3, 5, 13])
def test_a_record_put_together_from_stretches_is_the_record_of_the_run(size):
    step_results = snapshots_of(SMALL)
    record = empty(SMALL)
    for start in range(0, len(step_results), size):
        record = record.extended(RecordChunk.of(step_results[start : start + size]))
    whole = run(SMALL)
    assert record.fingerprint() == whole.fingerprint()
    assert record.step == 12
    np.testing.assert_allclose(record.seconds, sum(s.seconds for s in step_results))
    assert record.step_seconds.shape == (12, 2)
    np.testing.assert_allclose(record.step_seconds.sum(axis=0), record.seconds, rtol=1e-5)


def test_a_stretch_that_comes_again_is_passed_over():
    step_results = snapshots_of(SMALL)
    half = empty(SMALL).extended(RecordChunk.of(step_results[:7]))
    again = half.extended(RecordChunk.of(step_results[1:5]))
    assert again.fingerprint() == half.fingerprint()
    overlapping = half.extended(RecordChunk.of(step_results[3:]))
    assert overlapping.fingerprint() == run(SMALL).fingerprint()


def test_times_of_steps_that_come_again_are_counted_once_and_missing_ones_leave_none():
    step_results = snapshots_of(SMALL)
    half = empty(SMALL).extended(RecordChunk.of(step_results[:7]))
    again = half.extended(RecordChunk.of(step_results[3:]))
    expected = np.array([s.seconds for s in step_results[1:]], np.float32)
    np.testing.assert_array_equal(again.step_seconds, expected)
    untimed = RecordChunk(6, np.ones((4, 2, 2), np.float32), np.ones(2))
    assert len(half.extended(untimed).step_seconds) == 0
    timed_again = half.extended(untimed).extended(RecordChunk.of(step_results[11:]))
    assert timed_again.step == 12 and len(timed_again.step_seconds) == 0


def test_divergences_and_rate_changes_that_come_again_are_counted_once():
    loss = np.ones((4, 2, 2), np.float32)
    gone = Divergence(0, 1, 3, 2, "outputs")
    chunk = RecordChunk(0, loss, np.ones(2), (), (gone,), ((2, 0.5),))
    record = empty(SMALL).extended(chunk).extended(chunk)
    assert record.divergences == (gone,)
    assert record.rate_changes == ((2, 0.5),)
    later = RecordChunk(4, loss, np.ones(2), (), (), ((4, 0.1),))
    assert record.extended(later).rate_changes == ((2, 0.5), (4, 0.1))


def test_a_gap_is_refused_and_named():
    step_results = snapshots_of(SMALL)
    record = empty(SMALL).extended(RecordChunk.of(step_results[:5]))
    with pytest.raises(ValueError, match="Steps 5 to 6 are missing"):
        record.extended(RecordChunk.of(step_results[7:]))


def test_a_record_is_not_changed_by_what_is_added_to_it():
    step_results = snapshots_of(SMALL)
    record = empty(SMALL).extended(RecordChunk.of(step_results[:5]))
    before = record.fingerprint()
    record.extended(RecordChunk.of(step_results[5:])).ended(Ending("finished", 12))
    assert record.fingerprint() == before
    assert record.step == 4 and record.ending is None


def test_the_fingerprint_sees_every_number_but_the_times():
    record = run(SMALL)
    print_of = record.fingerprint()
    other_times = dataclasses.replace(
        record, seconds=record.seconds + 1, step_seconds=record.step_seconds + 1
    )
    assert other_times.fingerprint() == print_of
    loss = record.train_loss.copy()
    loss[-1, 0, 0] = np.nextafter(loss[-1, 0, 0], np.float32(9))
    assert dataclasses.replace(record, train_loss=loss).fingerprint() != print_of
    arm = record.snapshots[3].arms[1]
    assert arm is not None
    for name, array in arm.arrays().items():
        numbers = array.copy()
        if not numbers.size:
            continue
        numbers.flat[-1] = 1 if numbers.flat[-1] != 1 else 2
        changed = dataclasses.replace(arm, **{name: numbers})
        snapshot = dataclasses.replace(
            record.snapshots[3], arms=(record.snapshots[3].arms[0], changed)
        )
        snapshots = (*record.snapshots[:3], snapshot, *record.snapshots[4:])
        assert dataclasses.replace(record, snapshots=snapshots).fingerprint() != print_of, name


def test_histogram_edges_are_even_in_asinh_and_reach_the_largest_value():
    assert HISTOGRAM_EDGES[-1] == pytest.approx(LARGEST_VALUE)
    np.testing.assert_allclose(HISTOGRAM_EDGES, -HISTOGRAM_EDGES[::-1], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.diff(np.arcsinh(2 * HISTOGRAM_EDGES), 2), 0, atol=1e-9)
