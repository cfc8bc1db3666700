"""Work that a class shares out: each student has the server train one part of it.

A part is given to one student; the server trains what belongs to it, at most so much of one class
at a time, and all see what comes of it.
"""

import threading
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Hashable, Iterable
from typing import Any, Generic, Protocol, TypeVar

from bn_core.classroom import ClassError, Classroom
from bn_core.comparison import Comparison
from bn_core.service.own_names import names_in
from bn_core.service.pool import PoolFull
from pages.shared.classroom.submitted_links import comparison_of_link, link_text
from pages.shared.tasks.requests import submit

Job = TypeVar("Job", bound=Hashable)
MOST_ATTEMPTS = 3
"""A worker that dies takes its nets with it; they are trained again, but not for ever."""
MOST_STEPS = 500
"""Steps of one student's nets: a class waits for all of them."""


class Computed(Protocol):
    """A computation of the pool, as far as it is needed here."""

    @property
    def failure(self) -> str: ...
    @property
    def result(self) -> Any: ...
    @property
    def done(self) -> bool: ...
    def renew_lease(self) -> None: ...


class Computes(Protocol):
    """Begins a computation for a class by its name. Errors: ``PoolFull``."""

    def __call__(self, name: str, **arguments: Any) -> Computed: ...


class PooledWork(ABC, Generic[Job]):
    """The parts that students have been given, by numbers, and what became of them.

    The jobs of a part are what is sent to the pool, one computation each. Any thread may call.
    """

    most_at_once = 2
    """Jobs of one class that the pool has at a time."""
    most_each = 3
    """Parts that one student may have, one after the other."""

    def __init__(
        self, classroom: Classroom, comparison: Comparison, computes: Computes | None = None
    ) -> None:
        """Errors: ``ClassError`` for nets that a class cannot train together."""
        if comparison.base.steps > MOST_STEPS:
            raise ClassError(
                f"Each student trains {comparison.base.steps:,} steps: for a class, choose "
                f"{MOST_STEPS} or fewer."
            )
        if names_in({"comparison": comparison}):
            raise ClassError("A class trains on built-in data, not on a file of your own.")
        if comparison.problem():
            raise ClassError(comparison.problem())
        self.classroom = classroom
        self._computes = computes or self._submit
        self._given: dict[str, list[int]] = {}
        self._taken: set[int] = set()
        self._waiting: deque[Job] = deque()
        self._under_way: dict[Job, Computed] = {}
        self._attempts: Counter[Job] = Counter()
        self.failed: set[int] = set()
        """Parts that the workers could not train."""
        self._lock = threading.RLock()
        self._announced: tuple[Any, ...] | None = None

    def _submit(self, name: str, **arguments: Any) -> Computed:
        return submit(f"class {self.classroom.code}", name, **arguments)

    # What another kind of work defines

    @abstractmethod
    def next_part(self) -> int:
        """Return a part that nobody has. Errors: ``ClassError`` if all are given out."""

    @abstractmethod
    def part_of(self, comparison: Comparison) -> int:
        """Return the part that a student's own run belongs to. Errors: ``ClassError``."""

    @abstractmethod
    def jobs_of(self, part: int) -> Iterable[Job]:
        """Return what is computed for a part."""

    @abstractmethod
    def part_with(self, job: Job) -> int:
        """Return the part that a job belongs to."""

    @abstractmethod
    def begin(self, job: Job) -> Computed:
        """Send a job to the pool. Errors: ``PoolFull``."""

    @abstractmethod
    def take(self, job: Job, result: Any) -> None:
        """Take in the result of a job."""

    @abstractmethod
    def is_done(self, part: int) -> bool:
        """Return whether all of a part is known."""

    @abstractmethod
    def name_of(self, part: int) -> str:
        """Return what a student reads of their part, such as "Your seed is 7"."""

    @abstractmethod
    def comparison_of(self, part: int) -> Comparison:
        """Return what the Lab trains for a part, or for the middle one of its nets."""

    @abstractmethod
    def known(self) -> dict[str, Any]:
        """Return what devices draw."""

    # Students

    def ask(self, student: str) -> dict[str, Any]:
        """Return a student's part: the one that is still being trained, else a new one."""
        with self._lock:
            given = self._of(student)
            if not self._is_under_way(given):
                self._check_count(given)
                self._give(student, self.next_part())
            return self.told(student)

    def submit_link(self, student: str, link: str) -> dict[str, Any]:
        """Have the server train what a student's link names, if it belongs to what is asked for.

        No number of the student's is taken. Errors: ``ClassError`` says what does not fit.
        """
        part = self.part_of(comparison_of_link(link))
        with self._lock:
            given = self._of(student)
            if part in given:
                return self.told(student)
            if self._is_under_way(given):
                raise ClassError(f"{self.name_of(given[-1])}: wait until it is trained.")
            self._check_count(given)
            if part in self._taken:
                raise ClassError(f"{self.name_of(part)}, which the class has already.")
            self._give(student, part)
            return self.told(student)

    def told(self, student: str) -> dict[str, Any]:
        """Return what a device shows of its student's last part; nothing without one."""
        with self._lock:
            given = self._given.get(student, [])
            if not given:
                return {}
            part = given[-1]
            link = link_text(self.comparison_of(part))
            return {"part": part, "name": self.name_of(part), "link": link}

    def _of(self, student: str) -> list[int]:
        if not self.classroom.is_student(student):
            raise ClassError("This device has not joined the class.")
        return self._given.get(student, [])

    def _is_under_way(self, given: list[int]) -> bool:
        return bool(given) and not (self.is_done(given[-1]) or given[-1] in self.failed)

    def _check_count(self, given: list[int]) -> None:
        if len(given) >= self.most_each:
            raise ClassError(f"You have trained {len(given)} already: leave some to the others.")

    def _give(self, student: str, part: int) -> None:
        self._given.setdefault(student, []).append(part)
        self._enqueue(part)

    def _enqueue(self, part: int) -> None:
        self._taken.add(part)
        self._waiting.extend(self.jobs_of(part))

    # The server

    def go_on(self) -> None:
        """Take in what has been computed, begin what waits, tell the class what is new."""
        with self._lock:
            for job, computed in list(self._under_way.items()):
                computed.renew_lease()
                if computed.done:
                    del self._under_way[job]
                    self._take(job, computed)
            while self._waiting and len(self._under_way) < self.most_at_once:
                try:
                    computed = self.begin(self._waiting[0])
                except PoolFull:
                    break  # others train; the next call tries again
                self._under_way[self._waiting.popleft()] = computed
            state = (len(self._taken), len(self._waiting), len(self._under_way), len(self.failed))
        if state != self._announced:
            self._announced = state
            self.classroom.announce(pool=self.shown())

    def _take(self, job: Job, computed: Computed) -> None:
        if not computed.failure and computed.result is not None:
            self.take(job, computed.result)
            return
        self._attempts[job] += 1
        if self._attempts[job] < MOST_ATTEMPTS:
            self._waiting.append(job)
        else:
            self.failed.add(self.part_with(job))

    def shown(self) -> dict[str, Any]:
        """Return what devices draw of the whole, and how far it is."""
        with self._lock:
            done = sum(map(self.is_done, self._taken))
            counts = {"done": done, "asked": len(self._taken), "failed": sorted(self.failed)}
            return counts | self.known()
