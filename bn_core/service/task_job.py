"""What a run and a computation have in common inside a worker."""

import logging
import time
from abc import ABC, abstractmethod

from bn_core.records import Ending
from bn_core.service import protocol
from bn_core.service.turns import SLOW_TURN

SECONDS_BETWEEN_REPORTS = 0.2
NO_MEMORY = (
    "There was not enough memory. Lower the width, the depth, the batch size or the number of "
    "seeds, or try again when fewer people train."
)
OUR_MISTAKE = "Something went wrong in this computation, and it is our mistake."
_LOG = logging.getLogger(__name__)


class TaskJob(ABC):
    """A task at work. ``used`` says how many seconds of the worker's time it has had."""

    def __init__(self, task: int, visitor: str) -> None:
        self.task, self.visitor = task, visitor
        self.used, self.last_turns = 0.0, (0.0, 0.0)
        self.share = 1.0
        """Which share of the worker's time is its own now; the worker keeps it up to date."""
        self.over = False
        """Whether it has ended and has nothing more to report."""
        self._failure: Ending | None = None

    @property
    @abstractmethod
    def active(self) -> bool:
        """Whether it has work to do or will have soon."""

    @property
    def slow(self) -> bool:
        """Whether its turns take long; a single one may, as when a library is imported."""
        return min(self.last_turns) >= SLOW_TURN

    @abstractmethod
    def ready_at(self) -> float | None:
        """Return when it wants the processor next; None is not before it is told to."""

    @abstractmethod
    def report_at(self) -> float | None:
        """Return when it has something to report; None if it has nothing."""

    @abstractmethod
    def reports(self, now: float) -> list[protocol.TaskReport]:
        """Return what there is to report now; with the last report it is over."""

    @abstractmethod
    def _advance(self, now: float) -> None:
        """Go on by the smallest step there is."""

    @abstractmethod
    def _step(self) -> int:
        """Return the training step it is at, 0 for what has none."""

    def work(self, seconds: float) -> None:
        """Work for about so long, or until the next step is not yet due; keep what goes wrong."""
        try:
            began = now = time.monotonic()
            while now - began < seconds and not self._failure:
                ready = self.ready_at()
                if ready is None or ready > now:
                    break
                self._advance(now)
                now = time.monotonic()
        except Exception as error:
            self._failure = Ending("failed", self._step(), _why(error))


def _why(error: Exception) -> str:
    """Return in plain words why a task failed; what is not the visitor's doing is logged."""
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return NO_MEMORY
    if isinstance(error, ValueError):
        return str(error)
    _LOG.error("A task failed.", exc_info=error)
    return OUR_MISTAKE
