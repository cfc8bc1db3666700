"""Tasks as the pages hold them: commands in; progress, messages and a named ending out.

A task knows only the protocol and what it asks of its executor; executors know tasks.
"""

import threading
import time
from abc import ABC, abstractmethod
from typing import Any, Literal, Protocol

from bn_core.records import Ending
from bn_core.service import protocol
from bn_core.service.costs import Cost

MOST_DEATHS = 2
"""Workers that may end while a task has its turn; one more, and the task is given up."""

State = Literal["waiting", "building", "resting", "running", "evicted", "ended", "forgotten"]


class TaskOwner(Protocol):
    """What a task asks of the executor that holds it. None of these ever block."""

    def place(self, task: Any) -> None:
        """Give a task a place on a worker, now or when there is one."""
        ...

    def send(self, task: Any, command: protocol.TaskCommand) -> None:
        """Send a command to the worker that has the task, if one has it."""
        ...

    def release(self, task: Any) -> None:
        """Free the place of a task that has ended."""
        ...

    def remove(self, task: Any) -> None:
        """Forget a task."""
        ...


class Task(ABC):
    """Something that a worker does for a visitor. ``version`` grows with every change.

    A task that nobody asks for any more is forgotten: it never runs again, and the page that
    still holds it has to open another.
    """

    def __init__(self, owner: TaskOwner, id: int, visitor: str = "") -> None:
        self._owner, self.id = owner, id
        self.visitor = visitor or f"visitor of task {id}"
        self.version = 0
        self.worker_index: int | None = None
        self.placed = False
        """Whether it counts against the executor's capacity."""
        self.waiting = False
        """Whether it is to be placed as soon as there is room."""
        self.forgotten = False
        self.deaths = 0
        self.assigned_at = self.commanded_at = time.monotonic()
        self._renewed_at = time.monotonic()
        self._disconnected_at: float | None = None
        self._ended = threading.Event()

    @property
    @abstractmethod
    def ending(self) -> Ending | None:
        """How the task ended, if it has."""

    @property
    @abstractmethod
    def state(self) -> State:
        """Where the task stands."""

    @property
    @abstractmethod
    def message(self) -> str:
        """What to tell the visitor about where the task stands; empty if there is nothing."""

    @property
    @abstractmethod
    def active(self) -> bool:
        """Whether a worker has something to do for it now."""

    @property
    @abstractmethod
    def cost(self) -> Cost:
        """What it holds in a worker."""

    @property
    @abstractmethod
    def own_data(self) -> set[str]:
        """The names of the visitor's own data that it needs."""

    @abstractmethod
    def commands_to_start(self) -> list[protocol.TaskCommand]:
        """Return what brings a worker that knows nothing of this task to where it is."""

    @abstractmethod
    def handle(self, report: protocol.TaskReport) -> None:
        """Take in what the worker reports of this task."""

    @abstractmethod
    def fail(self, why: str) -> None:
        """End the task because it cannot go on."""

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self.ending is not None

    @property
    def failure(self) -> str:
        """Why it did not come to its end, in plain words; empty if it did or still may."""
        failed = self.ending is not None and self.ending.kind in ("failed", "cancelled")
        return self.ending.why if failed and self.ending else ""

    def renew_lease(self) -> None:
        """Note that a page still wants the task."""
        self._renewed_at, self._disconnected_at = time.monotonic(), None

    def unrenewed_for(self) -> float:
        """Return the seconds since a page last asked for the task."""
        return time.monotonic() - self._renewed_at

    def disconnect(self) -> None:
        """Note that the page's connection is gone; unless it returns the task is forgotten."""
        self._disconnected_at = time.monotonic()

    def disconnected_for(self) -> float:
        """Return the seconds since the page's connection went; 0 while there is one."""
        return 0.0 if self._disconnected_at is None else time.monotonic() - self._disconnected_at

    def wait(self, seconds: float) -> bool:
        """Wait for the end; return whether it has come."""
        self.renew_lease()
        return self._ended.wait(seconds)

    @abstractmethod
    def cancel(self) -> None:
        """Stop for good."""

    def count_death(self) -> None:
        """Note that a worker ended during this task's turn; give up after too many."""
        self.deaths += 1
        if self.deaths > MOST_DEATHS:
            self.fail(f"Its worker process ended {self.deaths} times.")

    def forget(self) -> None:
        """Never run again; called by the executor when it drops the task."""
        self.forgotten, self.waiting = True, False
        self.version += 1

    def _finish(self) -> None:
        self.waiting = False
        self.version += 1
        self._ended.set()
        self._owner.release(self)
