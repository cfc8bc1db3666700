"""The page process's side of training: a bounded pool of workers and the runs placed on them.

Torch is never imported here. A worker that dies is replaced and its runs are repeated up to where
they were; a run whose page has gone is paused, then forgotten.
"""

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bn_core.comparison import Comparison
from bn_core.datasets.thumbnails import Thumbnail
from bn_core.service import protocol
from bn_core.service.link import WorkerLink
from bn_core.service.run import Run
from bn_core.service.studies import STUDIES
from bn_core.service.study import Task


@dataclass(frozen=True)
class Patience:
    """How many seconds a run that no page looks at keeps what it has."""

    before_suspending: float = 6.0
    """A run that trains rests until a page looks again."""
    before_evicting: float = 30.0
    """A run that rests loses its place when all are taken and another visitor comes."""
    before_parking: float = 600.0
    """A run that rests loses its place; its record stays."""
    before_forgetting: float = 20.0
    """A run whose connection is gone: a page that only reconnects finds it again."""
    before_cancelling: float = 20.0
    """A study whose result no page has asked for."""


MOST_DEATHS = 2
"""Workers one run or study may cost before it is given up: it is likely what kills them."""

MOST_STUDIES = 96
"""Studies that may wait or be at work at once."""


class PoolFull(RuntimeError):
    """Every place is taken by a run that trains or was just looked at."""


