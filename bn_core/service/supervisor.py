"""One worker of the pool: started, watched, and started again when it has ended."""

import logging
import threading
import time
from typing import Protocol

from bn_core.service import protocol
from bn_core.service.connection import WorkerConnection
from bn_core.service.executor import Timeouts, WorkerHealth, WorkerState

_LOG = logging.getLogger(__name__)
LONGEST_WAIT = 30.0
_SECONDS_BETWEEN_LOGS = 60.0
_SECONDS_FOR_THE_FIRST = 10.0
"""The first worker is given a head start, so that the first page is served sooner."""


class WorkerOwner(Protocol):
    """What a worker's slot asks of the pool it belongs to."""

    timeouts: Timeouts

    @property
    def closed(self) -> threading.Event:
        """Set when the pool is to end."""
        ...

    def handle(self, index: int, connection: WorkerConnection, report: protocol.Report) -> None:
        """Take in what a worker reports."""
        ...

    def lost(self, index: int, executing: int) -> None:
        """Note that a worker has ended and which task had its turn."""
        ...

    def wait_ready(self, seconds: float) -> bool:
        """Wait until a worker takes commands."""
        ...


class WorkerSlot:
    """The place of one worker process; a thread of its own keeps it filled."""

    def __init__(self, index: int, owner: WorkerOwner) -> None:
        self.index, self._owner = index, owner
        self._process: WorkerConnection | None = None
        self.failures = 0
        """Starts that failed since the last worker that took commands."""
        self._killed: WorkerConnection | None = None
        self._ticks: int | None = None
        self._logged_at = -_SECONDS_BETWEEN_LOGS
        self._thread = threading.Thread(target=self._keep_filled, daemon=True)

    def start(self) -> None:
        """Start the worker in the background."""
        self._thread.start()

    @property
    def connection(self) -> WorkerConnection | None:
        """The connection to a worker that takes commands."""
        process = self._process
        return process if process is not None and process.ready else None

    @property
    def ready(self) -> bool:
        """Whether there is a worker that takes commands."""
        return self.connection is not None

    @property
    def process_id(self) -> int | None:
        """The process of a worker that takes commands."""
        connection = self.connection
        return None if connection is None else connection.process_id

    @property
    def state(self) -> WorkerState:
        """How the worker is, judged by when it was heard from last."""
        process, timeouts = self._process, self._owner.timeouts
        if process is None:
            return "missing"
        if not process.ready:
            return "starting"
        if time.monotonic() - process.heartbeat_at > timeouts.suspect:
            return "silent"
        return "stuck" if process.busy_seconds > timeouts.stuck else "alive"

    def health(self, tasks: int) -> WorkerHealth:
        """Return how the worker is."""
        process = self._process
        age = float("inf") if process is None else time.monotonic() - process.heartbeat_at
        process_id = None if process is None else process.process_id
        return WorkerHealth(self.index, process_id, self.state, age, tasks)

    def check(self, *, excuse: bool) -> None:
        """Kill a worker that hangs, so that another takes its place.

        ``excuse``: this process itself was stopped meanwhile, so nothing could be heard.
        """
        process, timeouts = self._process, self._owner.timeouts
        if process is None:
            return
        now = time.monotonic()
        if excuse:
            process.heartbeat_at = now
        silence = now - process.heartbeat_at
        if process.ready and silence < timeouts.suspect:
            self._ticks = process.processor_ticks()
        if process is not self._killed and self._hangs(process, silence):
            _LOG.warning("Worker %s hangs and is replaced.", process.process_id)
            self._killed = process
            process.kill()

    def _hangs(self, process: WorkerConnection, silence: float) -> bool:
        timeouts = self._owner.timeouts
        if not process.ready:
            return time.monotonic() - process.started_at > timeouts.start
        if process.busy_seconds > timeouts.stuck or silence > timeouts.stuck:
            return True
        # On a machine with far too much to do, a worker may be late: it is not hung if it computes.
        ticks = process.processor_ticks()
        computes = ticks is not None and self._ticks is not None and ticks > self._ticks
        return silence > timeouts.silent and not computes

    def hang_up(self) -> None:
        """Make the worker end; this does not wait for it."""
        process = self._process
        if process is not None:
            process.hang_up()
            if not process.ready:
                process.kill()  # it would read the command only when torch is imported

    def wait_for_end(self) -> None:
        """Wait until the worker that was told to end has ended."""
        process = self._process
        if process is not None:
            process.wait_for_end()

    def _keep_filled(self) -> None:
        if self.index:
            self._owner.wait_ready(_SECONDS_FOR_THE_FIRST)
        while not self._owner.closed.is_set():
            began = time.monotonic()
            took_commands = self._run_one()
            self.failures = 0 if took_commands else self.failures + 1
            # One that ends at once would be started again in a tight loop.
            early = time.monotonic() - began < 5
            wait = min(2.0 ** (self.failures - 1), LONGEST_WAIT) if self.failures else 1.0 * early
            self._owner.closed.wait(wait)

    def _run_one(self) -> bool:
        """Start a worker and serve it until it has ended; return whether it took commands."""
        try:
            process = WorkerConnection.start()
        except (OSError, RuntimeError, EOFError) as error:
            self._log("A worker process cannot be started: %s", error)
            return False
        self._process = process
        if self._owner.closed.is_set():
            process.hang_up()
        try:
            process.receive(lambda sender, report: self._owner.handle(self.index, sender, report))
        except Exception:  # a worker whose reports cannot be read is replaced
            _LOG.exception("A report of worker %s could not be read.", process.process_id)
        self._process = None
        if not process.ready:
            self._log(
                "A worker process ended before it took commands: exit status %s",
                process.exit_status,
            )
        self._owner.lost(self.index, process.executing)
        return process.ready

    def _log(self, words: str, detail: object) -> None:
        """Log a failed start, at most once a minute."""
        now = time.monotonic()
        if now - self._logged_at >= _SECONDS_BETWEEN_LOGS and not self._owner.closed.is_set():
            self._logged_at = now
            _LOG.error(words, detail)
