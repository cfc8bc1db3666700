"""What the tests of the service share: small comparisons, and waiting as a page does."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bn_core.comparison import ARMS, MOST_ARMS, Comparison
from bn_core.config import Config
from bn_core.service.pool import Pool
from bn_core.service.tasks import Task, TrainingRun


def comparison(**changes) -> Comparison:
    """Return two small nets that train thousands of steps a second."""
    base = Config(depth=3, width=32, replicas=2, steps=300, batch_size=32)
    return Comparison(base.changed(changes), (ARMS["none"], ARMS["before"]))


def heaviest(**changes) -> Comparison:
    """Return the largest nets that a visitor may run."""
    base = Config(depth=20, width=256, replicas=10, batch_size=16, steps=10_000)
    return Comparison(base.changed(changes), tuple(ARMS.values())[:MOST_ARMS])


@contextmanager
def started(workers: int = 1, **options: Any) -> Iterator[Pool]:
    """Start a pool, wait for its workers, and end it and them afterwards."""
    pool = Pool(workers=workers, **options)
    pool.start()
    try:
        wait_for(lambda: len(pool.process_ids) == workers)
        pool.wait_for_thumbnails(60)
        yield pool
    finally:
        processes = pool.process_ids
        pool.close()
    wait_for(lambda: not any(os.path.exists(f"/proc/{number}") for number in processes))


@contextmanager
def lent(pool: Pool) -> Iterator[Pool]:
    """Yield a shared pool with all its workers; afterwards what was opened in it is closed."""
    wait_for(lambda: pool.health().ok)
    opened: list[Task] = []

    def noted(begin: Callable[..., Task]) -> Callable[..., Task]:
        def begin_and_note(*arguments: Any, **options: Any) -> Task:
            opened.append(begin(*arguments, **options))
            return opened[-1]

        return begin_and_note

    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "reopen", "submit"):
            patch.setattr(pool, name, noted(getattr(pool, name)))
        yield pool
    for task in opened:
        pool.remove(task)


def wait_for(condition: Callable[[], object], *tasks: Task, seconds: float = 60.0) -> None:
    """Wait until a condition holds, renewing the leases of ``tasks`` meanwhile as a page does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        for task in tasks:
            task.renew_lease()
        time.sleep(0.02)


def finish(run: TrainingRun) -> str:
    """Train a run to its end and return its fingerprint."""
    run.play(0)
    wait_for(lambda: run.ending, run)
    assert run.record is not None and run.ending is not None
    assert run.ending.kind == "finished", run.ending
    return run.record.fingerprint()


def settled(pool: Pool, run: TrainingRun) -> int:
    """Return the step of a run once its worker has been heard from twice without a new one.

    Heartbeats and not seconds: on a busy machine a worker is late with everything alike.
    """
    last, heard, age = run.step_reached, 0, float("inf")
    deadline = time.monotonic() + 60
    while heard < 3:  # the first of them may have been on its way before
        assert time.monotonic() < deadline, "it went on for a minute"
        time.sleep(0.02)
        before, age = age, pool.health().workers[run.worker_index or 0].heartbeat_age
        heard += age < before
        if run.step_reached != last:
            last, heard = run.step_reached, 0
    return last


def process_of(pool: Pool, task: Task) -> int:
    """Return the process of the worker that has a task."""
    found = pool.process_of(task)
    assert found is not None
    return found


def processor_time(process: int) -> int:
    """Return the clock ticks that a process has computed."""
    with open(f"/proc/{process}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def rests(process: int) -> bool:
    """Return whether a process computes next to nothing for half a second."""
    before, until = processor_time(process), time.monotonic() + 0.5
    while time.monotonic() < until:
        time.sleep(0.05)
    return processor_time(process) - before <= 1


def kill_in_its_turn(pool: Pool, task: Task) -> None:
    """Kill a worker while a task has its turn, and wait until the pool knows."""
    wait_for(lambda: task.done or pool.process_of(task) is not None, task)
    if task.done:
        return
    victim, index = process_of(pool, task), task.worker_index or 0
    wait_for(lambda: task.done or pool.executing(index) == task.id, task)
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in pool.process_ids, task)
