"""A worker process: it trains many runs in turns, and reports to the page process.

Started as ``python -m bn_core.service.worker FILE_DESCRIPTOR``; it ends when the other end of
that socket is closed.
"""

import contextlib
import ctypes
import gc
import os
import resource
import signal
import sys
import time
from multiprocessing.connection import Connection

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.datasets.thumbnails import thumbnails
from bn_core.records import Ending
from bn_core.service import protocol
from bn_core.service.job import Job, next_in_turn
from bn_core.service.study_job import TaskJob
from bn_core.training import prepare_process, train

SLICE = 0.015
ROUND = 0.1
"""Seconds in which every run gets a turn, however many there are: a turn is at least one step."""
IDLE_BEFORE_WARM_UP = 0.5
NICENESS = 10
"""The page process goes first: clicks are answered at once however much is trained."""
MEMORY_LIMIT = 8 * 2**30
"""Bytes of address space; torch alone maps about two gigabytes."""


class Worker:
    """Trains the runs it is given, a slice of time each, and listens in between."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.jobs: dict[int, Job] = {}
        self.studies: dict[int, TaskJob] = {}
        self.warm = self._stepped_back = False

    def serve(self) -> None:
        """Work until the page process hangs up."""
        self.connection.send(protocol.Ready())
        while True:
            self._listen()
            job = next_in_turn(self._all, time.monotonic())
            if job is not None:
                self._work(job)
            self._report()

    @property
    def _all(self) -> list[Job | TaskJob]:
        return [*self.jobs.values(), *self.studies.values()]

    def _listen(self) -> None:
        """Obey every command that has come; wait for one only if there is nothing to do."""
        wait = self._seconds_until_busy()
        if not self.warm and wait is None and not self.connection.poll(IDLE_BEFORE_WARM_UP):
            self._step_back()
            warm_up()
            self.warm = True
        while self.connection.poll(wait):
            self._obey(self.connection.recv())
            self._report()  # a picture of new nets does not wait for the next command
            wait = 0

    def _step_back(self) -> None:
        """Let the page and the browser go first, but not before the first picture is made."""
        if not self._stepped_back:
            os.nice(NICENESS)
            self._stepped_back = True

    def _seconds_until_busy(self) -> float | None:
        now = time.monotonic()
        times = [job.ready_at() for job in self._all]
        times += [job.report_due() for job in self.jobs.values() if job.has_report]
        soonest = min((t for t in times if t is not None), default=None)
        return None if soonest is None else max(soonest - now, 0)

    def _obey(self, command: protocol.Command) -> None:
        if isinstance(command, protocol.Open):
            self._open(command)
        elif isinstance(command, protocol.DrawPictures):
            self.connection.send(protocol.Pictures(thumbnails()))
        elif isinstance(command, protocol.Ask):
            study = TaskJob(command.study, command.name, dict(command.arguments))
            self._join_turns(study)
            self.studies[command.study] = study
        elif isinstance(command, protocol.Cancel):
            self.studies.pop(command.study, None)
        elif command.run in self.jobs:
            self._obey_for(self.jobs[command.run], command)

    def _obey_for(self, job: Job, command: protocol.Command) -> None:
        match command:
            case protocol.Play(_, pace):
                self._join_turns(job)
                job.play(pace)
            case protocol.Pause():
                job.pause()
            case protocol.StepOnce():
                job.step_once()
            case protocol.SetRate(_, rate):
                job.set_rate(rate)
            case protocol.Close(run):
                del self.jobs[run]
                if not self.jobs:
                    return_memory()

    def _open(self, command: protocol.Open) -> None:
        try:
            job = Job(command.comparison, command.replay_to)
        except (ValueError, RuntimeError, MemoryError) as error:
            self._fail(command.run, 0, error)
            return
        self._join_turns(job)
        self.jobs[command.run] = job
        self.connection.send(protocol.Opened(command.run, job.summary))

    def _join_turns(self, job: Job | TaskJob) -> None:
        """Let a job that rested start level with the others instead of catching up with them."""
        clocks = [other.used for other in self._all if other.playing and other is not job]
        job.used = max(job.used, min(clocks, default=0.0))

    def _work(self, job: Job | TaskJob) -> None:
        try:
            crowd = sum(other.playing for other in self._all)
            job.work(min(SLICE, ROUND / max(crowd, 1)))
        except (ValueError, RuntimeError, MemoryError) as error:
            run, failed = next((run, held) for run, held in self.jobs.items() if held is job)
            self._fail(run, failed.step, error)

    def _fail(self, run: int, step: int, error: Exception) -> None:
        self.jobs.pop(run, None)
        why = "There was not enough memory." if isinstance(error, MemoryError) else str(error)
        self.connection.send(protocol.Ended(run, Ending("failed", step, why)))

    def _report(self) -> None:
        now = time.monotonic()
        for run, job in list(self.jobs.items()):
            stretch = job.report(now)
            if stretch is not None:
                self.connection.send(protocol.Progress(run, stretch))
                self._step_back()
            if job.ending is not None:
                self.connection.send(protocol.Ended(run, job.ending))
                del self.jobs[run]
        for number, study in list(self.studies.items()):
            for report in study.reports(now):
                self.connection.send(report)
                self._step_back()
            if study.ended:
                del self.studies[number]


def return_memory() -> None:
    """Give the system back what ended runs have used; the C library would keep it for later."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, others have not
    if trim is not None:
        trim(0)


def warm_up() -> None:
    """Take one step of a tiny net: the first optimizer of a process takes a second to import."""
    training = train(Comparison(Config(data="xor", depth=1, width=4, points=64, steps=1)))
    for _ in training:
        pass


def main() -> None:
    """Serve the socket named on the command line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the server, which hangs up
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    prepare_process()
    # When the page process is gone, so is the reason to train.
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        Worker(Connection(int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
