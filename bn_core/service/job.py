"""One run inside a worker: its generator, its pace, and what it has yet to report."""

import time
from collections.abc import Iterable
from typing import Protocol, TypeVar

import numpy as np

from bn_core.comparison import Comparison
from bn_core.records import DataSummary, Ending, RecordChunk, StepResult
from bn_core.training import Request, Setup, Training, train

SECONDS_BETWEEN_REPORTS = 0.2
_FURTHEST_BEHIND = 0.5
"""Seconds a paced run may lag before it gives up catching up."""
_LOOK_AT_EVERY_STEP_BELOW = 10.0
"""Steps a second below which each step is looked at."""


class Job:
    """A run in training. Its clock ``used`` says how much of the worker's time it has had."""

    def __init__(self, comparison: Comparison, replay_to: int) -> None:
        setup = Setup.of(comparison)
        self.summary: DataSummary = setup.probe.summary()
        self.used = 0.0
        self.playing = False
        self.ending: Ending | None = None
        self._training: Training = train(comparison, setup)
        self._replay_to = replay_to
        self.step = -1
        self._last_step = comparison.base.steps
        self._single_steps = 0
        self._pace = 0.0
        self._due = 0.0
        self._rate: float | None = None
        self._unreported: list[StepResult] = []
        self._reported_at = 0.0
        self._advance()

    @property
    def replaying(self) -> bool:
        """Whether the run is still on its way to where an earlier worker left it."""
        return self.step < self._replay_to and self.ending is None

    def play(self, steps_per_second: float) -> None:
        """Train on from now."""
        self.playing, self._pace, self._due = True, steps_per_second, time.monotonic()

    def pause(self) -> None:
        """Rest, and report at once what has been trained."""
        self.playing = False
        self._reported_at = 0.0

    def step_once(self) -> None:
        """Take one step when next it is this job's turn."""
        self._single_steps += 1

    def set_rate(self, rate: float) -> None:
        """Use another learning rate from the next step."""
        self._rate = rate

    def ready_at(self) -> float | None:
        """Return when this job wants the processor next; None is not before it is told to."""
        if self.ending is not None:
            return None
        if self.replaying or self._single_steps:
            return 0.0
        return self._due if self.playing else None

    def work(self, seconds: float) -> None:
        """Train for about so long, or until the next step is not yet due."""
        began = now = time.monotonic()
        while now - began < seconds:
            ready = self.ready_at()
            if ready is None or ready > now:
                break
            self._take_step(now)
            now = time.monotonic()
        self.used += now - began

    def report(self, now: float) -> RecordChunk | None:
        """Return what was trained since the last report, if it is time for one."""
        if not self._unreported or now < self.report_due():
            return None
        chunk, self._unreported = RecordChunk.of(self._unreported), []
        self._reported_at = now
        return chunk

    def report_due(self) -> float:
        """Return when the next report is to go out."""
        return self._reported_at + (SECONDS_BETWEEN_REPORTS if self.playing else 0.0)

    @property
    def has_report(self) -> bool:
        """Whether there is something to report."""
        return bool(self._unreported)

    def _take_step(self, now: float) -> None:
        if self.replaying:
            self._advance()
        elif self._single_steps:
            self._single_steps -= 1
            self._advance(snapshot=True)
        else:
            self._advance(snapshot=0 < self._pace < _LOOK_AT_EVERY_STEP_BELOW)
            wait = 1 / self._pace if self._pace else 0.0
            self._due = max(self._due + wait, now - _FURTHEST_BEHIND)

    def _is_last(self, step_result: StepResult) -> bool:
        broken = step_result.step > 0 and not np.isfinite(step_result.train_loss).any()
        return broken or step_result.step == self._last_step

    def _advance(self, snapshot: bool = False) -> None:
        try:
            if self.step < 0:
                step_result = next(self._training)
            else:
                rate = None if self.replaying else self._rate
                step_result = self._training.send(Request(rate, snapshot))
                self._rate = self._rate if self.replaying else None
        except StopIteration as stop:
            self.ending, self.playing, self._reported_at = stop.value, False, 0.0
            return
        self.step = step_result.step
        if step_result.step > self._replay_to or step_result.step == 0:
            self._unreported.append(step_result)
        if self._is_last(step_result):
            self._advance()  # only to learn how it ended


class Turns(Protocol):
    """What takes turns in a worker."""

    used: float

    def ready_at(self) -> float | None:
        """Return when it wants the processor next; None is not before it is told to."""


T = TypeVar("T", bound=Turns)


def next_in_turn(jobs: Iterable[T], now: float) -> T | None:
    """Return the job that has had the least time among those that want some now."""
    waiting = [job for job in jobs if (ready := job.ready_at()) is not None and ready <= now]
    return min(waiting, key=lambda job: job.used, default=None)
