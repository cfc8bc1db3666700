"""Faults of workers, pages and the system, made for real: what goes on, and what is said."""

import errno
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bn_core.service import connection, limits, protocol
from bn_core.service.pool import Pool, Rate, Timeouts
from bn_core.service.tasks import TrainingRun
from bn_core.training import run as train_here
from tests.service.waiting import (
    comparison,
    finish,
    heaviest,
    kill_in_its_turn,
    lent,
    process_of,
    rests,
    settled,
    started,
    wait_for,
)

IMPATIENT = Timeouts(suspend=3.0, forget=0.5, suspect=1.0, silent=2.0, forgive=1.0)


@pytest.fixture(scope="module")
def one_worker() -> Iterator[Pool]:
    with started(timeouts=IMPATIENT) as pool:
        yield pool


@pytest.fixture
def impatient(one_worker: Pool) -> Iterator[Pool]:
    """A pool of one worker that soon forgets what has no page, and replaces who is silent."""
    with lent(one_worker) as pool:
        yield pool


def longest_call(call: Callable[[], object], times: int = 1) -> float:
    """Return how many seconds the slowest of some calls takes."""
    slowest = 0.0
    for _ in range(times):
        began = time.monotonic()
        call()
        slowest = max(slowest, time.monotonic() - began)
    return slowest


STANDS_STILL = 3.0
"""Seconds that no call takes on a busy machine, and every one that waits for a stopped worker."""


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.slow
def test_a_stopped_worker_is_replaced_and_its_run_repeated_bit_for_bit(impatient):
    asked = comparison(steps=800)
    run = impatient.open(asked)
    run.play(40)  # so slow that it cannot end before its worker is stopped
    wait_for(lambda: run.step_reached > 20, run)
    stopped = process_of(impatient, run)
    os.kill(stopped, signal.SIGSTOP)
    wait_for(lambda: impatient.health().workers[0].state == "silent", run)
    assert not impatient.health().ok
    newcomer = impatient.open(comparison(seed=9))
    assert newcomer.worker_index is None, "nobody is sent to a silent worker"
    wait_for(lambda: impatient.process_ids and stopped not in impatient.process_ids, run, newcomer)
    finish(newcomer)
    assert finish(run) == train_here(asked).fingerprint()


STUCK = """
import bn_core.service.computations as computations
computations.COMPUTATIONS = {**computations.COMPUTATIONS, "relatives": "stuck:stuck"}
"""


@pytest.mark.slow
def test_a_worker_stuck_in_one_turn_is_replaced_and_the_innocent_run_goes_on(
    monkeypatch, tmp_path: Path
):
    (tmp_path / "sitecustomize.py").write_text(STUCK)
    (tmp_path / "stuck.py").write_text("import time\ndef stuck():\n    yield time.sleep(1000)\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{Path.cwd()}")
    with started(timeouts=Timeouts(stuck=6.0)) as pool:
        innocent = pool.open(comparison(steps=1_000), visitor="innocent")
        innocent.play(50.0)
        wait_for(lambda: innocent.step_reached > 0, innocent)
        guilty = pool.submit("relatives", visitor="guilty")
        wait_for(lambda: guilty.deaths, guilty, innocent)
        guilty.cancel()
        assert innocent.deaths == 0
        assert finish(innocent) == train_here(comparison(steps=1_000)).fingerprint()


@pytest.mark.long
@pytest.mark.slow
def test_two_workers_killed_at_once_count_once():
    with started(workers=2) as pool:
        runs = [pool.open(comparison(steps=10_000, seed=s), visitor=str(s)) for s in range(6)]
        for run in runs:
            run.play(0)
        for _ in range(2):
            wait_for(lambda: len(pool.process_ids) == 2, *runs)
            wait_for(lambda: all(run.worker_index is not None for run in runs), *runs)
            reached = [run.step_reached for run in runs]
            for process in pool.process_ids:
                os.kill(process, signal.SIGKILL)
            wait_for(
                lambda was=reached: all(
                    run.step_reached > step for run, step in zip(runs, was, strict=True)
                ),
                *runs,
            )
        assert sum(run.deaths for run in runs) <= 4, "one run for each death at most"
        assert not any(run.ending for run in runs)


