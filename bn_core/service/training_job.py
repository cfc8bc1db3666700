"""One run inside a worker: its nets, its pace, and what it has yet to report."""

import time
from collections.abc import Generator

from bn_core.records import DataSummary, Ending, RecordChunk, StepResult
from bn_core.service import protocol
from bn_core.service.costs import cost_of
from bn_core.service.live_budget import LiveBudget
from bn_core.service.task_job import SECONDS_BETWEEN_REPORTS, TaskJob
from bn_core.training import Request, Setup, TrainingByArms, build, train_by_arms

_FURTHEST_BEHIND = 0.5
"""Seconds a paced run may lag before it gives up catching up."""
_SNAPSHOT_EVERY_STEP_BELOW = 10.0
"""Steps a second below which a snapshot is taken after each step."""

_SECONDS_BETWEEN_REPORTS = 0.09
"""Of a run that trains alone or nearly so: the page draws ten times a second."""
_CROWDED = 0.2
"""Below this share of the worker a run reports as seldom as any other job."""

_LARGE = 150e6
"""Bytes of nets whose arms take longer to build than others should wait unprepared."""


class TrainingJob(TaskJob):
    """A run in training. Its nets are built arm by arm, in turns like any other work."""

    def __init__(self, command: protocol.Open) -> None:
        super().__init__(command.task, command.visitor)
        self._comparison, self._replay_to = command.comparison, command.replay_to
        self._building: Generator[None, None, TrainingByArms] | None = self._build()
        self._training: TrainingByArms | None = None
        self._summary: DataSummary | None = None
        self._ending: Ending | None = None
        self._large = cost_of(self._comparison).total > _LARGE
        self.playing = False
        self.step = -1
        self._single_steps = 0
        self._within_step, self._seconds_of_step = False, 0.0
        self._pace = self._due = self._reported_at = 0.0
        self._hurry_to = 0
        self._rate: float | None = None
        self._rate_number = self._rate_number_of_step = self._rate_number_followed = 0
        self._live = LiveBudget()
        self._unreported: list[StepResult] = []

    @property
    def replaying(self) -> bool:
        """Whether the run is still on its way to where it was before."""
        return self.step < self._replay_to

    @property
    def active(self) -> bool:
        """Whether it builds, replays or trains."""
        if self._ending or self._failure:
            return False
        return self._building is not None or self.replaying or self.playing

    @property
    def slow(self) -> bool:
        """Whether its turns take long: those that build large nets do."""
        return self._large if self._building is not None else super().slow

    def play(self, steps_per_second: float, hurry_to: int = 0) -> None:
        """Train on from now; there is no limit to the pace before step ``hurry_to``."""
        self.playing, self._pace, self._due = True, steps_per_second, time.monotonic()
        self._hurry_to = hurry_to
        self._live.start(self._due)

    def pause(self) -> None:
        """Train no further, and report at once what has been trained."""
        self.playing = False
        self._reported_at = 0.0

    def step_once(self, count: int) -> None:
        """Take single steps when next it is this job's turn."""
        self._single_steps += count

    def set_rate(self, rate: float, number: int) -> None:
        """Use another learning rate from the next step; the report of that step says so."""
        self._rate, self._rate_number = rate, number

    def close(self) -> None:
        """Free the nets, or what of them has been built."""
        for generator in (self._building, self._training):
            if generator is not None:
                generator.close()
        self._building = self._training = None

    def ready_at(self) -> float | None:
        """Return when this job wants the processor next; None is not before it is told to."""
        if self._ending or self._failure:
            return None
        if self._building is not None or self._within_step or self.replaying or self._single_steps:
            return 0.0
        return self._due if self.playing else None

    def report_at(self) -> float | None:
        """Return when it has something to report; None if it has nothing."""
        if self._summary or self._ending or self._failure:
            return 0.0
        wait = self._seconds_between_reports() if self.playing else 0.0
        return self._reported_at + wait if self._unreported else None

    def reports(self, now: float) -> list[protocol.TaskReport]:
        """Return the summary, what was trained if it is time for that, and the ending."""
        due = self.report_at()
        if due is None or now < due:
            return []
        found: list[protocol.TaskReport] = []
        if self._summary:
            found.append(protocol.Opened(self.task, self._summary))
            self._summary = None
        if self._unreported:
            chunk = RecordChunk.of(self._unreported)
            found.append(protocol.Trained(self.task, chunk, self._rate_number_followed))
            self._unreported, self._reported_at = [], now
        ending = self._failure or self._ending
        if ending:
            found.append(protocol.Ended(self.task, ending))
            self.over = True
        return found

    def _seconds_between_reports(self) -> float:
        return SECONDS_BETWEEN_REPORTS if self.share < _CROWDED else _SECONDS_BETWEEN_REPORTS

    def _step(self) -> int:
        return max(self.step, 0)

    def _build(self) -> Generator[None, None, TrainingByArms]:
        setup = Setup.of(self._comparison)
        self._summary = setup.probe.summary()
        yield
        start = yield from build(self._comparison, setup)
        return train_by_arms(self._comparison, setup, start)

    def _advance(self, now: float) -> None:
        if self._building is not None:
            self._go_on_building(self._building)
        elif self._within_step:
            self._train_on(None)
        elif self.replaying:
            self._train_on(Request())
        elif self._single_steps:
            self._single_steps -= 1
            self._train_on(self._request(snapshot=True))
        else:
            live = self._live.due(now, self.share)
            pace = 0.0 if self.step < self._hurry_to else self._pace
            every_step = 0 < pace < _SNAPSHOT_EVERY_STEP_BELOW
            self._train_on(self._request(every_step, live))
            wait = 1 / pace if pace else 0.0
            self._due = max(self._due + wait, now - _FURTHEST_BEHIND)

    def _request(self, snapshot: bool, live: bool = False) -> Request:
        rate, self._rate = self._rate, None
        self._rate_number_of_step = self._rate_number
        return Request(rate, snapshot, live)

    def _go_on_building(self, building: Generator[None, None, TrainingByArms]) -> None:
        try:
            next(building)
        except StopIteration as stop:
            self._building, self._training = None, stop.value
            self._train_on(None)

    def _train_on(self, request: Request | None) -> None:
        """Begin a step, or go on with the one under way: train one arm, or take its result."""
        assert self._training is not None, "the nets are built first"
        began = time.monotonic()
        step_result = self._training.send(request)
        self._seconds_of_step += time.monotonic() - began
        self._within_step = step_result is None
        if step_result is None:
            return
        if step_result.live is not None:
            self._live.charge(self._seconds_of_step - float(step_result.seconds.sum()))
        self._seconds_of_step = 0.0
        self._take(step_result)

    def _take(self, step_result: StepResult) -> None:
        self.step = step_result.step
        self._rate_number_followed = self._rate_number_of_step
        if step_result.step > self._replay_to or step_result.step == 0:
            self._unreported.append(step_result)
        if step_result.ending is not None:
            self._ending, self.playing = step_result.ending, False
