"""One computation inside a worker: it takes its turns beside the runs."""

import importlib
from dataclasses import replace
from typing import Any

from bn_core.results import Progress, TaskGenerator
from bn_core.service import protocol
from bn_core.service.computations import COMPUTATIONS
from bn_core.service.task_job import SECONDS_BETWEEN_REPORTS, TaskJob


class ComputationJob(TaskJob):
    """A computation at work."""

    def __init__(self, command: protocol.Compute) -> None:
        super().__init__(command.task, command.visitor)
        self._command = command
        self._generator: TaskGenerator | None = None
        self._completed: protocol.Completed | None = None
        self._unreported: Progress | None = None
        self._reported_at = 0.0

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
        return not (self._completed or self._failure)

    def close(self) -> None:
        """Stop, and free what it holds."""
        if self._generator is not None:
            self._generator.close()
            self._generator = None

    def ready_at(self) -> float | None:
        """Return when this job wants the processor next: always, until it has ended."""
        return 0.0 if self.active else None

    def report_at(self) -> float | None:
        """Return when it has something to report; None if it has nothing."""
        if not self.active:
            return 0.0
        return self._reported_at + SECONDS_BETWEEN_REPORTS if self._unreported else None

    def reports(self, now: float) -> list[protocol.TaskReport]:
        """Return progress a few times a second, and the result or the failure at once."""
        due = self.report_at()
        if due is None or now < due:
            return []
        if self._failure:
            self.over = True
            return [protocol.Ended(self.task, self._failure)]
        if self._completed:
            self.over = True
            return [self._completed]
        progress, self._unreported, self._reported_at = self._unreported, None, now
        return [protocol.Computed(self.task, progress)] if progress else []

    def _step(self) -> int:
        return 0

    def _advance(self, now: float) -> None:
        generator = self._generator = self._generator or self._begin()
        try:
            progress: Progress = next(generator)
        except StopIteration as stop:
            self._completed = protocol.Completed(self.task, stop.value)
            return
        if progress.partial is None and self._unreported is not None:
            progress = replace(progress, partial=self._unreported.partial)
        self._unreported = progress

    def _begin(self) -> Any:
        module, function = COMPUTATIONS[self._command.name].split(":")
        return getattr(importlib.import_module(module), function)(**self._command.arguments)
