"""What a class trains together: who gets which part, what the server takes, what all see of it."""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from bn_core.classroom import ClassError, Classroom
from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.results import Metric, Result
from bn_core.service.pool import PoolFull
from bn_core.sweeps.axis import Axis
from bn_core.sweeps.driver import compute_line
from bn_core.sweeps.stability_map import LEARNED, StabilityMap, nothing
from bn_core.sweeps.sweep import Sweep, usual_base
from pages.shared.classroom.pooled_map import PooledMap
from pages.shared.classroom.pooled_runs import PooledRuns
from pages.shared.classroom.pooled_work import MOST_ATTEMPTS, MOST_STEPS, PooledWork
from pages.shared.classroom.submitted_links import comparison_of_link, link_text

SMALL = Sweep(usual_base().changed({"steps": 20}), size=8)
HELD = Comparison(Config(seed=7, steps=20, replicas=3))


@dataclass
class Nets:
    """A computation that ends when the test says so."""

    arguments: dict[str, Any]
    done: bool = False
    failure: str = ""
    result: Any = None

    def renew_lease(self) -> None:
        """Stay."""

    def end(self, *accuracies: float) -> None:
        metrics = tuple(Metric("a", "a", np.array([value]), ".1%", "") for value in accuracies)
        self.result, self.done = Result((), metrics, {}), True

    def end_line(self) -> None:
        self.result, self.done = nothing(self.arguments["line"]), True
        self.result.fate[:] = LEARNED


@dataclass
class Workers:
    """What has been begun, and whether there is room for more."""

    begun: list[Nets] = field(default_factory=list)
    full: bool = False

    def compute(self, name: str, **arguments: Any) -> Nets:
        assert name in ("trained link", "sweep line")
        if self.full:
            raise PoolFull("full")
        self.begun.append(Nets(arguments))
        return self.begun[-1]

    @property
    def seeds(self) -> list[int]:
        return [nets.arguments["comparison"].base.seed for nets in self.begun]


@pytest.fixture
def workers() -> Workers:
    return Workers()


@pytest.fixture
def classroom() -> Classroom:
    return Classroom("BCDFGH")


@pytest.fixture
def runs(classroom: Classroom, workers: Workers) -> PooledRuns:
    return PooledRuns(classroom, HELD, workers.compute)


def link_with(**changes: Any) -> str:
    """Return a link of the class's nets with something changed."""
    base = dataclasses.replace(HELD.base, **changes)
    return f"http://lab.example/{link_text(Comparison(base, HELD.arms))}&at=3"


def test_each_student_gets_one_seed_and_two_train_at_a_time(
    classroom: Classroom, runs: PooledRuns, workers: Workers
) -> None:
    students = [classroom.join() for _ in range(4)]
    assert [runs.ask(student)["part"] for student in students * 2] == [7, 8, 9, 10] * 2
    runs.go_on()
    bases = [nets.arguments["comparison"].base for nets in workers.begun]
    assert [(base.seed, base.replicas) for base in bases] == [(7, 1), (8, 1)]
    workers.begun[1].end(0.5, 0.9)
    runs.go_on()
    assert workers.seeds == [7, 8, 9] and len(workers.begun) - 1 == runs.most_at_once
    assert runs.accuracies == {8: [0.5, 0.9]}
    shown = classroom.shown_to_students()["pool"]
    assert (shown["done"], shown["asked"], shown["seeds"]) == (1, 4, [8])
    assert [net["accuracies"] for net in shown["nets"]] == [[0.5], [0.9]]


def test_a_student_may_take_a_few_seeds_one_after_the_other(
    classroom: Classroom, runs: PooledRuns, workers: Workers
) -> None:
    student = classroom.join()
    for count in range(runs.most_each):
        assert runs.ask(student)["part"] == 7 + count
        runs.go_on()
        workers.begun[-1].end(0.5, 0.5)
        runs.go_on()
    with pytest.raises(ClassError, match="already"):
        runs.ask(student)


def test_a_full_pool_and_a_dead_worker_lose_no_seed(
    classroom: Classroom, runs: PooledRuns, workers: Workers
) -> None:
    runs.ask(classroom.join())
    workers.full = True
    runs.go_on()
    workers.full = False
    for attempt in range(1, MOST_ATTEMPTS + 3):
        runs.go_on()
        assert len(workers.begun) == min(attempt, MOST_ATTEMPTS)
        workers.begun[-1].failure, workers.begun[-1].done = "The worker died.", True
    assert runs.accuracies == {} and runs.shown()["failed"] == [7]


def test_a_submitted_run_is_trained_here_with_its_seed_alone(
    classroom: Classroom, runs: PooledRuns, workers: Workers
) -> None:
    first, second = classroom.join(), classroom.join()
    told = runs.submit_link(first, link_with(seed=8, replicas=5))
    assert told["part"] == 8
    assert comparison_of_link(told["link"]).base.seed == 8
    with pytest.raises(ClassError, match="has already"):
        runs.submit_link(second, link_with(seed=8))
    with pytest.raises(ClassError, match="wait"):
        runs.submit_link(first, link_with(seed=9))
    assert runs.submit_link(first, link_with(seed=8))["part"] == 8
    assert [runs.ask(classroom.join())["part"] for _ in range(2)] == [7, 9]
    runs.go_on()
    trained = workers.begun[0].arguments["comparison"]
    assert trained == Comparison(dataclasses.replace(HELD.base, seed=8, replicas=1), HELD.arms)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (link_with(learning_rate=0.5), "“Learning rate”"),
        (link_with(depth=3, width=8, steps=30), "“Hidden layers”, “Units per layer”"),
        (link_with(seed=8, rate_changes=((5, 0.2),)), "rate"),
        (link_with(seed=8) + "&arms=none", "nets that are compared"),
        ("http://lab.example/claims?seed=8", "no link of the Lab"),
        ("seed=8", "no link of the Lab"),
        ("my run, please", "no link of the Lab"),
        ("http://[", "no link of the Lab"),
        ("http://lab.example/?" + "&".join(["a=1"] * 100), "no link of the Lab"),
        ("/?seed=" + "9" * 4000, "too long"),
        ("/?seed=-1", "Seed"),
    ],
    ids=lambda given: re.sub(r"\W+", " ", given)[:30],
)
def test_a_link_that_does_not_fit_is_refused_in_words(
    classroom: Classroom, runs: PooledRuns, workers: Workers, link: str, words: str
) -> None:
    student = classroom.join()
    with pytest.raises(ClassError, match=words):
        runs.submit_link(student, link)
    runs.go_on()
    assert workers.begun == [] and runs.told(student) == {}


