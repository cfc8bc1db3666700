"""A study as the pages hold it: asked for once, then watched until it is done."""

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bn_core.results import Progress
from bn_core.service import protocol

if TYPE_CHECKING:
    from bn_core.service.pool import Pool


class Task:
    """One study on some worker. ``version`` grows with every change.

    ``result`` is set when it has come to its end, ``failure`` says in plain words why it has not.
    """

    def __init__(self, pool: "Pool", number: int, name: str, arguments: dict[str, Any]) -> None:
        self._pool = pool
        self.number, self.name, self.arguments = number, name, arguments
        self.progress = Progress(0.0, "waiting for a worker")
        self.result: Any = None
        self.failure = ""
        self.version = 0
        self.slot: int | None = None
        self.deaths = 0
        self._ended = threading.Event()
        self._seen_at = time.monotonic()

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._ended.is_set()

    def seen(self) -> None:
        """Note that a page still wants the result."""
        self._seen_at = time.monotonic()

    def unseen_for(self) -> float:
        """Return the seconds since a page last asked."""
        return time.monotonic() - self._seen_at

    def wait(self, seconds: float) -> bool:
        """Wait for the end; return whether it has come."""
        self.seen()
        return self._ended.wait(seconds)

    def cancel(self) -> None:
        """Stop; what it has found so far stays in ``progress``."""
        if not self.done:
            self._pool.send_study(self, protocol.Cancel(self.number))
            self.give_up("It was cancelled.")

    def give_up(self, why: str) -> None:
        """End without a result."""
        self._end(failure=why)

    def hear(self, report: protocol.StudyReport) -> None:
        """Take in what the worker says of this study."""
        if self.done:
            return
        match report:
            case protocol.StudyProgress(_, progress):
                found = progress.partial if progress.partial is not None else self.progress.partial
                self.progress = replace(progress, partial=found)
                self.version += 1
            case protocol.StudyDone(_, result):
                self._end(result=result)
            case protocol.StudyFailed(_, why):
                self._end(failure=why)

    def _end(self, *, result: Any = None, failure: str = "") -> None:
        self.result, self.failure = result, failure
        self.version += 1
        self._ended.set()
        self._pool.forget_study(self)
