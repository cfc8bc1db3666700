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
    process_of,
    settled,
    wait_for,
)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    started = Pool(workers=2)
    started.start()
    assert started.wait_ready(60)
    wait_for(lambda: len(started.process_ids) == 2)
    yield started
    started.close()


@pytest.fixture
def short_pool() -> Iterator[Pool]:
    """A pool of one worker and two places that loses patience at once."""
    started = Pool(
        workers=1, places=2, timeouts=Timeouts(suspend=0.5, evict=0.3, release=1.5, forget=0.5)
    )
    started.start()
    assert started.wait_ready(60)
    yield started
    started.close()


def test_a_run_in_a_worker_is_the_run_of_the_core(pool):
    run = pool.open(comparison())
    assert finish(run) == train_here(comparison()).fingerprint()
    run.close()


def test_the_nets_can_be_seen_before_they_train(pool):
    run = pool.open(comparison())
    wait_for(lambda: run.built, run)
    assert run.step_reached == 0 and not run.playing
    run.close()


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_changes_nothing_in_the_record(pool):
    asked = comparison(steps=2_000)
    run = pool.open(asked)
    run.play(0)
    wait_for(lambda: run.step_reached > 200, run)
    victim = process_of(pool, run)
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in pool.process_ids, run)
    assert run.ending is None
    wait_for(lambda: run.ending, run, seconds=90)
    assert run.deaths <= 1
    assert run.record is not None
    assert run.record.fingerprint() == train_here(asked).fingerprint()
    run.close()
    wait_for(lambda: len(pool.process_ids) == 2)


def test_a_rate_changed_on_the_way_is_in_the_link_and_survives_a_dead_worker(pool):
    run = pool.open(comparison(steps=1_500))
    run.play(0)
    wait_for(lambda: run.step_reached > 100, run)
    run.set_learning_rate(0.01)
    wait_for(lambda: run.record and run.record.rate_changes, run)
    os.kill(process_of(pool, run), signal.SIGKILL)
    wait_for(lambda: run.ending, run, seconds=90)
    assert run.record is not None and run.learning_rate == 0.01
    again = train_here(run.as_run())
    assert np.array_equal(again.train_loss, run.record.train_loss)
    assert again.rate_changes == run.record.rate_changes
    run.close()
    wait_for(lambda: len(pool.process_ids) == 2)


def test_pause_rests_and_a_step_is_one_step(pool):
    run = pool.open(comparison(steps=10_000))
    run.play(0)
    wait_for(lambda: run.step_reached > 20, run)
    run.pause()
    resting = settled(run)
    run.step()
    wait_for(lambda: run.step_reached == resting + 1, run)
    assert settled(run) == resting + 1
    assert run.record is not None and run.record.snapshots[-1].step == resting + 1
    run.close()


def test_a_pace_is_kept(pool):
    run = pool.open(comparison(steps=10_000))
    wait_for(lambda: run.built, run)
    run.play(20.0)
    wait_for(lambda: run.step_reached >= 5, run)
    before, began = run.step_reached, time.monotonic()
    wait_for(lambda: time.monotonic() - began > 2, run)
    assert 25 <= run.step_reached - before <= 55  # 40, and what one report may bring
    run.close()


def test_runs_that_train_at_once_get_about_the_same(pool):
    runs = [pool.open(comparison(steps=10_000, seed=seed)) for seed in range(6)]
    wait_for(lambda: all(run.built for run in runs), *runs)
    for run in runs:
        run.play(0)
    wait_for(lambda: max(run.step_reached for run in runs) > 400, *runs)
    steps = sorted(run.step_reached for run in runs)
    assert steps[0] > 0.4 * steps[-1]
    for run in runs:
        run.close()


def test_a_run_that_no_page_looks_at_rests_until_one_does(short_pool):
    run = short_pool.open(comparison(steps=10_000))
    run.play(100.0)
    wait_for(lambda: run.step_reached > 5, run)
    wait_for(lambda: run.suspended)
    resting = settled(run)
    run.renew_lease()
    assert run.playing
    wait_for(lambda: run.step_reached > resting, run)


def test_a_run_whose_page_has_gone_is_forgotten_unless_it_returns(short_pool):
    stays, goes = short_pool.open(comparison()), short_pool.open(comparison())
    stays.disconnect()
    goes.disconnect()
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
    run.play(0)
    wait_for(lambda: run.step_reached > 100, run)
    run.pause()
    wait_for(lambda: not run.placed)
    assert run.step_reached > 100
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


def test_closing_the_pool_ends_its_processes():
    closing = Pool(workers=2)
    closing.start()
    wait_for(lambda: len(closing.process_ids) == 2)
    processes = closing.process_ids
    closing.close()
    wait_for(lambda: not any(os.path.exists(f"/proc/{number}") for number in processes))
