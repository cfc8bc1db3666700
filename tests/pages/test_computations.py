"""What experiments and suites of them ask of the pool, with a pool that a test answers for."""

from typing import Any

import pytest

from bn_core.results import ExperimentSpec, Progress, Result, Verdict
from bn_core.service import protocol
from bn_core.service.pool import PoolFull
from bn_core.service.tasks import ComputationTask
from pages.shared import server
from pages.shared.session import Session
from pages.shared.tasks.computation import SingleTask
from pages.shared.tasks.experiments import ExperimentRun, ExperimentSuite


class NoPool:
    """Stands in for the pool: tasks are put down here, and a test says what workers answer."""

    def __init__(self) -> None:
        self.asked: list[ComputationTask] = []
        self.full = False

    def submit(self, name: str, visitor: str = "", **arguments: Any) -> ComputationTask:
        if self.full:
            raise PoolFull("All places are taken.")
        self.asked.append(ComputationTask(self, len(self.asked) + 1, name, arguments))  # type: ignore
        return self.asked[-1]

    def named(self, name: str) -> list[ComputationTask]:
        return [task for task in self.asked if task.name == name]

    def release(self, task: ComputationTask) -> None:
        pass

    def send(self, task: ComputationTask, command: object) -> None:
        pass


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> NoPool:
    made = NoPool()
    monkeypatch.setattr(server, "pool", lambda: made)
    return made


def about(slug: str = "one", parts: tuple[str, ...] = ("none", "before")) -> ExperimentSpec:
    words = dict.fromkeys(
        ("claim", "source", "question", "method", "formula", "paper_found", "disagreement"), ""
    )
    return ExperimentSpec(
        slug=slug, title=slug.title(), claims=(1,), answers=("yes", "no"), shards=parts, **words
    )


def end(task: ComputationTask, result: object) -> None:
    """Have a worker report the end of a task."""
    task.handle(protocol.Completed(task.id, result))


FOUND = (Result(), Verdict("holds", "It does."))


def test_a_run_asks_for_its_parts_and_then_for_what_they_add_up_to(pool):
    run = ExperimentRun("", about(), 2, 0, True)
    parts = pool.named("experiment part")
    assert [(s.arguments["shard"], s.arguments["seeds"]) for s in parts] == [
        ("none", 2),
        ("before", 2),
    ]
    run.renew_lease()
    assert not pool.named("experiment finding") and not run.done
    for number, task in enumerate(parts):
        end(task, {"piece": number})
    assert not run.done
    run.renew_lease()
    run.renew_lease()
    (concluding,) = pool.named("experiment finding")
    assert concluding.arguments["partials"] == {"none": {"piece": 0}, "before": {"piece": 1}}
    end(concluding, FOUND)
    run.renew_lease()
    assert run.done and run.verdict == FOUND[1] and run.result() is FOUND[0]
    assert run.notice() == ""
    run.renew_lease()
    assert len(pool.asked) == 3


def test_a_run_shows_what_its_pieces_so_far_add_up_to(pool):
    run = ExperimentRun("", about(), 2, 0, True)
    task = pool.named("experiment part")[0]
    task.progress, task.version = Progress(0.5, "half", {"piece": 0}), 1
    run.renew_lease()
    (early,) = pool.named("experiment finding")
    assert early.arguments["partials"] == {"none": {"piece": 0}}
    end(early, FOUND)
    run.renew_lease()
    assert run.result() is FOUND[0] and not run.done
    assert run.notice().startswith("25 %: half; waiting")


def test_a_cancelled_run_is_done_and_says_so(pool):
    run = ExperimentRun("", about(), 2, 0, True)
    run.cancel()
    assert run.done and run.verdict is None
    assert run.notice() == run.failure == "It was cancelled."


def test_a_failed_conclusion_ends_a_run(pool):
    run = ExperimentRun("", about(parts=("all",)), 1, 0, True)
    end(pool.asked[0], {"piece": 0})
    run.renew_lease()
    pool.named("experiment finding")[0].fail("It broke.")
    run.renew_lease()
    assert run.done and run.failure == "It broke."
    assert len(pool.asked) == 2


def conclude(pool: NoPool, session: Session, suite: ExperimentSuite) -> None:
    """Answer whatever the suite has asked for, until the run under way has ended."""
    for task in pool.named("experiment part"):
        if not task.done:
            end(task, {"piece": 0})
    list(session.experiments.values())[-1].renew_lease()
    end(pool.named("experiment finding")[-1], FOUND)
    suite.renew_lease()


def test_a_suite_runs_one_experiment_after_the_other(pool):
    session = Session()
    suite = ExperimentSuite(session, [about("one", ("all",)), about("two", ("all",))], 1, 0, True)
    suite.renew_lease()
    assert list(session.experiments) == ["one"] and suite.ended == 0
    assert suite.notice().startswith("1 of 2, One: 0 %: waiting")
    conclude(pool, session, suite)
    assert list(session.experiments) == ["one", "two"] and suite.ended == 1 and not suite.done
    conclude(pool, session, suite)
    assert suite.done and suite.notice() == "All 2 experiments have ended."
    assert all(run.verdict == FOUND[1] for run in session.experiments.values())


def test_a_suite_goes_on_after_an_experiment_that_failed(pool):
    session = Session()
    suite = ExperimentSuite(session, [about("one", ("all",)), about("two", ("all",))], 1, 0, True)
    suite.renew_lease()
    pool.asked[0].fail("It broke.")
    suite.renew_lease()
    assert session.experiments["one"].failure == "It broke." and "two" in session.experiments


def test_a_suite_waits_for_a_place_and_tries_again(pool):
    session = Session()
    suite = ExperimentSuite(session, [about("one", ("all",))], 1, 0, True)
    pool.full = True
    suite.renew_lease()
    assert (suite.notice(), suite.done, session.experiments) == ("All places are taken.", False, {})
    pool.full = False
    suite.renew_lease()
    assert "one" in session.experiments


def test_a_cancelled_suite_begins_nothing_more(pool):
    session = Session()
    suite = ExperimentSuite(session, [about("one"), about("two")], 1, 0, True)
    suite.renew_lease()
    suite.cancel()
    suite.renew_lease()
    assert suite.done and list(session.experiments) == ["one"]
    assert suite.notice() == "Cancelled: 0 of 2 experiments were completed."
    assert session.experiments["one"].failure == "It was cancelled."


def test_a_computation_is_told_from_others_by_its_arguments(pool):
    asked = SingleTask("", "noise", rows=((1.0,),), epsilon=0.1)
    assert asked.request == SingleTask.key("noise", {"epsilon": 0.1, "rows": ((1.0,),)})
    assert asked.request != SingleTask.key("noise", {"epsilon": 0.2, "rows": ((1.0,),)})
    assert asked.result() is None
    pool.asked[0].progress = Progress(0.5, "half", FOUND[0])
    assert asked.result() is FOUND[0] and asked.notice() == "50 %: half."
