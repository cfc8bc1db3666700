"""A run as the pages hold it: commands in, a growing record out."""

import dataclasses
import time
from typing import TYPE_CHECKING

from bn_core.comparison import Comparison
from bn_core.records import Ending, Record
from bn_core.service import protocol
from bn_core.settings import MOST_CHANGES, SettingError

if TYPE_CHECKING:
    from bn_core.service.pool import Pool


class Run:
    """One comparison in training on some worker.

    ``record`` is None until the nets are built. ``version`` grows with every change, so that a
    page redraws only for news.
    """

    def __init__(self, pool: "Pool", number: int, comparison: Comparison) -> None:
        self._pool = pool
        self.number = number
        self.comparison = comparison
        self.record: Record | None = None
        self.version = 0
        self.playing = False
        self.suspended = False
        self.placed = False
        self.slot: int | None = None
        self.deaths = 0
        self._steps_per_second = 0.0
        self._awaited_step = 0
        self._unconfirmed_rate: float | None = None
        self._seen_at = time.monotonic()
        self._left_at: float | None = None
        self._failure: Ending | None = None

    @property
    def ending(self) -> Ending | None:
        """How the run ended, if it has."""
        return self._failure or (self.record.ending if self.record else None)

    @property
    def _step(self) -> int:
        return self.record.step if self.record else 0

    @property
    def awaits_step(self) -> bool:
        """Whether a single step was asked for that has not come yet."""
        return self.ending is None and self._step < self._awaited_step

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        if self._unconfirmed_rate is not None:
            return self._unconfirmed_rate
        changes = self.record.rate_changes if self.record else ()
        return changes[-1][1] if changes else self.comparison.base.learning_rate

    def play(self, steps_per_second: float) -> None:
        """Train on. Errors: ``PoolFull`` if the run lost its place and none is free."""
        if self.ending is not None:
            return
        self.seen()
        self._steps_per_second, self.playing = steps_per_second, True
        self._command(protocol.Play(self.number, steps_per_second))

    def pause(self) -> None:
        """Rest."""
        self.playing = self.suspended = False
        self._pool.send(self, protocol.Pause(self.number))
        self.version += 1

    def step(self) -> None:
        """Train one step and look inside. Errors: ``PoolFull`` as for ``play``."""
        if self.ending is None:
            self.seen()
            self._awaited_step = max(self._step, self._awaited_step) + 1
            self._command(protocol.StepOnce(self.number))

    def set_learning_rate(self, rate: float) -> None:
        """Train with another rate from the next step. Errors: ``SettingError`` after 20 changes."""
        changes = self.record.rate_changes if self.record else ()
        if len(changes) >= MOST_CHANGES:
            raise SettingError(
                f"This run already holds {MOST_CHANGES} changes of the learning rate, the most "
                "that fit in its link. Reset to start again with the new rate."
            )
        self._unconfirmed_rate = rate
        self._command(protocol.SetRate(self.number, rate))

    def seen(self) -> None:
        """Note that a page looks at the run; a run suspended for want of that goes on."""
        self._seen_at, self._left_at = time.monotonic(), None
        if self.suspended:
            self.suspended = False
            self.play(self._steps_per_second)

    def unseen_for(self) -> float:
        """Return the seconds since a page last looked."""
        return time.monotonic() - self._seen_at

    def leave(self) -> None:
        """Note that the page's connection is gone; unless it returns the run is forgotten."""
        self._left_at = time.monotonic()

    def left_for_good(self) -> bool:
        """Return whether the page has been gone too long to return."""
        gone = self._left_at
        return gone is not None and time.monotonic() - gone > self._pool.patience.before_forgetting

    def close(self) -> None:
        """Forget the run and free its place."""
        self._pool.remove(self)

    def suspend(self) -> None:
        """Rest until a page looks again."""
        self.pause()
        self.suspended = True

    def as_run(self) -> Comparison:
        """Return the comparison that repeats this run, the reader's rate changes included."""
        changes = self.record.rate_changes if self.record else ()
        planned = self.comparison.base.rate_changes
        done = self.record.step if self.record else 0
        if all(change in planned for change in changes) and self._unconfirmed_rate is None:
            return self.comparison
        if self._unconfirmed_rate is not None:
            changes = (*(c for c in changes if c[0] < done), (done, self._unconfirmed_rate))
        base = self.comparison.base
        if changes and changes[0][0] == 0:
            base, changes = base.changed({"learning_rate": changes[0][1]}), changes[1:]
        return dataclasses.replace(
            self.comparison, base=base.changed({"rate_changes": tuple(changes)})
        )

    def commands_to_resume(self) -> list[protocol.Command]:
        """Return what brings a worker that knows nothing of this run to where it is."""
        step = self.record.step if self.record else 0
        unconfirmed, self._unconfirmed_rate = self._unconfirmed_rate, None
        commands: list[protocol.Command] = [protocol.Open(self.number, self.as_run(), step)]
        self._unconfirmed_rate = unconfirmed
        if unconfirmed is not None:
            commands.append(protocol.SetRate(self.number, unconfirmed))
        if self.playing:
            commands.append(protocol.Play(self.number, self._steps_per_second))
        return commands

    def hear(self, report: protocol.Report) -> None:
        """Take in what the worker says of this run."""
        match report:
            case protocol.Opened(_, summary) if self.record is None:
                self.record = Record(self.comparison, summary)
            case protocol.Progress(_, chunk) if self.record is not None:
                self.record = self.record.extended(chunk)
                if chunk.rate_changes:
                    self._unconfirmed_rate = None
            case protocol.Ended(_, ending):
                self._end(ending)
        self.version += 1

    def give_up(self, why: str) -> None:
        """End the run because it cannot go on."""
        step = self.record.step if self.record else 0
        self._end(Ending("failed", step, why))
        self.version += 1

    def _end(self, ending: Ending) -> None:
        self.playing = self.suspended = False
        if self.record is None:
            self._failure = ending
        else:
            self.record = self.record.ended(ending)

    def _command(self, command: protocol.Command) -> None:
        if self.ending is not None:
            return
        if not self.placed:
            self._pool.place(self)  # a parked run is repeated up to here first
        if not isinstance(command, protocol.Play) or self.slot is not None:
            self._pool.send(self, command)
