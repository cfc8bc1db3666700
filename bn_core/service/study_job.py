"""One study inside a worker: it takes its turns beside the runs."""

import importlib
import logging
import time
from dataclasses import replace
from typing import Any

from bn_core.results import Progress
from bn_core.service import protocol
from bn_core.service.job import SECONDS_BETWEEN_REPORTS
from bn_core.service.studies import STUDIES

_LOG = logging.getLogger(__name__)


class TaskJob:
    """A study at work. Its clock ``used`` says how much of the worker's time it has had."""

    playing = True

    def __init__(self, number: int, name: str, arguments: dict[str, Any]) -> None:
        self.number = number
        self.used = 0.0
        self.ended: protocol.StudyReport | None = None
        self._news: Progress | None = None
        self._reported_at = 0.0
        module, function = STUDIES[name].split(":")
        self._make = lambda: getattr(importlib.import_module(module), function)(**arguments)
        self._study: Any = None

    def ready_at(self) -> float | None:
        """Return when this job wants the processor next: always, until it has ended."""
        return None if self.ended else 0.0

    def work(self, seconds: float) -> None:
        """Study for about so long."""
        began = now = time.monotonic()
        while now - began < seconds and not self.ended:
            self._advance()
            now = time.monotonic()
        self.used += now - began

    def reports(self, now: float) -> list[protocol.StudyReport]:
        """Return what there is to tell: progress a few times a second, and the end at once."""
        if self.ended:
            return [self.ended]
        if self._news is None or now < self.report_due():
            return []
        news, self._news, self._reported_at = self._news, None, now
        return [protocol.StudyProgress(self.number, news)]

    def report_due(self) -> float:
        """Return when the next report is to go out."""
        return self._reported_at + SECONDS_BETWEEN_REPORTS

    def _advance(self) -> None:
        try:
            self._study = self._study or self._make()
            news: Progress = next(self._study)
            if news.partial is None and self._news is not None:  # found, but not yet told
                news = replace(news, partial=self._news.partial)
            self._news = news
        except StopIteration as stop:
            self.ended = protocol.StudyDone(self.number, stop.value)
        except (ValueError, MemoryError) as error:
            no_memory = isinstance(error, MemoryError)
            why = "There was not enough memory." if no_memory else str(error)
            self.ended = protocol.StudyFailed(self.number, why)
        except Exception:
            _LOG.exception("A study failed.")
            why = "Something went wrong in this computation, and it is our mistake."
            self.ended = protocol.StudyFailed(self.number, why)
