"""Real worker processes: what they train, and what happens when they or the pages go away."""

import os
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest

from bn_core.service.pool import Pool, PoolFull, Timeouts
from bn_core.training import run as train_here
from tests.service.waiting import (
    comparison,
    finish,
    kill_in_its_turn,
    lent,
    process_of,
    settled,
    started,
    wait_for,
)


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Pool]:
    with started(workers=2) as pool:
        yield pool


@pytest.fixture
def pool(two_workers: Pool) -> Iterator[Pool]:
    with lent(two_workers) as pool:
        yield pool


@pytest.fixture(scope="module")
def impatient() -> Iterator[Pool]:
    timeouts = Timeouts(suspend=0.5, evict=0.3, release=1.5, forget=0.5)
    with started(places=2, timeouts=timeouts) as pool:
        yield pool


@pytest.fixture
def short_pool(impatient: Pool) -> Iterator[Pool]:
    """A pool of one worker and two places that loses patience at once."""
    with lent(impatient) as pool:
        yield pool


def test_a_run_in_a_worker_is_the_run_of_the_core(pool):
    run = pool.open(comparison())
    assert finish(run) == train_here(comparison()).fingerprint()


def test_the_nets_can_be_seen_before_they_train(pool):
    run = pool.open(comparison())
    wait_for(lambda: run.built, run)
    assert run.step_reached == 0 and not run.playing


def test_a_worker_killed_in_the_middle_changes_nothing_in_the_record(pool):
    asked = comparison(steps=800)
    run = pool.open(asked)
    run.play(40)  # so slow that it cannot end before its worker does
    wait_for(lambda: run.step_reached > 20, run)
    victim = process_of(pool, run)
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in pool.process_ids, run)
    assert run.ending is None
    assert finish(run) == train_here(asked).fingerprint()
    assert run.deaths <= 1


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["conv", "conv_residual", "inception", "recurrent"])
def test_a_worker_killed_in_the_middle_changes_nothing_of_nets_for_images(pool, architecture):
    nets = {"architecture": architecture, "channels": (2, 4), "branch_start": "skipinit"}
    asked = comparison(steps=80, **nets)
    run = pool.open(asked)
    run.play(10)  # so slow that it cannot end before its worker does
    wait_for(lambda: run.step_reached > 5, run)
    victim = process_of(pool, run)
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in pool.process_ids, run)
    assert run.ending is None
    assert finish(run) == train_here(asked).fingerprint()


def test_a_rate_changed_on_the_way_is_in_the_link_and_survives_a_dead_worker(pool):
    run = pool.open(comparison(steps=800))
    run.play(40)  # so slow that it cannot end before its worker does
    wait_for(lambda: run.step_reached > 20, run)
    run.set_learning_rate(0.01)
    wait_for(lambda: run.record and run.record.rate_changes, run)
    os.kill(process_of(pool, run), signal.SIGKILL)
    finish(run)
    assert run.record is not None and run.learning_rate == 0.01
    again = train_here(run.as_run())
    assert np.array_equal(again.train_loss, run.record.train_loss)
    assert again.rate_changes == run.record.rate_changes


def test_pause_rests_and_a_step_is_one_step(pool):
    run = pool.open(comparison(steps=10_000))
    run.play(0)
    wait_for(lambda: run.step_reached > 20, run)
    run.pause()
    resting = settled(pool, run)
    run.step()
    wait_for(lambda: run.step_reached > resting, run)
    assert settled(pool, run) == resting + 1
    assert run.record is not None and run.record.snapshots[-1].step == resting + 1


def test_a_pace_is_kept(pool):
    run = pool.open(comparison(steps=10_000))
    wait_for(lambda: run.built, run)
    began = time.monotonic()
    run.play(20.0)
    wait_for(lambda: run.step_reached >= 30, run)
    assert time.monotonic() - began > 1.4, "the steps come no sooner than they are due"


