"""The local executor: a bounded number of tasks placed on a few worker processes.

Torch is never imported here. A worker that dies or hangs is replaced and its runs are repeated up
to where they were; a run that no page asks for is paused, then forgotten.
"""

import itertools
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from bn_core.comparison import Comparison
from bn_core.datasets.thumbnails import Thumbnail
from bn_core.service import costs, placement, protocol
from bn_core.service.computations import COMPUTATIONS
from bn_core.service.connection import WorkerConnection
from bn_core.service.executor import Health, PoolFull, Timeouts
from bn_core.service.placement import Limits
from bn_core.service.rate_limit import Rate, TokenBuckets
from bn_core.service.supervisor import WorkerSlot
from bn_core.service.tasks import ComputationTask, Task, TrainingRun

__all__ = ["Limits", "Pool", "PoolFull", "Rate", "Timeouts"]

SECONDS_BETWEEN_CHECKS = 0.25
_LOG = logging.getLogger(__name__)
_SECONDS_OF_SLEEP = 2.0
"""A pause of the checks themselves beyond which this process, not a worker, was stopped."""


class Pool:
    """A few worker processes and at most ``places`` runs placed on them.

    All methods may be called from any thread. The lock is never held while anything is sent.
    """

    def __init__(
        self,
        workers: int = 2,
        places: int = 64,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        opens: Rate | None = None,
        worker_bytes: float | None = None,
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self.limits = limits or Limits(capacity=places)
        self.worker_bytes = worker_bytes or costs.worker_bytes(workers)
        self.lock = threading.RLock()
        self._tasks: dict[int, Task] = {}
        self._ids = itertools.count(1)
        self._opens = TokenBuckets(opens or Rate())
        self._thumbnails: Mapping[str, Thumbnail] = {}
        self._drawn = threading.Event()
        self._ready = threading.Event()
        self._closed = threading.Event()
        self._check_now = threading.Event()
        self._slots = [WorkerSlot(index, self) for index in range(workers)]

    # -- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the workers in the background, and the checks."""
        for slot in self._slots:
            slot.start()
        threading.Thread(target=self._check, daemon=True).start()

    def close(self) -> None:
        """End all workers."""
        self._closed.set()
        self._check_now.set()
        for slot in self._slots:
            slot.hang_up()
        for slot in self._slots:
            slot.wait_for_end()

    @property
    def closed(self) -> threading.Event:
        """Set when the pool is to end."""
        return self._closed

    def wait_ready(self, seconds: float) -> bool:
        """Wait until a worker takes commands; return whether one does."""
        return self._ready.wait(seconds)

    def wait_for_thumbnails(self, seconds: float) -> Mapping[str, Thumbnail]:
        """Return the data sets' thumbnails by name; none if no worker has drawn them in time."""
        self._drawn.wait(seconds)
        return self._thumbnails

    @property
    def process_ids(self) -> list[int]:
        """The process of each worker that takes commands, in the order of their indices."""
        return [slot.process_id for slot in self._slots if slot.process_id is not None]

    def process_of(self, task: Task) -> int | None:
        """Return the process of the worker that has a task."""
        index = task.worker_index
        return None if index is None else self._slots[index].process_id

    def executing(self, worker_index: int) -> int:
        """Return the id of the task that has its turn in a worker; 0 if none has."""
        connection = self._slots[worker_index].connection
        return 0 if connection is None else connection.executing

    def health(self) -> Health:
        """Return how the workers are, judged by their last heartbeats."""
        with self.lock:
            tasks = list(self._tasks.values())
        workers = tuple(
            slot.health(sum(task.worker_index == slot.index for task in tasks))
            for slot in self._slots
        )
        return Health(
            ok=all(worker.state == "alive" for worker in workers),
            workers=workers,
            training=sum(isinstance(t, TrainingRun) and t.playing for t in tasks),
            waiting=sum(task.waiting for task in tasks),
            problem=self.problem(),
        )

    def problem(self) -> str:
        """Return why nothing can be trained now, in a sentence; empty if it can."""
        if any(slot.ready for slot in self._slots):
            return ""
        if all(slot.failures < 2 for slot in self._slots):
            return ""
        return (
            "No training process can be started on the server at this moment, so nothing can be "
            "trained. It is tried again by itself; if it lasts, tell whoever runs the server: its "
            "log says why."
        )

    def training(self) -> int:
        """Return how many runs train at this moment."""
        return sum(run.playing for run in self._runs())

    def taken(self) -> int:
        """Return how many places are taken."""
        return sum(run.placed for run in self._runs())

    # -- tasks --------------------------------------------------------------------------------

    def open(self, comparison: Comparison, visitor: str = "") -> TrainingRun:
        """Open a run and place it on a worker; too many in a row wait for their place.

        Errors: ``PoolFull``; ``ValueError`` if it cannot train.
        """
        if comparison.problem():
            raise ValueError(comparison.problem())
        run = TrainingRun(self, next(self._ids), comparison, visitor)
        self._admit(run)
        return run

    def reopen(self, run: TrainingRun, visitor: str = "") -> TrainingRun:
        """Open a forgotten run anew: it keeps its record and trains on if it did.

        Errors: ``PoolFull``.
        """
        opened = TrainingRun(self, next(self._ids), run.comparison, visitor or run.visitor)
        opened.take_over(run)
        if run.done:
            return opened
        self._admit(opened)
        if run.was_playing:
            opened.play(run.steps_per_second)
        return opened

    def submit(self, name: str, visitor: str = "", **arguments: Any) -> ComputationTask:
        """Begin a computation by its name in ``COMPUTATIONS``.

        Errors: ``PoolFull`` if too many are asked; ``ValueError`` if none has that name.
        """
        if name not in COMPUTATIONS:  # it would cost a worker
            raise ValueError(f"There is no computation {name}.")
        with self.lock:
            held = [task for task in self._tasks.values() if isinstance(task, ComputationTask)]
            own = sum(task.visitor == visitor for task in held)
            if own >= self.limits.computations_per_visitor:
                raise PoolFull(
                    f"{own} computations of yours run or wait, the most for one visitor. "
                    "Cancel one, or try again in a minute."
                )
            if len(held) >= self.limits.computations:
                raise PoolFull(
                    "So many computations wait at this moment that no more are taken. "
                    "Try again in a minute."
                )
            task = ComputationTask(self, next(self._ids), name, arguments, visitor)
            self._tasks[task.id] = task
            self._place_waiting()
            return task

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

    def send(self, task: Task, command: protocol.TaskCommand) -> None:
        """Queue a command for the worker that has the task, if one has it."""
        index = task.worker_index
        connection = None if index is None else self._slots[index].connection
        if connection is not None:
            connection.send(command)

    def release(self, task: Task) -> None:
        """Free the place of a task that has ended."""
        with self.lock:
            if isinstance(task, ComputationTask):
                self._tasks.pop(task.id, None)
            self.send(task, protocol.Close(task.id))
            task.placed, task.waiting, task.worker_index = False, False, None
            self._check_now.set()

    def remove(self, task: Task) -> None:
        """Forget a task and free its place; it never runs again."""
        with self.lock:
            self._tasks.pop(task.id, None)
            self.release(task)
            task.forget()

    def evict(self, run: TrainingRun) -> None:
        """Free a run's place but keep its record; it is repeated when it is wanted again."""
        with self.lock:
            self.send(run, protocol.Close(run.id))
            run.placed, run.worker_index = False, None
            run.playing = run.suspended = False
            run.version += 1

    # -- placing ------------------------------------------------------------------------------

    def _runs(self) -> list[TrainingRun]:
        with self.lock:
            return [task for task in self._tasks.values() if isinstance(task, TrainingRun)]

    def _admit(self, run: TrainingRun) -> None:
        too_large = placement.too_large(run.cost, self.worker_bytes)
        if too_large:
            raise ValueError(too_large)
        with self.lock:
            self._tasks[run.id] = run
            try:
                self.place(run)
            except PoolFull:
                del self._tasks[run.id]
                raise

    def _give_place(self, run: TrainingRun) -> None:
        """Place a run, having others give way that may. Errors: ``PoolFull``."""
        now, runs = time.monotonic(), self._runs()
        own = [other for other in runs if other.visitor == run.visitor and other.placed]
        if len(own) >= self.limits.runs_per_visitor:
            resting = placement.idle(own, now, 0.0)
            if not resting:
                raise placement.own_share_taken(self.limits)
            self.evict(resting[0])
        if self.taken() >= self.limits.capacity:
            resting = placement.idle(runs, now, self.timeouts.evict)
            back = placement.share_taken_back(runs, run.visitor)
            given_up = resting[0] if resting else back
            if given_up is None:
                raise placement.no_place(self.limits.capacity, runs)
            self.evict(given_up)
        self._make_memory(run, now)
        run.placed, run.waiting = True, False
        self._assign(run)

    def _make_memory(self, run: TrainingRun, now: float) -> None:
        """Evict idle runs of one worker until it has the memory. Errors: ``PoolFull``."""
        alive = [slot for slot in self._slots if slot.state == "alive"]
        if not alive or self._choose_worker(run) is not None:
            return  # without a worker it waits for one
        idle = placement.idle(self._runs(), now, self.timeouts.evict)
        for slot in alive:
            kept, given_up = self._tasks_of(slot.index), []
            for resting in (other for other in idle if other.worker_index == slot.index):
                given_up.append(resting)
                kept.remove(resting)
                if placement.fits(kept, run.cost, self.worker_bytes):
                    for each in given_up:
                        self.evict(each)
                    return
        raise placement.no_memory(run.cost, self._runs())

    def _tasks_of(self, index: int) -> list[Task]:
        return [task for task in self._tasks.values() if task.worker_index == index]

    def _choose_worker(self, task: Task) -> int | None:
        """Return the least loaded worker that answers and has the memory; None if none has."""
        found: dict[int, int] = {}
        for slot in self._slots:
            tasks = self._tasks_of(slot.index)
            if slot.state != "alive" or not placement.fits(tasks, task.cost, self.worker_bytes):
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
        for command in task.commands_to_start():
            self.send(task, command)

    def _place_waiting(self) -> None:
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

    def _place_late(self, run: TrainingRun) -> None:
        if not self._opens.take(run.visitor):
            return
        try:
            self._give_place(run)
        except PoolFull:
            self._opens.give_back(run.visitor)  # it goes on waiting, and its message says so

    # -- workers ------------------------------------------------------------------------------

    def handle(self, index: int, connection: WorkerConnection, report: protocol.Report) -> None:
        """Take in what a worker reports."""
        match report:
            case protocol.Ready():
                if not self._thumbnails:
                    connection.send(protocol.DrawThumbnails())
                self._ready.set()
                self._place_waiting()
            case protocol.Thumbnails(thumbnails):
                self._thumbnails = thumbnails
                self._drawn.set()
            case protocol.Heartbeat(ids):
                self._close_unlisted(index, connection, ids)
            case _:
                with self.lock:
                    task = self._tasks.get(report.task)
                    if task is not None and task.worker_index == index:
                        self._hand_on(task, report)

    def _hand_on(self, task: Task, report: protocol.TaskReport) -> None:
        try:
            task.handle(report)
        except Exception:  # one task's trouble must not cost the worker and all its tasks
            _LOG.exception("A report of task %s could not be taken in.", task.id)
            task.fail("Something went wrong in this computation, and it is our mistake.")

    def lost(self, index: int, executing: int) -> None:
        """Have the tasks of a worker that ended repeated by others; blame the one at its turn."""
        with self.lock:
            if self._closed.is_set():
                return
            for task in self._tasks_of(index):
                task.worker_index = None
                if task.id == executing:
                    task.count_death()
                if isinstance(task, ComputationTask) and not task.done:
                    task.waiting = True
            self._place_waiting()

    def _close_unlisted(
        self, index: int, connection: WorkerConnection, ids: tuple[int, ...]
    ) -> None:
        """Close what a worker holds and nobody has asked it to hold any more."""
        with self.lock:
            for id in ids:
                task = self._tasks.get(id)
                if task is None or task.worker_index != index:
                    connection.send(protocol.Close(id))

    # -- checks -------------------------------------------------------------------------------

    def _check(self) -> None:
        checked_at = time.monotonic()
        while not self._closed.is_set():
            self._check_now.wait(SECONDS_BETWEEN_CHECKS)
            self._check_now.clear()
            now = time.monotonic()
            try:
                self._check_once(excuse=now - checked_at > _SECONDS_OF_SLEEP)
            except Exception:  # without the checks nothing would be expired or replaced any more
                _LOG.exception("A check of the pool failed.")
            checked_at = now

    def _check_once(self, *, excuse: bool) -> None:
        for slot in self._slots:
            slot.check(excuse=excuse)
        with self.lock:
            for task in list(self._tasks.values()):
                self._expire_idle(task)
        self._place_waiting()
        self._opens.forget_full()

    def _expire_idle(self, task: Task) -> None:
        """Suspend, evict, cancel or forget a task that no page has asked for in a while."""
        limits, unrenewed = self.timeouts, task.unrenewed_for()
        if task.disconnected_for() > limits.forget:
            self.remove(task)
        elif not isinstance(task, TrainingRun):
            if unrenewed > limits.cancel:
                task.cancel()
        elif task.playing and unrenewed > limits.suspend:
            task.suspend()
        elif task.placed and not task.playing and unrenewed > limits.release:
            self.evict(task)
        if task.deaths and time.monotonic() - task.assigned_at > limits.forgive:
            task.deaths = 0
