"""Nets that a class trains together: who gets which seed, and what all see of them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from bn_core.classroom import ClassError, Classroom
from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.results import Metric, Result
from bn_core.service.pool import PoolFull
from pages.shared.classroom.pooled_runs import MOST_AT_ONCE, MOST_ATTEMPTS, MOST_STEPS, PooledRuns


@dataclass
class Nets:
    """A computation that ends when the test says so."""

    comparison: Comparison
    done: bool = False
    failure: str = ""
    result: Any = None

    def renew_lease(self) -> None:
        """Stay."""

    def end(self, *accuracies: float) -> None:
        metrics = tuple(Metric("a", "a", np.array([value]), ".1%", "") for value in accuracies)
        self.result, self.done = Result((), metrics, {}), True


@dataclass
class Workers:
    """What has been begun, and whether there is room for more."""

    begun: list[Nets] = field(default_factory=list)
    full: bool = False

    def train(self, comparison: Comparison) -> Nets:
        if self.full:
            raise PoolFull("full")
        self.begun.append(Nets(comparison))
        return self.begun[-1]


@pytest.fixture
def workers() -> Workers:
    return Workers()


@pytest.fixture
def classroom() -> Classroom:
    return Classroom("BCDFGH")


@pytest.fixture
def runs(classroom: Classroom, workers: Workers) -> PooledRuns:
    comparison = Comparison(Config(seed=7, steps=20, replicas=3))
    return PooledRuns(classroom, comparison, workers.train)


def test_each_student_gets_one_seed_and_two_train_at_a_time(
    classroom: Classroom, runs: PooledRuns, workers: Workers
) -> None:
    students = [classroom.join() for _ in range(4)]
    assert [runs.ask_for_seed(student) for student in students * 2] == [0, 1, 2, 3] * 2
    runs.go_on()
    bases = [nets.comparison.base for nets in workers.begun]
    assert [(base.seed, base.replicas) for base in bases] == [(7, 1), (8, 1)]
    workers.begun[1].end(0.5, 0.9)
    runs.go_on()
    assert [nets.comparison.base.seed for nets in workers.begun] == [7, 8, 9]
    assert len(workers.begun) - 1 == MOST_AT_ONCE
    assert runs.accuracies == {1: [0.5, 0.9]}
    shown = classroom.shown_to_students()["pool"]
    assert (shown["done"], shown["asked"]) == (1, 4)
    assert [net["accuracies"] for net in shown["nets"]] == [[0.5], [0.9]]


def test_a_full_pool_and_a_dead_worker_lose_no_seed(
    classroom: Classroom, runs: PooledRuns, workers: Workers
) -> None:
    runs.ask_for_seed(classroom.join())
    workers.full = True
    runs.go_on()
    workers.full = False
    for attempt in range(1, MOST_ATTEMPTS + 3):
        runs.go_on()
        assert len(workers.begun) == min(attempt, MOST_ATTEMPTS)
        workers.begun[-1].failure, workers.begun[-1].done = "The worker died.", True
    assert runs.accuracies == {} and runs.shown()["asked"] == 1


def test_strangers_and_nets_that_take_too_long_are_refused(
    classroom: Classroom, runs: PooledRuns
) -> None:
    with pytest.raises(ClassError):
        runs.ask_for_seed("nobody")
    with pytest.raises(ClassError, match=str(MOST_STEPS)):
        PooledRuns(classroom, Comparison(Config(steps=MOST_STEPS + 1)))