class Pool:
    """A few worker processes and at most ``places`` runs placed on them.

    All methods may be called from any thread.
    """

    def __init__(
        self, workers: int = 2, places: int = 64, patience: Patience | None = None
    ) -> None:
        self.patience = patience or Patience()
        self.places = places
        self.lock = threading.RLock()
        self._runs: dict[int, Run] = {}
        self._studies: dict[int, Task] = {}
        self._numbers = itertools.count(1)
        self._links: list[WorkerLink | None] = [None] * workers
        self._pictures: Mapping[str, Thumbnail] = {}
        self._closed = threading.Event()
        self._ready = threading.Event()
        self._drawn = threading.Event()
        self._born_at = [0.0] * workers

    def start(self) -> None:
        """Start the workers one after another in the background, and the housekeeping."""
        threading.Thread(target=self._start_workers, daemon=True).start()
        threading.Thread(target=self._keep_house, daemon=True).start()

    def close(self) -> None:
        """End all workers."""
        self._closed.set()
        with self.lock:
            links = [link for link in self._links if link is not None]
        for link in links:
            link.hang_up()
        for link in links:
            link.wait_for_end()

    def open(self, comparison: Comparison) -> Run:
        """Place a new run on a worker. Errors: ``PoolFull``; ``ValueError`` if it cannot train."""
        if comparison.problem():
            raise ValueError(comparison.problem())
        with self.lock:
            run = Run(self, next(self._numbers), comparison)
            self.place(run)
            self._runs[run.number] = run
            return run

    def wait_ready(self, seconds: float) -> bool:
        """Wait until a worker listens; return whether one does."""
        return self._ready.wait(seconds)

    def wait_for_pictures(self, seconds: float) -> Mapping[str, Thumbnail]:
        """Return the data sets' pictures by name; none if no worker has drawn them in time."""
        self._drawn.wait(seconds)
        return self._pictures

    @property
    def process_ids(self) -> list[int]:
        """The process of each worker that runs."""
        with self.lock:
            return [link.process_id for link in self._links if link is not None]

    def training(self) -> int:
        """Return how many runs train at this moment."""
        with self.lock:
            return sum(run.playing for run in self._runs.values())

    def taken(self) -> int:
        """Return how many places are taken."""
        with self.lock:
            return sum(run.placed for run in self._runs.values())

    def place(self, run: Run) -> None:
        """Give a run a place and have it repeated up to where it was. Errors: ``PoolFull``."""
        with self.lock:
            if not run.placed and self.taken() >= self.places and not self._evict_one():
                raise PoolFull(
                    f"All {self.places} places are taken: so many people train at this moment. "
                    "This page tries again by itself."
                )
            run.placed = True
            self._assign(run)

    def remove(self, run: Run) -> None:
        """Forget a run and free its place."""
        with self.lock:
            self.send(run, protocol.Close(run.number))
            run.placed = False
            self._runs.pop(run.number, None)

    def park(self, run: Run) -> None:
        """Free a run's place but keep its record; it is repeated when it is wanted again."""
        with self.lock:
            self.send(run, protocol.Close(run.number))
            run.placed, run.slot, run.playing = False, None, False

    def send(self, run: Run, command: protocol.Command) -> None:
        """Send a command to the worker that has the run, if any has it."""
        link = None if run.slot is None else self._links[run.slot]
        if link is not None:
            link.send(command)

    def _assign(self, run: Run) -> None:
        """Hand a run to the worker with the fewest; without a worker it waits for one."""
        run.slot = self._least_loaded()
        for command in run.commands_to_resume():
            self.send(run, command)

    def _least_loaded(self) -> int | None:
        """Return the slot of the worker that has least to do; None while there is no worker."""
        load = {slot: 0 for slot, link in enumerate(self._links) if link}
        for run in self._runs.values():
            if run.slot in load:
                load[run.slot] += 1 + 100 * run.playing
        for study in self._studies.values():
            if study.slot in load:
                load[study.slot] += 101  # as much as a run that trains
        return min(load, key=lambda slot: load[slot], default=None)

    def ask(self, name: str, **arguments: Any) -> Task:
        """Begin a study by its name in ``STUDIES``.

        Errors: ``PoolFull`` if too many are asked; ``ValueError`` if none has that name.
        """
        if name not in STUDIES:  # it would cost a worker
            raise ValueError(f"There is no study {name}.")
        with self.lock:
            if len(self._studies) >= MOST_STUDIES:
                raise PoolFull(
                    "So many computations wait at this moment that no more are taken. "
                    "Try again in a minute."
                )
            study = Task(self, next(self._numbers), name, arguments)
            self._studies[study.number] = study
            self._assign_study(study)
            return study

    def forget_study(self, study: Task) -> None:
        """Take a study that has ended off the list."""
        with self.lock:
            self._studies.pop(study.number, None)

    def send_study(self, study: Task, command: protocol.Command) -> None:
        """Send a command to the worker of a study, if it has one."""
        with self.lock:
            link = None if study.slot is None else self._links[study.slot]
            if link is not None:
                link.send(command)

    def _assign_study(self, study: Task) -> None:
        study.slot = self._least_loaded()
        self.send_study(study, protocol.Ask(study.number, study.name, study.arguments))

    def _evict_one(self) -> bool:
        """Park the run that was looked at longest ago, if any rests unseen; return whether."""
        resting = [
            run
            for run in self._runs.values()
            if run.placed and not run.playing and run.unseen_for() > self.patience.before_evicting
        ]
        if not resting:
            return False
        self.park(max(resting, key=Run.unseen_for))
        return True

    def _start_workers(self) -> None:
        for slot in range(len(self._links)):
            self._start_worker(slot)
            # The next one starts when this one has drawn: so the first picture is there sooner.
            self._drawn.wait(30)

    def _start_worker(self, slot: int) -> None:
        if self._closed.is_set():
            return
        self._born_at[slot] = time.monotonic()
        on_end: Callable[[WorkerLink], None] = lambda link: self._lost(slot, link)  # noqa: E731
        WorkerLink.start(lambda link, report: self._heard(slot, link, report), on_end)

    def _heard(self, slot: int, link: WorkerLink, report: protocol.Report) -> None:
        with self.lock:
            match report:
                case protocol.Ready():
                    self._welcome(slot, link)
                case protocol.Pictures(pictures):
                    self._pictures = pictures
                    self._drawn.set()
                case protocol.StudyProgress() | protocol.StudyDone() | protocol.StudyFailed():
                    study = self._studies.get(report.study)
                    if study is not None and study.slot == slot:
                        study.hear(report)
                case _:
                    run = self._runs.get(report.run)
                    if run is not None and run.slot == slot:
                        run.hear(report)

    def _welcome(self, slot: int, link: WorkerLink) -> None:
        if self._closed.is_set():
            link.close()
            return
        self._links[slot] = link
        for run in self._runs.values():
            if run.placed and run.slot is None:
                self._assign(run)
        for study in self._studies.values():
            if study.slot is None:
                self._assign_study(study)
        if not self._pictures:
            link.send(protocol.DrawPictures())
        self._ready.set()

    def _lost(self, slot: int, link: WorkerLink) -> None:
        """Start another worker in place of a dead one and have its runs repeated."""
        with self.lock:
            if self._closed.is_set():
                return
            if self._links[slot] is link:
                self._links[slot] = None
            orphans = [run for run in self._runs.values() if run.slot == slot]
            for run in orphans:
                run.slot = None
                run.deaths += 1
                if run.deaths > MOST_DEATHS:
                    run.give_up(f"Its worker process ended {run.deaths} times.")
                else:
                    self._assign(run)
            for study in [one for one in self._studies.values() if one.slot == slot]:
                study.slot = None
                study.deaths += 1
                if study.deaths > MOST_DEATHS:
                    study.give_up(f"Its worker process ended {study.deaths} times.")
                else:
                    self._assign_study(study)
        # A worker that cannot even start would be restarted in a tight loop.
        lived = time.monotonic() - self._born_at[slot]
        if not self._closed.wait(0.0 if lived > 5 else 1.0):
            self._start_worker(slot)

    def _keep_house(self) -> None:
        while not self._closed.wait(1.0):
            with self.lock:
                for run in list(self._runs.values()):
                    self._look_after(run)
                for study in list(self._studies.values()):
                    if study.unseen_for() > self.patience.before_cancelling:
                        study.cancel()

    def _look_after(self, run: Run) -> None:
        """Suspend, park or forget a run that no page has looked at for a while."""
        if run.left_for_good():
            self.remove(run)
        elif run.playing and run.unseen_for() > self.patience.before_suspending:
            run.suspend()
        elif run.placed and not run.playing and run.unseen_for() > self.patience.before_parking:
            self.park(run)