@pytest.mark.parametrize(
    "made",
    [
        lambda room: PooledRuns(room, Comparison(Config(steps=MOST_STEPS + 1))),
        lambda room: PooledRuns(room, Comparison(Config(data=f"own-{'0' * 32}"))),
        lambda room: PooledMap(room, Sweep(size=72)),
        lambda room: PooledMap(room, Sweep(x=Axis.usual("rate_1"), y=Axis.usual("rate_2"))),
        lambda room: PooledMap(room, Sweep(usual_base().changed({"replicas": 9}), size=8)),
    ],
    ids=["steps", "own_data", "size", "two_layers", "seeds"],
)
def test_what_is_too_much_for_a_class_is_refused(
    classroom: Classroom, made: Callable[[Classroom], PooledWork]
) -> None:
    with pytest.raises(ClassError):
        made(classroom)


def test_strangers_get_nothing(classroom: Classroom, runs: PooledRuns) -> None:
    for act in (runs.ask, lambda student: runs.submit_link(student, link_with())):
        with pytest.raises(ClassError, match="not joined"):
            act("nobody")


def test_each_student_measures_a_cell_and_the_rest_is_trained_on_demand(
    classroom: Classroom, workers: Workers
) -> None:
    work = PooledMap(classroom, SMALL, "cell", workers.compute)
    told = [work.ask(classroom.join()) for _ in range(3)]
    assert len({one["cells"][0] for one in told}) == 3
    work.go_on()
    lines = [nets.arguments["line"] for nets in workers.begun]
    assert [line.arm for line in lines] == [0, 1] * 3
    assert len({line.cells for line in lines}) == 3 and all(len(one.cells) == 1 for one in lines)
    for nets in workers.begun:
        nets.end_line()
    work.go_on()
    shown = classroom.shown_to_students()["pool"]
    assert (shown["done"], shown["total"], shown["left"]) == (3, 64, 61)
    for net in shown["nets"]:
        known = [place for place, digit in enumerate(net["fates"]) if digit != "0"]
        assert known == sorted(one["cells"][0] for one in told)
    work.train_rest()
    while not work.is_complete:
        work.go_on()
        for nets in workers.begun:
            if not nets.done:
                nets.end_line()
    assert work.map.lines == 2 * 64 and "0" not in work.shown()["nets"][1]["fates"]
    with pytest.raises(ClassError, match="given out"):
        work.ask(classroom.join())


def test_a_cell_s_link_leads_to_its_run_and_brings_it_back(
    classroom: Classroom, workers: Workers
) -> None:
    work = PooledMap(classroom, SMALL, "cell", workers.compute)
    cell = (2, 5)
    link = link_text(SMALL.comparison(cell))
    first, second = classroom.join(), classroom.join()
    told = work.submit_link(first, link)
    assert told["cells"] == [5 * 8 + 2] and told["link"] == link
    assert "learning rate" in told["name"]
    for wrong, words in [
        (SMALL.base.changed({"learning_rate": 0.123, "batch_size": 4}), "Learning rate"),
        (SMALL.comparison(cell).base.changed({"seed": 5}), "“Seed”"),
    ]:
        with pytest.raises(ClassError, match=words):
            work.submit_link(second, link_text(Comparison(wrong, SMALL.arms)))


@pytest.mark.parametrize("size", [8, 24])
@pytest.mark.parametrize("unit", ["cell", "line"])
def test_the_parts_are_the_whole_map_once(classroom: Classroom, unit: Any, size: int) -> None:
    sweep = Sweep(size=size)
    work = PooledMap(classroom, sweep, unit, Workers().compute)
    found = StabilityMap.empty(sweep)
    for part in work.left():
        for _, arm in work.jobs_of(part):
            line = nothing(work.parts[part][arm])
            line.fate[:] = LEARNED
            assert line.arm == arm
            at = tuple(np.array(line.cells).T[::-1])
            assert not found.known(arm)[at].any()
            found = found.extended(line)
    assert found.known(0).all() and found.known(1).all()


@pytest.mark.slow
def test_a_class_s_map_of_lines_is_the_page_s_bit_for_bit(
    classroom: Classroom, workers: Workers
) -> None:
    work = PooledMap(classroom, SMALL, "line", workers.compute)
    work.train_rest()
    while not work.is_complete:
        work.go_on()
        for nets in (one for one in workers.begun if not one.done):
            nets.result, nets.done = compute_line(nets.arguments["line"]), True
    whole = StabilityMap.empty(SMALL)
    for line in SMALL.lines(0):
        whole = whole.extended(compute_line(line))
    for name in ("fate", "learned_at", "diverged_at", "loss", "accuracy", "sick_layer"):
        np.testing.assert_array_equal(getattr(work.map, name), getattr(whole, name))
