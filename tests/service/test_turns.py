"""Fair turns in a worker, the rate of openings, and the order of what waits."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bn_core.records import RecordChunk
from bn_core.service import placement, protocol
from bn_core.service.pool import Pool, PoolFull, Rate
from bn_core.service.rate_limit import TokenBuckets
from bn_core.service.tasks import Task
from bn_core.service.turns import FairTurns
from bn_core.training import Setup
from tests.service.waiting import comparison, heaviest


@dataclass
class Job:
    """A job whose turns take a fixed time."""

    visitor: str
    seconds: float
    used: float = 0.0
    last_turns: tuple[float, float] = (0.0, 0.0)
    active: bool = True

    @property
    def slow(self) -> bool:
        return self.seconds >= 0.1

    def ready_at(self) -> float | None:
        return 0.0


def shares(jobs: list[Job], seconds: float = 100.0) -> list[float]:
    """Return which part of the time each job gets."""
    turns, now, had = FairTurns(), 0.0, [0.0] * len(jobs)
    for job in jobs:
        turns.join(job, jobs)
    while now < seconds:
        job = turns.next(jobs, now)
        assert job is not None
        turns.charge(job, job.seconds)
        had[next(i for i, other in enumerate(jobs) if other is job)] += job.seconds
        now += job.seconds
    return [seconds / now for seconds in had]


def test_heavy_turns_are_paid_for():
    heavy, light = shares([Job("a", 2.0), Job("b", 0.015)])
    assert heavy == pytest.approx(0.5, abs=0.05) and light == pytest.approx(0.5, abs=0.05)


def test_between_two_slow_turns_quick_jobs_have_as_much_time():
    jobs = [Job(f"heavy {n}", 2.0) for n in range(9)] + [Job("light", 0.015)]
    turns, order = FairTurns(), []
    for job in jobs:
        turns.join(job, jobs)
    for _ in range(500):
        job = turns.next(jobs, 0.0)
        assert job is not None
        turns.charge(job, job.seconds)
        order.append(job.visitor != "light")
    assert sum(order) >= 3 and not any(a and b for a, b in itertools.pairwise(order))


def test_forty_jobs_of_one_visitor_share_one_visitors_part():
    jobs = [Job("greedy", 0.015) for _ in range(40)] + [Job("other", 0.015)]
    assert shares(jobs)[-1] == pytest.approx(0.5, abs=0.02)


def test_opening_again_and_again_gains_no_time():
    turns, steady = FairTurns(), Job("steady", 0.015)
    jobs, now = [steady], 0.0
    turns.join(steady, jobs)
    while now < 60.0:
        jobs = [steady, Job("opens anew", 0.3)]
        turns.join(jobs[1], jobs)
        for _ in range(20):
            job = turns.next(jobs, now)
            assert job is not None
            turns.charge(job, job.seconds)
            now += job.seconds
        turns.tidy([steady])
    assert steady.used / now > 0.45


def test_who_rested_starts_level_with_the_others():
    turns, early, late = FairTurns(), Job("early", 1.0), Job("late", 1.0)
    turns.join(early, [early])
    for _ in range(100):
        turns.charge(early, 1.0)
    turns.join(late, [early, late])
    for _ in range(10):
        job = turns.next([early, late], 0.0)
        assert job is not None
        turns.charge(job, 1.0)
    assert early.used == 105


def test_a_visitor_may_open_a_few_at_once_and_then_so_many_a_second():
    now = [0.0]
    buckets = TokenBuckets(Rate(per_second=4, burst=8), clock=lambda: now[0])
    assert sum(buckets.take("one") for _ in range(50)) == 8
    assert buckets.take("another"), "each has a bucket of his own"
    taken = 0
    for _ in range(320):
        now[0] += 1 / 32
        taken += buckets.take("one")
    assert taken == 40
    now[0] += 100
    buckets.forget_full()
    assert sum(buckets.take("one") for _ in range(50)) == 8


def test_openings_beyond_the_rate_wait_and_a_closed_one_is_dropped():
    pool = Pool(workers=1, opens=Rate(per_second=0.0, burst=2))
    runs = [pool.open(comparison(seed=seed), visitor="one") for seed in range(5)]
    assert [run.waiting for run in runs] == [False, False, True, True, True]
    assert all(run.state == "waiting" and run.message for run in runs)
    runs[2].close()
    assert runs[2].state == "forgotten" and pool.health().waiting == 2
    assert not pool.open(comparison(), visitor="another").waiting


def test_short_computations_go_before_experiments_and_visitors_in_turn():
    pool = Pool(workers=1)
    shard = {"slug": "rate", "part": "none", "seeds": 1, "quick": True}
    tasks: list[Task] = [
        pool.submit("experiment part", visitor=visitor, **shard) for visitor in "aab"
    ]
    tasks += [pool.submit("relatives", visitor=visitor) for visitor in "ba"]
    order = placement.in_order(tasks, running=[tasks[0]])
    assert order == [tasks[3], tasks[4], tasks[2], tasks[0], tasks[1]]


def test_sixty_pages_that_run_all_experiments_refuse_no_lesson():
    pool = Pool(workers=2)
    shard = {"slug": "rate", "part": "none", "seeds": 1, "quick": True}
    for page in range(60):
        for _ in range(6):
            pool.submit("experiment part", visitor=f"page {page}", **shard)
    pool.submit("relatives", visitor="a learner")


def test_a_visitor_whose_runs_all_train_is_told_so():
    pool = Pool(workers=1)
    for seed in range(6):
        pool.open(comparison(seed=seed), visitor="one").play(0)
    with pytest.raises(PoolFull, match="most for one visitor"):
        pool.open(comparison(), visitor="one")
    pool.open(comparison(), visitor="another")


def test_a_newcomer_takes_a_place_back_from_who_has_many():
    pool = Pool(workers=1, places=4)
    greedy = [pool.open(comparison(seed=seed), visitor="greedy") for seed in range(4)]
    for run in greedy:
        run.play(0)
    newcomer = pool.open(comparison(), visitor="newcomer")
    assert newcomer.placed and sum(run.placed for run in greedy) == 3


def test_a_comparison_larger_than_a_worker_is_refused_in_words():
    pool = Pool(workers=1, worker_bytes=2e8)
    with pytest.raises(ValueError, match=r"needs about .* GB of memory.* Lower the width"):
        pool.open(heaviest())


def test_a_report_that_cannot_be_taken_in_costs_its_own_task_only():
    pool = Pool(workers=1)
    broken, sound = (pool.open(comparison(seed=seed), visitor=str(seed)) for seed in (1, 2))
    setup = Setup.of(comparison())
    late = RecordChunk(500, np.zeros((1, 2, 2), np.float32), np.zeros(2))
    for run in (broken, sound):
        run.worker_index = 0
    connection: Any = None
    pool.handle(0, connection, protocol.Opened(broken.id, setup.probe.summary()))
    pool.handle(0, connection, protocol.Trained(broken.id, late))
    assert broken.ending is not None and broken.ending.why.endswith("it is our mistake.")
    pool.handle(0, connection, protocol.Opened(sound.id, setup.probe.summary()))
    assert sound.record is not None and not sound.ending
