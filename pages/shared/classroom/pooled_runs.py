"""Nets that a class trains together: each student one seed, all on this server's workers.

A student's device asks for a seed and gets the next one; the server trains the nets of the Lab
with it, at most so many students' at a time, and shows all accuracies as they come.
"""

import dataclasses
import threading
from collections import deque
from typing import Any, Protocol

import numpy as np

from bn_core.classroom import ClassError, Classroom
from bn_core.classroom.classroom import MOST_STUDENTS
from bn_core.comparison import Comparison
from bn_core.figures.theme import PALETTES, arm_styles
from bn_core.service.pool import PoolFull
from bn_core.settings import SettingError
from pages.shared.tasks.requests import submit

MOST_AT_ONCE = 2
MOST_ATTEMPTS = 3
"""A worker that dies takes its nets with it; they are trained again, but not for ever."""
MOST_STEPS = 500
"""Steps of one student's nets: a class waits for all of them."""


class TrainedNets(Protocol):
    """A computation of the pool, as far as it is needed here."""

    @property
    def failure(self) -> str: ...
    @property
    def result(self) -> Any: ...
    @property
    def done(self) -> bool: ...
    def renew_lease(self) -> None: ...


class Trains(Protocol):
    """Begins to train a comparison for a class. Errors: ``PoolFull``."""

    def __call__(self, comparison: Comparison) -> TrainedNets: ...


class PooledRuns:
    """The seeds that students have asked for, and what became of each."""

    def __init__(
        self, classroom: Classroom, comparison: Comparison, trains: Trains | None = None
    ) -> None:
        """Errors: ``ClassError`` for nets that are too slow for a class to train."""
        if comparison.base.steps > MOST_STEPS:
            raise ClassError(
                f"Each student trains {comparison.base.steps:,} steps: for a class, choose "
                f"{MOST_STEPS} or fewer in the Lab."
            )
        if comparison.problem():
            raise ClassError(comparison.problem())
        base = dataclasses.replace(comparison.base, rate_changes=())
        comparison = Comparison(base, comparison.arms)
        self.classroom, self.comparison = classroom, comparison
        self._train = trains or self._submit
        try:
            self.of_seed(MOST_STUDENTS)
        except SettingError as problem:
            raise ClassError(f"{problem} Choose a smaller seed in the Lab.") from None
        self._seeds: dict[str, int] = {}
        self._waiting: deque[int] = deque()
        self._under_way: dict[int, TrainedNets] = {}
        self._attempts: dict[int, int] = {}
        self.accuracies: dict[int, list[float]] = {}
        """The accuracy of each net by the number of the student's seed, counted from 0."""
        self._lock = threading.Lock()
        self._sent: tuple[int, ...] = ()

    def _submit(self, comparison: Comparison) -> TrainedNets:
        visitor = f"class {self.classroom.code}"
        return submit(visitor, "trained link", comparison=comparison)

    def ask_for_seed(self, student: str) -> int:
        """Return the number of a student's seed; it is trained as soon as there is a worker."""
        if not self.classroom.is_student(student):
            raise ClassError("This device has not joined the class.")
        with self._lock:
            if student not in self._seeds and len(self._seeds) < MOST_STUDENTS:
                self._seeds[student] = len(self._seeds)
                self._waiting.append(self._seeds[student])
            if student not in self._seeds:
                raise ClassError("All seeds are given out.")
            return self._seeds[student]

    def of_seed(self, number: int) -> Comparison:
        """Return what is trained with a student's seed."""
        base = self.comparison.base
        own = dataclasses.replace(base, seed=base.seed + number, replicas=1)
        return Comparison(own, self.comparison.arms)

    def go_on(self) -> None:
        """Take in what has been trained, begin what waits, tell the class what is new."""
        with self._lock:
            for number, nets in list(self._under_way.items()):
                nets.renew_lease()
                if nets.done:
                    del self._under_way[number]
                    self._take(number, nets)
            while self._waiting and len(self._under_way) < MOST_AT_ONCE:
                try:
                    nets = self._train(self.of_seed(self._waiting[0]))
                except PoolFull:
                    break  # others train; the next call tries again
                self._under_way[self._waiting.popleft()] = nets
            state = (len(self.accuracies), len(self._waiting), len(self._under_way))
        if state != self._sent:
            self._sent = state
            self.classroom.announce(pool=self.shown())

    def _take(self, number: int, nets: TrainedNets) -> None:
        if nets.failure or nets.result is None:
            self._attempts[number] = self._attempts.get(number, 0) + 1
            if self._attempts[number] < MOST_ATTEMPTS:
                self._waiting.append(number)
            return
        found = [float(metric.values[0]) for metric in nets.result.metrics]
        self.accuracies[number] = [0.0 if np.isnan(value) else value for value in found]

    def shown(self) -> dict[str, Any]:
        """Return what devices draw: for each net the accuracies of all seeds, sorted."""
        with self._lock:
            rows = list(self.accuracies.values())
            counts = {"done": len(rows), "asked": len(self._seeds)}
        styles = arm_styles(self.comparison.arms)
        nets = [
            {
                "label": arm.label,
                "light": PALETTES["light"][style.colour[1:]],
                "dark": PALETTES["dark"][style.colour[1:]],
                "accuracies": sorted(round(row[place], 4) for row in rows),
            }
            for place, (arm, style) in enumerate(zip(self.comparison.arms, styles, strict=True))
        ]
        return {**counts, "nets": nets, "first_seed": self.comparison.base.seed}


_pooled: dict[str, PooledRuns] = {}


def pool_the_class(classroom: Classroom, comparison: Comparison) -> None:
    """Have each student train one seed from now on. Errors: ``ClassError``."""
    _pooled[classroom.code] = PooledRuns(classroom, comparison)
    _pooled[classroom.code].go_on()
    classroom.announce(pool=_pooled[classroom.code].shown())


def pooled(classroom: Classroom) -> PooledRuns | None:
    """Return what a class trains together, if it does."""
    return _pooled.get(classroom.code)


def stop_pooling(classroom: Classroom) -> None:
    """Train nothing more for a class."""
    _pooled.pop(classroom.code, None)
    classroom.announce(pool=None)


def train_on() -> None:
    """Go on with what all classes train; forget classes that have ended."""
    for code, runs in list(_pooled.items()):
        if runs.classroom.ended:
            _pooled.pop(code, None)
        else:
            runs.go_on()
