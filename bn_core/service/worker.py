"""A worker process: it advances many tasks in turns, and reports to the page process.

Started as ``python -m bn_core.service.worker STATUS_FILE DESCRIPTOR`` or, where a process cannot
be handed an open socket, ``... STATUS_FILE HOST PORT``. It ends when the connection is closed.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from multiprocessing.connection import Client, Connection
from pathlib import Path

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.datasets import own
from bn_core.datasets.idx import DataFileError
from bn_core.datasets.loading import STORE
from bn_core.datasets.thumbnails import thumbnails
from bn_core.service import limits, protocol
from bn_core.service.command_queue import CommandQueue
from bn_core.service.computation_job import ComputationJob
from bn_core.service.connection import KEY_VARIABLE
from bn_core.service.status import NO_TASK, Status
from bn_core.service.training_job import TrainingJob
from bn_core.service.turns import FairTurns
from bn_core.training import prepare_process, train

SLICE = 0.015
ROUND = 0.1
"""Seconds in which every task gets a turn, however many there are: a turn is at least one step."""
IDLE_BEFORE_WARM_UP = 0.5
SECONDS_BETWEEN_HEARTBEATS = 0.5
MOST_UNSENT = 200
"""Reports that may wait; beyond that, tasks keep what they have trained until there is room."""

Job = TrainingJob | ComputationJob
_LOG = logging.getLogger(__name__)


class Reports:
    """Reports on their way to the page process, sent by a thread of their own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._reports: deque[protocol.Report] = deque()
        self._changed = threading.Condition()
        threading.Thread(target=self._write, daemon=True).start()

    @property
    def full(self) -> bool:
        """Whether the page process is far behind."""
        return len(self._reports) >= MOST_UNSENT

    def put(self, report: protocol.Report) -> None:
        """Send a report soon; a heartbeat only if nothing else is on its way."""
        with self._changed:
            if self._reports and isinstance(report, protocol.Heartbeat):
                return
            self._reports.append(report)
            self._changed.notify()

    def _write(self) -> None:
        while True:
            with self._changed:
                while not self._reports:
                    self._changed.wait()
                report = self._reports[0]
            try:
                self._connection.send(report)
            except OSError:
                return  # the page process is gone; who reads ends this process
            self._reports.popleft()