@pytest.mark.slow
def test_a_single_step_lost_with_its_worker_is_taken_again(impatient):
    run = impatient.open(comparison(steps=10_000))
    run.play(100)
    wait_for(lambda: run.step_reached > 20, run)
    run.pause()
    resting = settled(impatient, run)
    os.kill(process_of(impatient, run), signal.SIGSTOP)
    run.step()
    wait_for(lambda: run.step_reached > resting, run)
    assert settled(impatient, run) == resting + 1
    assert run.record is not None and run.record.snapshots[-1].step == resting + 1


@pytest.mark.slow
def test_deaths_are_forgotten_after_good_progress(impatient):
    run = impatient.open(comparison(steps=10_000))
    run.play(0)
    while not run.deaths:
        kill_in_its_turn(impatient, run)
    wait_for(lambda: run.worker_index is not None, run)
    wait_for(lambda: run.deaths == 0, run)


def test_a_forgotten_run_is_dead_and_burns_nothing(impatient):
    run = impatient.open(comparison(steps=10_000))
    run.play(0)
    wait_for(lambda: run.step_reached > 20, run)
    worker = process_of(impatient, run)
    run.disconnect()
    wait_for(lambda: run.forgotten)
    run.renew_lease()
    run.play(0)
    run.step()
    run.set_learning_rate(0.5)
    assert run.state == "forgotten" and run.message and impatient.taken() == 0
    wait_for(lambda: rests(worker))


@pytest.mark.slow
def test_a_page_that_returns_after_its_run_was_forgotten_trains_on_from_where_it_was(impatient):
    asked = comparison(steps=800)
    run = impatient.open(asked, visitor="one")
    run.play(40)  # so slow that it cannot end before it is forgotten
    wait_for(lambda: run.step_reached > 20, run)
    run.disconnect()
    wait_for(lambda: run.forgotten)
    again = impatient.reopen(run)
    assert again.playing and again.step_reached == run.step_reached and impatient.taken() == 1
    again.play(0)
    assert finish(again) == train_here(asked).fingerprint()


def test_what_a_worker_holds_and_nobody_lists_is_closed(impatient):
    worker = impatient.process_ids[0]
    ghost = TrainingRun(impatient, 999_999, comparison(steps=10_000))
    ghost.worker_index = 0
    for command in [*ghost.commands_to_start(), protocol.Play(ghost.id, 0.0)]:
        impatient.send(ghost, command)
    wait_for(lambda: impatient.executing(0) == ghost.id)
    wait_for(lambda: rests(worker))


@pytest.mark.slow
def test_new_seeds_as_fast_as_possible_block_nobody():
    """No limit of openings here: the connection itself has to bear them."""
    pool = Pool(workers=1, opens=Rate(10_000, 10_000))
    pool.start()
    pool.wait_for_thumbnails(60)
    other = pool.open(comparison(steps=10_000), visitor="other")
    other.play(0)
    wait_for(lambda: other.step_reached > 0, other)
    slowest = slowest_health = 0.0
    run = pool.open(heaviest(), visitor="one")
    for seed in range(300):
        slowest = max(slowest, longest_call(run.close))
        began = time.monotonic()
        run = pool.open(heaviest(seed=seed), visitor="one")
        slowest = max(slowest, time.monotonic() - began)
        slowest_health = max(slowest_health, longest_call(pool.health))
    reached = other.step_reached
    wait_for(lambda: other.step_reached > reached, other, run)
    wait_for(lambda: run.built, other, run, seconds=120)
    assert max(slowest, slowest_health) < STANDS_STILL
    assert longest_call(pool.close) < 10


@pytest.mark.slow
def test_commands_to_a_stopped_worker_block_nobody_and_the_pool_ends():
    pool = Pool(workers=1, opens=Rate(10_000, 10_000))
    pool.start()
    assert pool.wait_ready(60)
    run = pool.open(comparison(), visitor="one")
    wait_for(lambda: run.built, run)
    os.kill(pool.process_ids[0], signal.SIGSTOP)

    def new_seeds() -> None:
        pool.open(comparison(), visitor="one").close()
        run.pause()

    assert longest_call(new_seeds, times=2_000) < STANDS_STILL
    assert longest_call(pool.close) < 10


