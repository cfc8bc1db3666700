"""A computation as the pages hold it: asked for once, then watched until it is done."""

from dataclasses import replace
from typing import Any

from bn_core.records import Ending
from bn_core.results import Progress
from bn_core.service import protocol
from bn_core.service.costs import COMPUTATION_BYTES, Cost
from bn_core.service.own_names import names_in
from bn_core.service.tasks.task import State, Task, TaskOwner


class ComputationTask(Task):
    """One computation, asked for once, then watched until it is done.

    ``result`` is set when it has come to its end; ``failure`` says why it has not.
    """

    def __init__(
        self,
        owner: TaskOwner,
        id: int,
        name: str,
        arguments: dict[str, Any],
        visitor: str = "",
    ) -> None:
        super().__init__(owner, id, visitor)
        self.name, self.arguments = name, arguments
        self.progress = Progress(0.0, "waiting for a worker")
        self.result: Any = None
        self._ending: Ending | None = None
        self.waiting = True

    @property
    def ending(self) -> Ending | None:
        """How the computation ended, if it has."""
        return self._ending

    @property
    def state(self) -> State:
        """Where the computation stands."""
        if self.ending:
            return "ended"
        return "waiting" if self.worker_index is None else "running"

    @property
    def message(self) -> str:
        """What to tell the visitor about where the computation stands."""
        return self.failure or ("" if self.done else self.progress.words)

    @property
    def active(self) -> bool:
        """Whether a worker has something to do for it now."""
        return not self.done and self.worker_index is not None

    @property
    def cost(self) -> Cost:
        """The memory that computations are taken to hold."""
        return Cost(COMPUTATION_BYTES, 0.0)

    @property
    def own_data(self) -> set[str]:
        """The names of the visitor's own data that it needs."""
        return names_in(self.arguments)

    def cancel(self) -> None:
        """Stop; what it has found so far stays in ``progress``."""
        if not self.done:
            self._owner.send(self, protocol.Close(self.id))
            self._end(Ending("cancelled", 0, "It was cancelled."))

    def commands_to_start(self) -> list[protocol.TaskCommand]:
        """Return what begins it on a worker."""
        return [protocol.Compute(self.id, self.visitor, self.name, self.arguments)]

    def handle(self, report: protocol.TaskReport) -> None:
        """Take in what the worker reports of this computation."""
        if self.done:
            return
        match report:
            case protocol.Computed(_, progress):
                partial = progress.partial if progress.partial is not None else None
                known = self.progress.partial if partial is None else partial
                self.progress = replace(progress, partial=known)
                self.version += 1
            case protocol.Completed(_, result):
                self.result = result
                self._end(Ending("finished", 0))
            case protocol.Ended(_, ending):
                self._end(ending)

    def fail(self, why: str) -> None:
        """End without a result."""
        if not self.done:
            self._end(Ending("failed", 0, why))

    def _end(self, ending: Ending) -> None:
        self._ending = ending
        self._finish()
