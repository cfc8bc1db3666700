"""A computation that a page has asked for: one task, or several that add up to a result."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from typing import Any

from bn_core.results import Result
from bn_core.service.tasks import ComputationTask
from pages.shared.tasks.requests import submit


class Computation(ABC):
    """Something that workers compute for a page, and that grows into a result."""

    request: Hashable
    """What it was asked with: another request is another computation."""

    @abstractmethod
    def tasks(self) -> list[ComputationTask]:
        """Return the tasks that are under way or done."""

    @abstractmethod
    def result(self) -> Result | None:
        """Return what is known so far."""

    def renew_lease(self) -> None:
        """Keep the tasks from being cancelled, and take in what has come."""
        for task in self.tasks():
            task.renew_lease()

    @property
    def version(self) -> Hashable:
        """Another value with every change."""
        return tuple((task.id, task.version) for task in self.tasks())

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return all(task.done for task in self.tasks())

    @property
    def ended(self) -> int:
        """How many experiments have ended, where there are several."""
        return 0

    @property
    def failure(self) -> str:
        """Why it did not come to its end, as a sentence; else nothing."""
        return next((task.failure for task in self.tasks() if task.failure), "")

    def cancel(self) -> None:
        """Stop; what is known so far stays."""
        for task in self.tasks():
            task.cancel()

    def notice(self) -> str:
        """Return where it stands, as a sentence."""
        if self.failure:
            return self.failure
        if self.done:
            return ""
        tasks = self.tasks()
        share = sum(1 if task.done else task.progress.share for task in tasks)
        words = "; ".join(task.progress.words for task in tasks if not task.done)
        return f"{100 * share / max(len(tasks), 1):.0f} %: {words}."


class SingleTask(Computation):
    """One task that returns a result."""

    @staticmethod
    def key(name: str, arguments: Mapping[str, Any]) -> Hashable:
        """Return what tells this computation from others."""
        return name, tuple(sorted(arguments.items()))

    def __init__(self, visitor: str, name: str, **arguments: Any) -> None:
        self.request = self.key(name, arguments)
        self._task = submit(visitor, name, **arguments)

    def wait(self, seconds: float) -> bool:
        """Wait for the end; return whether it has come."""
        return self._task.wait(seconds)

    def tasks(self) -> list[ComputationTask]:
        """Return the task."""
        return [self._task]

    def result(self) -> Result | None:
        """Return its result, or the partial one."""
        return self._task.result or self._task.progress.partial
