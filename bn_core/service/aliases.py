"""The pages' present names for tasks and the pool; they go when the pages use the new ones."""

from typing import Any


class TaskAliases:
    """Old names of a task."""

    id: int
    worker_index: int | None

    @property
    def number(self) -> int:
        """The id."""
        return self.id

    @property
    def slot(self) -> int | None:
        """The index of the worker."""
        return self.worker_index

    def seen(self: Any) -> None:
        """Renew the lease."""
        self.renew_lease()

    def leave(self: Any) -> None:
        """Disconnect."""
        self.disconnect()

    def hear(self: Any, report: Any) -> None:
        """Handle a report."""
        self.handle(report)

    def left_for_good(self: Any) -> bool:
        """Return whether it is forgotten."""
        return self.forgotten

    def give_up(self: Any, why: str) -> None:
        """Fail."""
        self.fail(why)


class PoolAliases:
    """Old names of the pool."""

    def ask(self: Any, name: str, **arguments: Any) -> Any:
        """Submit a computation."""
        return self.submit(name, **arguments)

    def wait_for_pictures(self: Any, seconds: float) -> Any:
        """Wait for the thumbnails."""
        return self.wait_for_thumbnails(seconds)
