"""A training run as the pages hold it: commands in, a growing record out."""

import dataclasses
import time
from typing import Any

from bn_core.comparison import Comparison
from bn_core.records import Ending, Record, Snapshot
from bn_core.results import Progress
from bn_core.service import protocol
from bn_core.service.costs import Cost, cost_of
from bn_core.service.own_names import names_in
from bn_core.service.tasks.task import State, Task, TaskOwner
from bn_core.settings import MOST_CHANGES, SettingError


class TrainingRun(Task):
    """One comparison in training.

    ``record`` is None until the data are loaded. Learning rate changes are part of the record,
    so a run can be repeated on another worker, bit for bit.
    """

    def __init__(
        self, owner: TaskOwner, id: int, comparison: Comparison, visitor: str = ""
    ) -> None:
        super().__init__(owner, id, visitor)
        self.comparison = comparison
        self.record: Record | None = None
        self.live: Snapshot | None = None
        """The newest measurement of the nets, for the display; None where the record's is newer."""
        self.playing = False
        self.suspended = False
        self._cost = cost_of(comparison)
        self._steps_per_second = 0.0
        self._hurry_to = 0
        self._awaited_step = 0
        self._rate_asked = (0, comparison.base.learning_rate)
        """How many rates were asked for, and the last. Only the pages' threads write it, and only
        the one that reads reports writes the next, so that neither undoes what the other notes."""
        self._rate_number_followed = 0
        self._failure: Ending | None = None
        self._speed = 0.0
        self._trained_at = time.monotonic()

    @property
    def ending(self) -> Ending | None:
        """How the run ended, if it has."""
        return self._failure or (self.record.ending if self.record else None)

    @property
    def built(self) -> bool:
        """Whether there is a first snapshot of the nets."""
        return self.record is not None and bool(self.record.snapshots)

    @property
    def state(self) -> State:
        """Where the run stands."""
        if self.forgotten or self.ending:
            return "forgotten" if self.forgotten else "ended"
        if self.waiting or (self.placed and self.worker_index is None):
            return "waiting"
        if not self.placed:
            return "evicted"
        if not self.built:
            return "building"
        return "running" if self.playing else "resting"

    @property
    def message(self) -> str:
        """What to tell the visitor about where the run stands."""
        match self.state:
            case "waiting":
                return "Waiting for a place on a worker …"
            case "building":
                return "Building the nets …"
            case "ended":
                return self.ending.why if self.ending else ""
            case "forgotten":
                return "This run was closed while the page was away. It is opened again."
            case _:
                return ""

    @property
    def active(self) -> bool:
        """Whether a worker has something to do for it now."""
        return self.ending is None and (self.playing or self.awaits_step or not self.built)

    @property
    def cost(self) -> Cost:
        """The memory it is estimated to hold in a worker."""
        return self._cost

    @property
    def own_data(self) -> set[str]:
        """The names of the visitor's own data that it needs."""
        return names_in({"comparison": self.comparison})

    @property
    def progress(self) -> Progress:
        """How far the run is."""
        return Progress(self.step_reached / self.comparison.base.steps, self.message)

    @property
    def step_reached(self) -> int:
        """The steps trained so far."""
        return self.record.step if self.record else 0

    @property
    def awaits_step(self) -> bool:
        """Whether a single step was asked for that has not come yet."""
        return self.ending is None and self.step_reached < self._awaited_step

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        unconfirmed = self._unconfirmed_rate
        if unconfirmed is not None:
            return unconfirmed
        changes = self.record.rate_changes if self.record else ()
        return changes[-1][1] if changes else self.comparison.base.learning_rate

    @property
    def _unconfirmed_rate(self) -> float | None:
        """The rate asked for last, until a step has followed it."""
        number, rate = self._rate_asked
        return None if number == self._rate_number_followed else rate

    def seconds_left(self) -> float | None:
        """Return in how many seconds a run that trains ends at its present speed."""
        if not self.playing or not self._speed:
            return None
        return (self.comparison.base.steps - self.step_reached) / self._speed

    def play(self, steps_per_second: float, hurry_to: int = 0) -> None:
        """Train on, without a limit to the pace before step ``hurry_to``.

        Errors: ``PoolFull`` if the run lost its place and none is free.
        """
        if self.done or self.forgotten:
            return
        super().renew_lease()
        self._steps_per_second = steps_per_second
        self._hurry_to = max(self._hurry_to, hurry_to)
        before, self.playing, self.suspended = (self.playing, self.suspended), True, False
        try:
            self._command(self._play_command())
        except Exception:
            self.playing, self.suspended = before
            raise
        self.version += 1

    def pause(self) -> None:
        """Train no further."""
        self.playing = self.suspended = False
        self.commanded_at = time.monotonic()
        self._owner.send(self, protocol.Pause(self.id))
        self.version += 1

    def step(self) -> None:
        """Train one step and take a snapshot. Errors: ``PoolFull`` as for ``play``."""
        if self.done or self.forgotten:
            return
        self.renew_lease()
        before = self._awaited_step
        self._awaited_step = max(self.step_reached, before) + 1
        try:
            self._command(protocol.StepOnce(self.id))
        except Exception:
            self._awaited_step = before
            raise

    def set_learning_rate(self, rate: float) -> None:
        """Train with another rate from the next step. Errors: ``SettingError`` after 20 changes."""
        if self.done or self.forgotten:
            return
        changes = self.record.rate_changes if self.record else ()
        if len(changes) >= MOST_CHANGES:
            raise SettingError(
                f"This run already holds {MOST_CHANGES} changes of the learning rate, the most "
                "that fit in its link. Reset to start again with the new rate."
            )
        number = self._rate_asked[0] + 1
        self._rate_asked = number, rate
        self.version += 1
        self._command(protocol.SetRate(self.id, rate, number))

    def renew_lease(self) -> None:
        """Note that a page shows the run; one suspended because none did goes on."""
        super().renew_lease()
        if self.suspended and not self.forgotten:
            self.play(self._steps_per_second)

    def suspend(self) -> None:
        """Train no further until a page shows the run again."""
        self.pause()
        self.suspended = True

    def close(self) -> None:
        """Forget the run and free its place."""
        self._owner.remove(self)

    def cancel(self) -> None:
        """End the run where it is; its record stays."""
        if not self.done:
            self._owner.send(self, protocol.Close(self.id))
            self._end(Ending("stopped", self.step_reached))

    def as_run(self) -> Comparison:
        """Return the comparison that repeats this run, the reader's rate changes included."""
        changes = self.record.rate_changes if self.record else ()
        planned = self.comparison.base.rate_changes
        unconfirmed = self._unconfirmed_rate
        if all(change in planned for change in changes) and unconfirmed is None:
            return self.comparison
        if unconfirmed is not None:
            done = self.step_reached
            changes = (*(c for c in changes if c[0] < done), (done, unconfirmed))
        return self._with_changes(changes)

    def take_over(self, other: "TrainingRun") -> None:
        """Begin where another run of the same comparison was, with what it has recorded."""
        self.record, self.live = other.record, other.live
        self._steps_per_second = other._steps_per_second
        self._hurry_to = other._hurry_to
        self._rate_asked = other._rate_asked
        self._rate_number_followed = other._rate_number_followed
        self._awaited_step = other._awaited_step

    @property
    def steps_per_second(self) -> float:
        """The pace last asked for; 0 is no limit."""
        return self._steps_per_second

    @property
    def was_playing(self) -> bool:
        """Whether the visitor last asked it to train."""
        return self.playing or self.suspended

    def commands_to_start(self) -> list[protocol.TaskCommand]:
        """Return what brings a worker that knows nothing of this run to where it is."""
        changes = self.record.rate_changes if self.record else ()
        planned = self.comparison.base.rate_changes
        known = all(change in planned for change in changes)
        repeated = self.comparison if known else self._with_changes(changes)
        commands: list[protocol.TaskCommand] = [
            protocol.Open(self.id, self.visitor, repeated, self.step_reached)
        ]
        rate = self._unconfirmed_rate
        if rate is not None:
            commands.append(protocol.SetRate(self.id, rate, self._rate_asked[0]))
        if self.awaits_step:
            missing = self._awaited_step - self.step_reached
            commands.append(protocol.StepOnce(self.id, missing))
        if self.playing:
            commands.append(self._play_command())
        return commands

    def _play_command(self) -> protocol.Play:
        return protocol.Play(self.id, self._steps_per_second, self._hurry_to)

    def handle(self, report: protocol.TaskReport) -> None:
        """Take in what the worker reports of this run."""
        if self.done or self.forgotten:
            return
        match report:
            case protocol.Opened(_, summary) if self.record is None:
                self.record = Record(self.comparison, summary)
            case protocol.Trained(_, chunk, rate_number) if self.record is not None:
                self._extend(self.record, chunk)
                self._rate_number_followed = max(self._rate_number_followed, rate_number)
            case protocol.Ended(_, ending):
                self._end(ending)
        self.version += 1

    def fail(self, why: str) -> None:
        """End the run because it cannot go on."""
        if not self.done:
            self._end(Ending("failed", self.step_reached, why))

    def forget(self) -> None:
        """Never train again."""
        self.suspended, self.playing = self.was_playing, False
        super().forget()

    def _extend(self, record: Record, chunk: Any) -> None:
        now = time.monotonic()
        self.record = record.extended(chunk)
        newest = self.record.snapshots[-1].step if self.record.snapshots else -1
        live = chunk.live or self.live
        self.live = live if live is not None and live.step > newest else None
        steps = self.record.step - record.step
        self._speed = steps / max(now - self._trained_at, 1e-3) if steps else self._speed
        self._trained_at = now

    def _with_changes(self, changes: tuple[tuple[int, float], ...]) -> Comparison:
        base = self.comparison.base
        if changes and changes[0][0] == 0:
            base, changes = base.changed({"learning_rate": changes[0][1]}), changes[1:]
        return dataclasses.replace(
            self.comparison, base=base.changed({"rate_changes": tuple(changes)})
        )

    def _end(self, ending: Ending) -> None:
        self.playing = self.suspended = False
        if self.record is None:
            self._failure = ending
        else:
            self.record = self.record.ended(ending)
        self._finish()

    def _command(self, command: protocol.TaskCommand) -> None:
        if self.done or self.forgotten:
            return
        self.commanded_at = time.monotonic()
        if self.placed:
            self._owner.send(self, command)
        else:
            self._owner.place(self)  # replays it up to here and sends what was commanded
