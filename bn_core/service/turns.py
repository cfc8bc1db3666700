"""Whose turn it is in a worker: each visitor gets the same time, then each of a visitor's jobs."""

from collections.abc import Collection
from typing import Protocol, TypeVar


class TakesTurns(Protocol):
    """What takes turns in a worker."""

    visitor: str
    used: float
    last_turns: tuple[float, float]
    """Seconds of its last two turns."""

    @property
    def slow(self) -> bool:
        """Whether its next turn is expected to be one that others notice."""
        ...

    @property
    def active(self) -> bool:
        """Whether it has work to do or will have soon."""
        ...

    def ready_at(self) -> float | None:
        """Return when it wants the processor next; None is not before it is told to."""
        ...


J = TypeVar("J", bound=TakesTurns)


SLOW_TURN = 0.1
"""Seconds of a turn that others notice: building large nets, or a step of them."""

LONGEST_CHARGE = 1.0
"""Seconds by which one turn may set a visitor back."""


class FairTurns:
    """Clocks of used time, one for each visitor and one for each job.

    A turn that took longer than it should is paid for by waiting: the clocks hold what was used.
    And after a slow turn, jobs with quick turns have as much time before the next slow one,
    whoever's it is: else ten large nets would be built while small ones stand still.
    """

    def __init__(self) -> None:
        self._used: dict[str, float] = {}
        self._owed = 0.0

    def join(self, job: TakesTurns, jobs: Collection[TakesTurns]) -> None:
        """Let a job that rested start level with the others instead of catching up with them."""
        others = [other for other in jobs if other is not job and other.active]
        own = [other.used for other in others if other.visitor == job.visitor]
        job.used = max(job.used, min(own, default=0.0))
        if not own:
            visitors = {other.visitor for other in others}
            level = min((self._used.get(visitor, 0.0) for visitor in visitors), default=0.0)
            self._used[job.visitor] = max(self._used.get(job.visitor, 0.0), level)

    def next(self, jobs: Collection[J], now: float) -> J | None:
        """Return the job whose visitor, and which itself, has had the least time."""
        waiting = [job for job in jobs if (ready := job.ready_at()) is not None and ready <= now]
        if self._owed > 0:
            quick = [job for job in waiting if not job.slow]
            waiting = quick or waiting
            self._owed = self._owed if quick else 0.0
        return min(
            waiting, key=lambda job: (self._used.get(job.visitor, 0.0), job.used), default=None
        )

    def charge(self, job: TakesTurns, seconds: float) -> None:
        """Add what a turn took to both clocks, within limits: an import may fall into any turn."""
        charged = min(seconds, LONGEST_CHARGE)
        job.used += charged
        job.last_turns = (job.last_turns[1], seconds)
        self._owed = seconds if seconds >= SLOW_TURN else max(self._owed - seconds, 0.0)
        self._used[job.visitor] = self._used.get(job.visitor, 0.0) + charged

    def tidy(self, jobs: Collection[TakesTurns]) -> None:
        """Forget the clocks of absent visitors that are behind everybody's."""
        present = {job.visitor for job in jobs}
        level = min((self._used.get(visitor, 0.0) for visitor in present), default=float("inf"))
        self._used = {
            visitor: used
            for visitor, used in self._used.items()
            if visitor in present or used > level
        }