class Worker:
    """Advances the tasks it is given, a slice of time each, and takes commands in between."""

    def __init__(self, connection: Connection, status: Status) -> None:
        self._connection, self._status = connection, status
        self._commands = CommandQueue()
        self._reports = Reports(connection)
        self._turns = FairTurns()
        self._jobs: dict[int, Job] = {}
        self._warm = self._low_priority = self._freed = False
        self._turn_began: float | None = None

    def serve(self) -> None:
        """Work until the process is ended by the thread that reads."""
        for thread in (self._read, self._send_heartbeats):
            threading.Thread(target=thread, daemon=True).start()
        self._reports.put(protocol.Ready())
        while True:
            self._take_commands()
            job = self._turns.next(self._jobs.values(), time.monotonic())
            if job is not None:
                self._work(job)
            self._report()

    def _read(self) -> None:
        """Take commands off the connection at once, whatever the tasks are at."""
        try:
            while not isinstance(command := self._connection.recv(), protocol.Exit):
                self._commands.put(command)
        except (EOFError, OSError):
            pass  # the page process is gone
        except Exception:
            _LOG.exception("A command could not be read.")
        finally:
            os._exit(0)  # without the page process there is nothing to work for

    def _send_heartbeats(self) -> None:
        while True:
            began = self._turn_began
            busy = 0.0 if began is None else time.monotonic() - began
            self._reports.put(protocol.Heartbeat(tuple(self._jobs), busy))
            time.sleep(SECONDS_BETWEEN_HEARTBEATS)

    def _take_commands(self) -> None:
        """Follow every command that has come; wait for one only if there is nothing to do."""
        wait = self._seconds_until_busy()
        self._turn_began = None
        command = self._commands.take(IDLE_BEFORE_WARM_UP if wait is None else wait)
        if command is None and wait is None:
            self._use_idle_time()
            command = self._commands.take(None)
        self._turn_began = time.monotonic()
        while command is not None:
            self._follow(command)
            command = self._commands.take(0)

    def _use_idle_time(self) -> None:
        if not self._warm:
            self._lower_priority()
            warm_up()
            self._warm = True
        if self._freed:
            limits.return_memory(collect=True)
            self._freed = False

    def _lower_priority(self) -> None:
        """Let the page and the browser go first, but not before the first report is made."""
        if not self._low_priority:
            limits.lower_priority()
            self._low_priority = True

    def _seconds_until_busy(self) -> float | None:
        now = time.monotonic()
        jobs = self._jobs.values()
        times = [job.ready_at() for job in jobs] + [job.report_at() for job in jobs]
        soonest = min((t for t in times if t is not None), default=None)
        return None if soonest is None else max(soonest - now, 0)

    def _follow(self, command: protocol.Command) -> None:
        match command:
            case protocol.Open():
                self._add(TrainingJob(command))
            case protocol.Compute():
                self._add(ComputationJob(command))
            case protocol.Close(task):
                self._close(task)
            case protocol.DrawThumbnails():
                self._reports.put(protocol.Thumbnails(thumbnails()))
            case protocol.Provide(name, body):
                hold_own_data(name, body)
            case protocol.Withdraw(name):
                own.let_go(name)
                STORE.forget(lambda request: name in repr(request))
            case protocol.Exit():
                pass  # the thread that reads has seen to it
            case _:
                job = self._jobs.get(command.task)
                if isinstance(job, TrainingJob):
                    self._follow_for_run(job, command)

    def _follow_for_run(self, job: TrainingJob, command: protocol.Command) -> None:
        match command:
            case protocol.Play(_, pace, hurry_to):
                self._turns.join(job, self._jobs.values())
                job.play(pace, hurry_to)
            case protocol.Pause():
                job.pause()
            case protocol.StepOnce(_, count):
                job.step_once(count)
            case protocol.SetRate(_, rate, number):
                job.set_rate(rate, number)

    def _add(self, job: Job) -> None:
        self._turns.join(job, self._jobs.values())
        self._jobs[job.task] = job

    def _close(self, task: int) -> None:
        job = self._jobs.pop(task, None)
        if job is None:
            return
        job.close()
        self._freed = True
        limits.return_memory(collect=False)
        self._turns.tidy(self._jobs.values())

    def _work(self, job: Job) -> None:
        active = sum(other.active for other in self._jobs.values())
        self._status.executing = job.task
        job.share = 1 / max(active, 1)
        began = self._turn_began = time.monotonic()
        job.work(min(SLICE, ROUND / max(active, 1)))
        self._turns.charge(job, time.monotonic() - began)
        self._status.executing = NO_TASK

    def _report(self) -> None:
        if self._reports.full:
            return
        now = time.monotonic()
        for job in list(self._jobs.values()):
            for report in job.reports(now):
                self._reports.put(report)
                if isinstance(report, protocol.Trained | protocol.Computed):
                    self._lower_priority()
            if job.over:
                self._close(job.task)


def hold_own_data(name: str, body: bytes) -> None:
    """Hold a visitor's data; tasks that need others than these end with a sentence."""
    try:
        data = own.from_body(body)
    except DataFileError:
        _LOG.exception("A visitor's data could not be read.")
        return
    if data.name == name:
        own.hold(data)


def warm_up() -> None:
    """Take one step of a tiny net: the first optimizer of a process takes a second to import."""
    training = train(Comparison(Config(data="xor", depth=1, width=4, points=64, steps=1)))
    for _ in training:
        pass


def connect(arguments: list[str]) -> Connection:
    """Return the connection named on the command line."""
    if len(arguments) == 1:
        return Connection(int(arguments[0]))
    key = bytes.fromhex(os.environ.pop(KEY_VARIABLE))
    return Client((arguments[0], int(arguments[1])), "AF_INET", authkey=key)


def main() -> None:
    """Serve the connection named on the command line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the server, which hangs up
    limits.limit_memory()
    prepare_process()
    path, *address = sys.argv[1:]
    status = Status(Path(path))
    with suppress(OSError):  # Windows keeps it until both ends are closed
        os.unlink(path)
    Worker(connect(address), status).serve()


if __name__ == "__main__":
    main()
