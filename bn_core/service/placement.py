"""Which worker a task goes to, which run gives way to it, and what to say if there is no room."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bn_core.service.computations import LONG
from bn_core.service.costs import GIGABYTE, Cost
from bn_core.service.executor import PoolFull
from bn_core.service.tasks import ComputationTask, Task, TrainingRun

SHORT_AT_ONCE, LONG_AT_ONCE = 6, 3
"""Computations at work at once in one worker: short ones never wait for long ones."""


@dataclass(frozen=True)
class Limits:
    """What the pool and each of its visitors may have at once."""

    capacity: int = 64
    """Runs placed on workers."""
    runs_per_visitor: int = 6
    computations_per_visitor: int = 12
    """Running and waiting: two experiments of six shards."""
    computations: int = 1_000
    """Running and waiting, of all visitors; waiting ones cost next to nothing."""


def fits(tasks: Collection[Task], cost: Cost, worker_bytes: float) -> bool:
    """Return whether a worker with these tasks has the memory for one more.

    Only one task has its turn at a time, so the largest transient part counts once.
    """
    costs = [task.cost for task in tasks] + [cost]
    needed = sum(each.resident for each in costs) + max(each.transient for each in costs)
    return needed <= worker_bytes


def load(tasks: Iterable[Task]) -> int:
    """Return how busy a worker is: tasks that compute count a hundred times those that rest."""
    return sum(101 if task.active else 1 for task in tasks)


def has_computation_slot(task: ComputationTask, tasks: Iterable[Task]) -> bool:
    """Return whether a worker may begin another computation of this kind."""
    long = task.name in LONG
    same = [t for t in tasks if isinstance(t, ComputationTask) and (t.name in LONG) == long]
    return len(same) < (LONG_AT_ONCE if long else SHORT_AT_ONCE)


def check_computations(held: Collection[ComputationTask], visitor: str, limits: Limits) -> None:
    """Refuse another computation of a visitor when there are too many. Errors: ``PoolFull``."""
    own = sum(task.visitor == visitor for task in held)
    if own >= limits.computations_per_visitor:
        raise PoolFull(
            f"{own} computations of yours run or wait, the most for one visitor. "
            "Cancel one, or try again in a minute."
        )
    if len(held) >= limits.computations:
        raise PoolFull(
            "So many computations wait at this moment that no more are taken. "
            "Try again in a minute."
        )


def in_order(tasks: Iterable[Task], running: Iterable[Task]) -> list[Task]:
    """Return waiting tasks in the order in which they get their place.

    Runs and short computations before long ones, then visitors with the least at work, then age.
    """
    at_work: dict[str, int] = {}
    for task in running:
        at_work[task.visitor] = at_work.get(task.visitor, 0) + 1

    def order(task: Task) -> tuple[bool, int, int]:
        long = isinstance(task, ComputationTask) and task.name in LONG
        return long, at_work.get(task.visitor, 0), task.id

    return sorted(tasks, key=order)


def idle(runs: Iterable[TrainingRun], now: float, seconds: float) -> list[TrainingRun]:
    """Return the placed runs that may give way, longest idle first.

    Idle is what computes nothing and was not commanded for so long, whether shown or not. Runs of
    visitors with more than one place go first.
    """
    runs = [run for run in runs if run.placed]
    held = count_by_visitor(runs)
    found = [
        run
        for run in runs
        if not run.active and now - max(run.commanded_at, run.assigned_at) >= seconds
    ]
    return sorted(found, key=lambda run: (held[run.visitor] == 1, run.commanded_at))


def share_taken_back(runs: Iterable[TrainingRun], visitor: str) -> TrainingRun | None:
    """Return a training run that gives way to a visitor without any, of who has the most."""
    runs = [run for run in runs if run.placed]
    held = count_by_visitor(runs)
    if not held or held.get(visitor, 0) or max(held.values()) < 2:
        return None
    greediest = max(held, key=lambda name: held[name])
    return min((run for run in runs if run.visitor == greediest), key=lambda run: run.commanded_at)


def count_by_visitor(tasks: Iterable[Task]) -> Mapping[str, int]:
    """Return how many tasks each visitor has."""
    held: dict[str, int] = {}
    for task in tasks:
        held[task.visitor] = held.get(task.visitor, 0) + 1
    return held


def too_large(cost: Cost, worker_bytes: float) -> str:
    """Return why a run cannot be trained even alone; empty if it can."""
    if cost.total <= worker_bytes:
        return ""
    return (
        f"This comparison needs about {cost.total / GIGABYTE:.1f} GB of memory, more than the "
        f"{worker_bytes / GIGABYTE:.1f} GB there are for one worker. Lower the width, the depth, "
        "the batch size, the number of seeds or the number of arms."
    )


def no_place(capacity: int, runs: Iterable[TrainingRun]) -> PoolFull:
    """Return the error that says all places are taken."""
    return PoolFull(
        f"All {capacity} places are taken: so many people train at this moment. "
        f"{expected_wait(runs)}This page tries again by itself."
    )


def no_memory(cost: Cost, runs: Iterable[TrainingRun]) -> PoolFull:
    """Return the error that says the memory is taken."""
    return PoolFull(
        f"This comparison needs about {cost.total / GIGABYTE:.1f} GB of memory, and other "
        f"visitors' runs hold it. {expected_wait(runs)}This page tries again by itself; with a "
        "smaller width, depth, batch size or fewer seeds there may be room at once."
    )


def own_share_taken(limits: Limits) -> PoolFull:
    """Return the error that says this visitor trains enough."""
    return PoolFull(
        f"You train {limits.runs_per_visitor} comparisons at once, the most for one visitor. "
        "Pause or close one of them."
    )


def expected_wait(runs: Iterable[TrainingRun]) -> str:
    """Return in about how long a place becomes free by itself, as a sentence."""
    left = [seconds for run in runs if (seconds := run.seconds_left()) is not None]
    if not left:
        return ""
    seconds = min(left)
    rounded = f"{max(5, 5 * round(seconds / 5))} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    return f"The next place is expected in about {rounded}. "