def test_memory_is_counted_and_what_does_not_fit_is_refused_in_words():
    asked = heaviest(depth=5, width=64, replicas=5)
    with started(worker_bytes=0.12e9) as pool:
        light = pool.open(comparison(steps=10_000), visitor="light")
        light.play(0)
        opened, refused = [], ""
        for page in range(10):
            try:
                opened.append(pool.open(asked, visitor=f"page {page}"))
            except RuntimeError as full:
                refused = str(full)
                break
        assert opened and "GB of memory" in refused and "tries again by itself" in refused
        wait_for(lambda: all(run.built for run in opened), light, *opened, seconds=120)
        reached = light.step_reached
        wait_for(lambda: light.step_reached > reached, light, *opened)


@pytest.mark.slow
def test_descriptors_return_when_workers_are_replaced_and_pools_end():
    with started():
        pass
    before = open_descriptors()
    with started() as pool:
        victim = pool.process_ids[0]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: pool.process_ids and victim not in pool.process_ids)
    wait_for(lambda: open_descriptors() <= before)


class NoProcesses:
    """Stands in for ``subprocess.Popen`` while the system has no descriptor or process left."""

    def __init__(self) -> None:
        self.really, self.tried = subprocess.Popen, 0

    def __call__(self, *arguments, **options):
        self.tried += 1
        raise OSError(errno.EMFILE, "Too many open files")


@pytest.mark.slow
def test_a_worker_that_cannot_be_replaced_is_tried_again_and_visitors_are_told(monkeypatch, caplog):
    with started() as pool:
        none = NoProcesses()
        monkeypatch.setattr(subprocess, "Popen", none)
        run = pool.open(comparison())
        os.kill(pool.process_ids[0], signal.SIGKILL)
        wait_for(lambda: none.tried >= 3, run)
        assert "cannot be started" in caplog.text and caplog.text.count("Too many open files") == 1
        assert "No training process can be started" in pool.problem() == pool.health().problem
        monkeypatch.setattr(subprocess, "Popen", none.really)
        wait_for(lambda: not pool.problem(), run)
        finish(run)


def test_a_worker_that_ends_at_once_is_said_and_not_started_in_a_tight_loop(
    monkeypatch, tmp_path: Path, caplog
):
    (tmp_path / "sitecustomize.py").write_text("import os\nos._exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    pool = Pool(workers=1)
    assert pool.problem() == ""
    pool.start()
    wait_for(pool.problem)
    assert caplog.text.count("exit status 3") == 1
    assert longest_call(pool.close) < 10


LACKING = """
import os, sys
sys.modules["resource"] = None
del os.nice
"""


@pytest.mark.slow
def test_a_worker_trains_where_the_system_lacks_limits_priorities_and_passed_sockets(
    monkeypatch, tmp_path: Path
):
    (tmp_path / "sitecustomize.py").write_text(LACKING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(connection, "PASSES_DESCRIPTORS", False)
    before = open_descriptors()
    with started(timeouts=IMPATIENT) as pool:
        expected = train_here(comparison()).fingerprint()
        assert finish(pool.open(comparison())) == expected
        victim = pool.process_ids[0]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: pool.process_ids and victim not in pool.process_ids)
        assert finish(pool.open(comparison())) == expected
    wait_for(lambda: open_descriptors() <= before)


def test_a_worker_that_never_connects_fails_its_start(monkeypatch, tmp_path: Path):
    (tmp_path / "sitecustomize.py").write_text("import os\nos._exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(connection, "PASSES_DESCRIPTORS", False)
    pool = Pool(workers=1)
    pool.start()
    wait_for(pool.problem)
    pool.close()


def test_limits_are_asked_for_only_where_they_are(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    assert limits.limit_memory() is False
    monkeypatch.setitem(__import__("sys").modules, "resource", None)
    assert limits.limit_memory() is False
    monkeypatch.delattr(os, "nice")
    limits.lower_priority()
    monkeypatch.setattr("ctypes.CDLL", lambda name: (_ for _ in ()).throw(TypeError("no name")))
    limits.return_memory(collect=False)