def test_a_run_hurries_to_the_step_that_it_was_told_and_keeps_its_pace_from_there(pool):
    run = pool.open(comparison(steps=10_000))
    wait_for(lambda: run.built, run)
    run.play(1e-3, hurry_to=30)  # a step in a quarter of an hour
    wait_for(lambda: run.step_reached >= 30, run)
    run.pause()
    assert settled(pool, run) <= 31


@pytest.mark.slow
def test_runs_that_train_at_once_get_about_the_same(pool):
    runs = [pool.open(comparison(steps=10_000, seed=seed)) for seed in range(6)]
    wait_for(lambda: all(run.built for run in runs), *runs)
    for run in runs:
        run.play(0)
    wait_for(lambda: max(run.step_reached for run in runs) > 800, *runs)
    for run in runs:
        run.pause()  # and have it report all that it has trained
    for run in runs:
        settled(pool, run)
    steps: dict[int | None, list[int]] = {}
    for run in runs:
        steps.setdefault(run.worker_index, []).append(run.step_reached)
    assert [len(same) for same in steps.values()] == [3, 3]
    # Those of one worker: what each of the workers gets is the system's business.
    assert all(min(same) > 0.4 * max(same) for same in steps.values())


def test_a_run_that_no_page_looks_at_rests_until_one_does(short_pool):
    run = short_pool.open(comparison(steps=10_000))
    run.play(100.0)
    wait_for(lambda: run.step_reached > 5, run)
    wait_for(lambda: run.suspended)
    assert not run.playing
    resting = run.step_reached
    run.renew_lease()
    assert run.playing
    wait_for(lambda: run.step_reached > resting, run)


def test_a_run_whose_page_has_gone_is_forgotten_unless_it_returns(short_pool):
    stays, goes = short_pool.open(comparison()), short_pool.open(comparison())
    goes.disconnect()
    stays.disconnect()
    stays.renew_lease()
    wait_for(lambda: not goes.placed, stays)
    assert stays.placed
    assert short_pool.taken() == 1


def test_a_full_pool_says_so_and_a_resting_run_gives_way(short_pool):
    runs = [short_pool.open(comparison(steps=10_000, seed=seed)) for seed in range(2)]
    for run in runs:
        run.play(50.0)
    wait_for(lambda: all(run.built for run in runs), *runs)
    with pytest.raises(PoolFull, match="All 2 places are taken"):
        short_pool.open(comparison())
    runs[0].pause()
    time.sleep(0.4)  # the time for which a run that rests is safe
    runs[1].renew_lease()
    third = short_pool.open(comparison(seed=5))
    assert third.placed and not runs[0].placed and runs[1].placed


def test_a_parked_run_comes_back_where_it_was(short_pool):
    asked = comparison(steps=400)
    run = short_pool.open(asked)
    run.play(40)  # so slow that it cannot end before it is paused
    wait_for(lambda: run.step_reached > 20, run)
    run.pause()
    wait_for(lambda: not run.placed)
    assert run.step_reached > 20
    assert finish(run) == train_here(asked).fingerprint()


@pytest.mark.slow
def test_a_run_that_keeps_killing_workers_is_given_up_in_words(short_pool):
    run = short_pool.open(comparison(steps=10_000))
    run.play(0)
    while not run.ending:
        kill_in_its_turn(short_pool, run)
    assert run.ending.kind == "failed"
    assert run.ending.why == "Its worker process ended 3 times."
    assert not run.placed and short_pool.taken() == 0, "it gives its place back"
    run.play(0)
    run.renew_lease()
    assert short_pool.taken() == 0
    wait_for(lambda: len(short_pool.process_ids) == 1)
    other = short_pool.open(comparison(steps=20))
    finish(other)


def test_a_comparison_that_cannot_train_is_refused(pool):
    with pytest.raises(ValueError, match="Lower the width"):
        pool.open(comparison(width=256, depth=20, batch_size=512, replicas=10))


def test_the_thumbnails_show_every_data_set(pool):
    thumbnails = pool.wait_for_thumbnails(30)
    assert set(thumbnails) == {"digits", "moons", "circles", "spirals", "xor"}
    assert thumbnails["digits"].images.shape[1:] == (8, 8)
    assert np.abs(thumbnails["moons"].points).max() <= 1
