"""The tasks of a pool: which are listed, which have a place, and which worker has each."""

import threading
import time
from collections.abc import Sequence

from bn_core.service import placement, protocol
from bn_core.service.executor import PoolFull, Timeouts
from bn_core.service.own_data import OwnDataStore
from bn_core.service.placement import Limits
from bn_core.service.rate_limit import TokenBuckets
from bn_core.service.supervisor import WorkerSlot
from bn_core.service.tasks import ComputationTask, Task, TrainingRun


class Places:
    """Lists tasks and places them on workers, within limits.

    All methods may be called from any thread. The lock is never held while anything is sent.
    """

    def __init__(
        self,
        slots: Sequence[WorkerSlot],
        timeouts: Timeouts,
        limits: Limits,
        opens: TokenBuckets,
        worker_bytes: float,
        own_data: OwnDataStore,
    ) -> None:
        self.lock = threading.RLock()
        self._slots, self._timeouts, self._limits = slots, timeouts, limits
        self._opens, self._worker_bytes, self._own_data = opens, worker_bytes, own_data
        self._tasks: dict[int, Task] = {}

    # -- what is listed -----------------------------------------------------------------------

    def tasks(self) -> list[Task]:
        """Return all listed tasks."""
        with self.lock:
            return list(self._tasks.values())

    def runs(self) -> list[TrainingRun]:
        """Return all listed runs."""
        return [task for task in self.tasks() if isinstance(task, TrainingRun)]

    def taken(self) -> int:
        """Return how many places are taken."""
        return sum(run.placed for run in self.runs())

    def on_worker(self, index: int, id: int) -> Task | None:
        """Return the listed task with an id if that worker is to have it."""
        task = self._tasks.get(id)
        return task if task is not None and task.worker_index == index else None

    def admit(self, run: TrainingRun) -> None:
        """List a run and place it.

        Errors: ``PoolFull``; ``ValueError`` if no worker has the memory for it.
        """
        too_large = placement.too_large(run.cost, self._worker_bytes)
        if too_large:
            raise ValueError(too_large)
        with self.lock:
            self._tasks[run.id] = run
            try:
                self.place(run)
            except PoolFull:
                del self._tasks[run.id]
                raise

    def enlist(self, task: ComputationTask) -> None:
        """List a computation, which waits for a worker. Errors: ``PoolFull``."""
        with self.lock:
            held = [other for other in self._tasks.values() if isinstance(other, ComputationTask)]
            placement.check_computations(held, task.visitor, self._limits)
            self._tasks[task.id] = task
            self.place_waiting()

    def strike(self, task: Task) -> None:
        """Take a task off the list; it never reaches a worker again."""
        self._tasks.pop(task.id, None)

    # -- placing ------------------------------------------------------------------------------

    def place(self, task: Task) -> None:
        """Place a run that is to go on; it is repeated up to where it was. Errors: ``PoolFull``."""
        with self.lock:
            if task.id not in self._tasks or task.done or task.placed or task.waiting:
                return  # a task that is not listed must never reach a worker
            assert isinstance(task, TrainingRun), "computations wait from the start"
            if not self._opens.take(task.visitor):
                task.waiting = True  # it is placed as soon as its visitor may open another
                return
            try:
                self._give_place(task)
            except PoolFull:
                self._opens.give_back(task.visitor)
                raise

    def place_waiting(self) -> None:
        """Place what waits: for its visitor's turn, for a place, or for a worker."""
        with self.lock:
            tasks = list(self._tasks.values())
            waiting = [t for t in tasks if t.waiting or (t.placed and t.worker_index is None)]
            running = [task for task in tasks if task.worker_index is not None]
            for task in placement.in_order(waiting, running):
                if isinstance(task, TrainingRun) and not task.placed:
                    self._place_late(task)
                else:
                    self._assign(task)

    def evict(self, run: TrainingRun) -> None:
        """Free a run's place but keep its record; it is repeated when it is wanted again."""
        with self.lock:
            self.send(run, protocol.Close(run.id))
            run.placed, run.worker_index = False, None
            run.playing = run.suspended = False
            run.version += 1

    def send(self, task: Task, command: protocol.TaskCommand) -> None:
        """Queue a command for the worker that has the task, if one has it."""
        index = task.worker_index
        connection = None if index is None else self._slots[index].connection
        if connection is not None:
            connection.send(command)

    def bereave(self, index: int, executing: int) -> None:
        """Have the tasks of a worker that ended repeated by others; blame the one at its turn."""
        with self.lock:
            for task in self._tasks_of(index):
                task.worker_index = None
                if task.id == executing:
                    task.count_death()
                if isinstance(task, ComputationTask) and not task.done:
                    task.waiting = True
            self.place_waiting()

    def _place_late(self, run: TrainingRun) -> None:
        if not self._opens.take(run.visitor):
            return
        try:
            self._give_place(run)
        except PoolFull:
            self._opens.give_back(run.visitor)  # it goes on waiting, and its message says so

    def _give_place(self, run: TrainingRun) -> None:
        """Place a run, having others give way that may. Errors: ``PoolFull``."""
        now, runs = time.monotonic(), self.runs()
        own = [other for other in runs if other.visitor == run.visitor and other.placed]
        if len(own) >= self._limits.runs_per_visitor:
            resting = placement.idle(own, now, 0.0)
            if not resting:
                raise placement.own_share_taken(self._limits)
            self.evict(resting[0])
        if self.taken() >= self._limits.capacity:
            resting = placement.idle(runs, now, self._timeouts.evict)
            back = placement.share_taken_back(runs, run.visitor)
            given_up = resting[0] if resting else back
            if given_up is None:
                raise placement.no_place(self._limits.capacity, runs)
            self.evict(given_up)
        self._make_memory(run, now)
        run.placed, run.waiting = True, False
        self._assign(run)

    def _make_memory(self, run: TrainingRun, now: float) -> None:
        """Evict idle runs of one worker until it has the memory. Errors: ``PoolFull``."""
        alive = [slot for slot in self._slots if slot.state == "alive"]
        if not alive or self._choose_worker(run) is not None:
            return  # without a worker it waits for one
        idle = placement.idle(self.runs(), now, self._timeouts.evict)
        for slot in alive:
            kept, given_up = self._tasks_of(slot.index), []
            for resting in (other for other in idle if other.worker_index == slot.index):
                given_up.append(resting)
                kept.remove(resting)
                if placement.fits(kept, run.cost, self._worker_bytes):
                    for each in given_up:
                        self.evict(each)
                    return
        raise placement.no_memory(run.cost, self.runs())

    def _tasks_of(self, index: int) -> list[Task]:
        return [task for task in self._tasks.values() if task.worker_index == index]

    def _choose_worker(self, task: Task) -> int | None:
        """Return the least loaded worker that answers and has the memory; None if none has."""
        found: dict[int, int] = {}
        for slot in self._slots:
            tasks = self._tasks_of(slot.index)
            if slot.state != "alive" or not placement.fits(tasks, task.cost, self._worker_bytes):
                continue
            if not isinstance(task, ComputationTask) or placement.has_computation_slot(task, tasks):
                found[slot.index] = placement.load(tasks)
        return min(found, key=lambda index: found[index], default=None)

    def _assign(self, task: Task) -> None:
        """Hand a task to a worker; without one that can take it, it waits for one."""
        task.worker_index = self._choose_worker(task)
        if task.worker_index is None:
            return
        task.assigned_at, task.waiting = time.monotonic(), False
        self._provide(task, task.worker_index)
        for command in task.commands_to_start():
            self.send(task, command)

    def _provide(self, task: Task, index: int) -> None:
        """Send a worker the own data that a task needs, each once."""
        connection = self._slots[index].connection
        for name in task.own_data if connection is not None else ():
            body = self._own_data.body(name)
            if body is not None and connection is not None:
                connection.provide(name, body)

    def expire_own_data(self) -> None:
        """Forget own data whose lease has ended, here and in the workers."""
        with self.lock:
            self._own_data.expire(self.own_data_in_use())
            kept = self._own_data.names()
            for slot in self._slots:
                if slot.connection is not None:
                    slot.connection.withdraw_all_but(kept)

    def own_data_in_use(self) -> set[str]:
        """Return the names of own data that listed tasks need."""
        return {name for task in self.tasks() for name in task.own_data}
