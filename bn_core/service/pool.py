"""The local executor: a bounded number of tasks placed on a few worker processes.

Torch is never imported here. A worker that dies or hangs is replaced and its runs are repeated up
to where they were; a run that no page asks for is paused, then forgotten.
"""

import itertools
import logging
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from bn_core.comparison import Comparison
from bn_core.datasets.own import OwnData
from bn_core.datasets.thumbnails import Thumbnail
from bn_core.service import costs, protocol
from bn_core.service.computations import COMPUTATIONS
from bn_core.service.connection import WorkerConnection
from bn_core.service.executor import Health, PoolFull, Timeouts
from bn_core.service.own_data import DataNotHere, OwnDataStore
from bn_core.service.placement import Limits
from bn_core.service.places import Places
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

    All methods may be called from any thread.
    """

    def __init__(
        self,
        workers: int = 2,
        places: int = 64,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        opens: Rate | None = None,
        worker_bytes: float | None = None,
        own_data: OwnDataStore | None = None,
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self.limits = limits or Limits(capacity=places)
        self._ids = itertools.count(1)
        self._opens = TokenBuckets(opens or Rate())
        self._thumbnails: Mapping[str, Thumbnail] = {}
        self._drawn = threading.Event()
        self._ready = threading.Event()
        self._closed = threading.Event()
        self._check_now = threading.Event()
        self._own_data = own_data or OwnDataStore()
        self._slots = [WorkerSlot(index, self) for index in range(workers)]
        self._places = Places(
            self._slots,
            self.timeouts,
            self.limits,
            self._opens,
            worker_bytes or costs.worker_bytes(workers),
            self._own_data,
        )

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
        tasks = self._places.tasks()
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
        return sum(run.playing for run in self._places.runs())

    def taken(self) -> int:
        """Return how many places are taken."""
        return self._places.taken()

    # -- tasks --------------------------------------------------------------------------------

    def open(self, comparison: Comparison, visitor: str = "") -> TrainingRun:
        """Open a run and place it on a worker; too many in a row wait for their place.

        Errors: ``PoolFull``, also where its data are not here; ``ValueError`` if it cannot train.
        """
        if comparison.problem():
            raise ValueError(comparison.problem())
        run = TrainingRun(self, next(self._ids), comparison, visitor)
        self._check_data(run)
        self._places.admit(run)
        return run

    def reopen(self, run: TrainingRun, visitor: str = "") -> TrainingRun:
        """Open a forgotten run anew: it keeps its record and trains on if it did.

        Errors: ``PoolFull``.
        """
        opened = TrainingRun(self, next(self._ids), run.comparison, visitor or run.visitor)
        opened.take_over(run)
        if run.done:
            return opened
        self._check_data(opened)
        self._places.admit(opened)
        if run.was_playing:
            opened.play(run.steps_per_second)
        return opened

    def submit(self, name: str, visitor: str = "", **arguments: Any) -> ComputationTask:
        """Begin a computation by its name in ``COMPUTATIONS``.

        Errors: ``PoolFull`` if too many are asked; ``ValueError`` if none has that name.
        """
        if name not in COMPUTATIONS:  # it would cost a worker
            raise ValueError(f"There is no computation {name}.")
        task = ComputationTask(self, next(self._ids), name, arguments, visitor)
        missing = self.data_problem(visitor, task.own_data)
        if missing:
            task.fail(missing)
            return task
        self._places.enlist(task)
        return task

    def _check_data(self, run: TrainingRun) -> None:
        missing = self.data_problem(run.visitor, run.own_data)
        if missing:
            raise DataNotHere(missing)

    # -- visitors' own data -------------------------------------------------------------------

    def keep_data(self, visitor: str, data: OwnData) -> str:
        """Keep data for a visitor and return their name. Errors: ``PoolFull``."""
        return self._own_data.keep(visitor, data, self._places.own_data_in_use())

    def data_of(self, visitor: str) -> list[OwnData]:
        """Return the data that are kept for a visitor; their lease begins anew."""
        self._own_data.renew(visitor)
        return self._own_data.of_visitor(visitor)

    def data_proof(self, name: str) -> str:
        """Return what proves that its bearer has opened data of their own."""
        return self._own_data.proof(name)

    def admit_to_data(self, visitor: str, name: str, proof: str) -> bool:
        """Give data that are still here to a visitor with their proof; return whether they are."""
        return self._own_data.admit(visitor, name, proof)

    def data_problem(self, visitor: str, names: Iterable[str]) -> str:
        """Return what to do where own data are not here or not this visitor's; else nothing."""
        return self._own_data.problem(visitor, names)

    def place(self, task: Task) -> None:
        """Place a run that is to go on; it is repeated up to where it was. Errors: ``PoolFull``."""
        self._places.place(task)

    def send(self, task: Task, command: protocol.TaskCommand) -> None:
        """Queue a command for the worker that has the task, if one has it."""
        self._places.send(task, command)

    def release(self, task: Task) -> None:
        """Free the place of a task that has ended."""
        with self._places.lock:
            if isinstance(task, ComputationTask):
                self._places.strike(task)
            self.send(task, protocol.Close(task.id))
            task.placed, task.waiting, task.worker_index = False, False, None
            self._check_now.set()

    def remove(self, task: Task) -> None:
        """Forget a task and free its place; it never runs again."""
        with self._places.lock:
            self._places.strike(task)
            self.release(task)
            task.forget()

    # -- workers ------------------------------------------------------------------------------

    def handle(self, index: int, connection: WorkerConnection, report: protocol.Report) -> None:
        """Take in what a worker reports."""
        match report:
            case protocol.Ready():
                if not self._thumbnails:
                    connection.send(protocol.DrawThumbnails())
                self._ready.set()
                self._places.place_waiting()
            case protocol.Thumbnails(thumbnails):
                self._thumbnails = thumbnails
                self._drawn.set()
            case protocol.Heartbeat(ids):
                self._close_unlisted(index, connection, ids)
            case _:
                with self._places.lock:
                    task = self._places.on_worker(index, report.task)
                    if task is not None:
                        self._hand_on(task, report)

    def _hand_on(self, task: Task, report: protocol.TaskReport) -> None:
        try:
            task.handle(report)
        except Exception:  # one task's trouble must not cost the worker and all its tasks
            _LOG.exception("A report of task %s could not be taken in.", task.id)
            task.fail("Something went wrong in this computation, and it is our mistake.")

    def lost(self, index: int, executing: int) -> None:
        """Have the tasks of a worker that ended repeated by others; blame the one at its turn."""
        if not self._closed.is_set():
            self._places.bereave(index, executing)

    def _close_unlisted(
        self, index: int, connection: WorkerConnection, ids: tuple[int, ...]
    ) -> None:
        """Close what a worker holds and nobody has asked it to hold any more."""
        with self._places.lock:
            for id in ids:
                if self._places.on_worker(index, id) is None:
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
        with self._places.lock:
            for task in self._places.tasks():
                self._expire_idle(task)
        self._places.place_waiting()
        self._places.expire_own_data()
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
            self._places.evict(task)
        if task.deaths and time.monotonic() - task.assigned_at > limits.forgive:
            task.deaths = 0
