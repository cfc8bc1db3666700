"""Real worker processes: what they train, and what happens when they or the pages go away."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.records import Ending
from bn_core.service.pool import Patience, Pool, PoolFull
from bn_core.service.run import Run
from bn_core.training import run as train_here

HOUSEKEEPING = 1.0


def comparison(**changes) -> Comparison:
    base = Config(depth=3, width=32, replicas=2, steps=300, batch_size=32)
    return Comparison(base.changed(changes), (ARMS["none"], ARMS["before"]))


def wait_for(condition: Callable[[], object], *runs: Run, seconds: float = 40.0) -> None:
    """Wait until a condition holds, looking at ``runs`` meanwhile as a page does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        for run in runs:
            run.seen()
        time.sleep(0.02)


def step_of(run: Run) -> int:
    return run.record.step if run.record else 0


def is_drawn(run: Run) -> bool:
    return run.record is not None and len(run.record.snapshots) > 0


def finish(run: Run) -> str:
    """Train a run to its end and return its fingerprint."""
    run.play(0)
    wait_for(lambda: run.ending, run)
    assert run.record is not None and run.ending is not None
    assert run.ending.kind == "finished", run.ending
    return run.record.fingerprint()


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
    started = Pool(workers=1, places=2, patience=Patience(0.5, 0.3, 1.5, 0.5))
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
    wait_for(lambda: is_drawn(run), run)
    assert step_of(run) == 0 and not run.playing
    run.close()


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_changes_nothing_in_the_record(pool):
    asked = comparison(steps=2_000)
    run = pool.open(asked)
    run.play(0)
    wait_for(lambda: step_of(run) > 200, run)
    victim = pool.process_ids[run.slot or 0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in pool.process_ids, run)
    assert run.ending is None
    wait_for(lambda: run.ending, run, seconds=90)
    assert run.deaths == 1
    assert run.record is not None
    assert run.record.fingerprint() == train_here(asked).fingerprint()
    run.close()
    wait_for(lambda: len(pool.process_ids) == 2)


def test_a_rate_changed_on_the_way_is_in_the_link_and_survives_a_dead_worker(pool):
    run = pool.open(comparison(steps=1_500))
    run.play(0)
    wait_for(lambda: step_of(run) > 100, run)
    run.set_learning_rate(0.01)
    wait_for(lambda: run.record and run.record.rate_changes, run)
    os.kill(pool.process_ids[run.slot or 0], signal.SIGKILL)
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
    wait_for(lambda: step_of(run) > 20, run)
    run.pause()
    resting = settled(run)
    run.step()
    wait_for(lambda: step_of(run) == resting + 1, run)
    assert settled(run) == resting + 1
    assert run.record is not None and run.record.snapshots[-1].step == resting + 1
    run.close()


def settled(run: Run) -> int:
    """Return the step after which nothing more has come for half a second."""
    last, since = step_of(run), time.monotonic()
    while time.monotonic() - since < 0.5:
        time.sleep(0.02)
        if step_of(run) != last:
            last, since = step_of(run), time.monotonic()
    return last


def test_a_pace_is_kept(pool):
    run = pool.open(comparison(steps=10_000))
    wait_for(lambda: is_drawn(run), run)
    run.play(20.0)
    wait_for(lambda: step_of(run) >= 5, run)
    before, began = step_of(run), time.monotonic()
    wait_for(lambda: time.monotonic() - began > 2, run)
    assert 25 <= step_of(run) - before <= 55  # 40, and what one report may bring
    run.close()


def test_runs_that_train_at_once_get_about_the_same(pool):
    runs = [pool.open(comparison(steps=10_000, seed=seed)) for seed in range(6)]
    wait_for(lambda: all(is_drawn(run) for run in runs), *runs)
    for run in runs:
        run.play(0)
    wait_for(lambda: max(map(step_of, runs)) > 400, *runs)
    steps = sorted(map(step_of, runs))
    assert steps[0] > 0.4 * steps[-1]
    for run in runs:
        run.close()


def test_a_run_that_no_page_looks_at_rests_until_one_does(short_pool):
    run = short_pool.open(comparison(steps=10_000))
    run.play(100.0)
    wait_for(lambda: step_of(run) > 5, run)
    wait_for(lambda: run.suspended)
    resting = settled(run)
    run.seen()
    assert run.playing
    wait_for(lambda: step_of(run) > resting, run)


def test_a_run_whose_page_has_gone_is_forgotten_unless_it_returns(short_pool):
    stays, goes = short_pool.open(comparison()), short_pool.open(comparison())
    stays.leave()
    goes.leave()
    stays.seen()
    wait_for(lambda: not goes.placed, stays)
    assert stays.placed
    assert short_pool.taken() == 1


def test_a_full_pool_says_so_and_a_resting_run_gives_way(short_pool):
    runs = [short_pool.open(comparison(steps=10_000, seed=seed)) for seed in range(2)]
    for run in runs:
        run.play(50.0)
    with pytest.raises(PoolFull, match="All 2 places are taken"):
        short_pool.open(comparison())
    runs[0].pause()
    runs[0].seen()
    wait_for(lambda: runs[0].unseen_for() > 0.4, runs[1])
    third = short_pool.open(comparison(seed=5))
    assert third.placed and not runs[0].placed and runs[1].placed


def test_a_parked_run_comes_back_where_it_was(short_pool):
    asked = comparison(steps=400)
    run = short_pool.open(asked)
    run.play(0)
    wait_for(lambda: step_of(run) > 100, run)
    run.pause()
    wait_for(lambda: not run.placed)
    assert step_of(run) > 100
    assert finish(run) == train_here(asked).fingerprint()


def test_a_run_that_keeps_killing_workers_is_given_up_in_words(short_pool):
    run = short_pool.open(comparison(steps=10_000))
    for _ in range(3):
        wait_for(lambda: len(short_pool.process_ids) == 1 and run.slot is not None, run)
        os.kill(short_pool.process_ids[0], signal.SIGKILL)
        wait_for(lambda: not short_pool.process_ids or run.ending, run)
    wait_for(lambda: run.ending, run)
    assert run.ending == Ending("failed", 0, "Its worker process ended 3 times.")
    wait_for(lambda: len(short_pool.process_ids) == 1)
    other = short_pool.open(comparison(steps=20))
    finish(other)


def test_a_comparison_that_cannot_train_is_refused(pool):
    with pytest.raises(ValueError, match="Lower the width"):
        pool.open(comparison(width=256, depth=20, batch_size=512, replicas=10))


def test_the_pictures_show_every_data_set(pool):
    pictures = pool.wait_for_pictures(30)
    assert set(pictures) == {"digits", "moons", "circles", "spirals", "xor"}
    assert pictures["digits"].images.shape[1:] == (8, 8)
    assert np.abs(pictures["moons"].points).max() <= 1


def test_closing_the_pool_ends_its_processes():
    closing = Pool(workers=2)
    closing.start()
    wait_for(lambda: len(closing.process_ids) == 2)
    processes = closing.process_ids
    closing.close()
    wait_for(lambda: not any(os.path.exists(f"/proc/{number}") for number in processes))
