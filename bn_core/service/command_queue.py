"""Commands on their way: in order, without those that a later one has made superfluous."""

import threading
import time

from bn_core.service import protocol

MOST_WAITING = 5_000
"""Commands that may wait. Superseded ones are dropped, so only a stalled reader gets here."""


class CommandQueue:
    """A queue that never blocks who puts; it is bounded because superseded commands are dropped.

    An ``Open`` that is followed by its ``Close`` goes with it, a newer ``Play`` or ``Pause``
    replaces an older one, and so does a newer ``SetRate`` with no step in between.
    """

    def __init__(self) -> None:
        self._commands: list[protocol.Command] = []
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._commands)

    @property
    def closed(self) -> bool:
        """Whether nothing more is taken in."""
        return self._closed

    def put(self, command: protocol.Command) -> None:
        """Add a command. Errors: ``OverflowError`` if far too many wait."""
        with self._changed:
            if self._closed:
                return
            if len(self._commands) >= MOST_WAITING:
                raise OverflowError("The worker takes no commands.")
            self._add(command)
            self._changed.notify()

    def take(self, seconds: float | None) -> protocol.Command | None:
        """Return the next command; None if none comes in time or the queue is closed."""
        deadline = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            while not self._commands and not self._closed:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._changed.wait(left)
            return self._commands.pop(0) if self._commands else None

    def close(self, last: protocol.Command | None = None) -> None:
        """Take nothing more in and drop what waits; only ``last`` is still handed out."""
        with self._changed:
            if not self._closed:
                self._closed = True
                self._commands = [] if last is None else [last]
                self._changed.notify_all()

    def _add(self, command: protocol.Command) -> None:
        match command:
            case protocol.Close(task):
                opened = self._drop(task)
                if not opened:
                    self._commands.append(command)
            case protocol.Play(task) | protocol.Pause(task):
                self._remove_last(task, protocol.Play | protocol.Pause)
                self._commands.append(command)
            case protocol.SetRate(task):
                self._remove_last(task, protocol.SetRate, unless_after=protocol.StepOnce)
                self._commands.append(command)
            case protocol.StepOnce(task, count):
                earlier = self._remove_last(task, protocol.StepOnce, unless_after=protocol.SetRate)
                if isinstance(earlier, protocol.StepOnce):
                    command = protocol.StepOnce(task, earlier.count + count)
                self._commands.append(command)
            case _:
                self._commands.append(command)

    def _drop(self, task: int) -> bool:
        """Drop all commands of a task but a ``Close``; return whether one had begun it."""
        begins = protocol.Open | protocol.Compute
        of_task = [c for c in self._commands if getattr(c, "task", None) == task]
        kept = (c for c in self._commands if c not in of_task or isinstance(c, protocol.Close))
        self._commands = list(kept)
        return any(isinstance(command, begins) for command in of_task)

    def _remove_last(
        self, task: int, kinds: object, unless_after: type | None = None
    ) -> protocol.Command | None:
        for index in range(len(self._commands) - 1, -1, -1):
            command = self._commands[index]
            if getattr(command, "task", None) != task:
                continue
            if isinstance(command, protocol.Open | protocol.Close):
                return None
            if unless_after is not None and isinstance(command, unless_after):
                return None
            if isinstance(command, kinds):  # type: ignore[arg-type]
                return self._commands.pop(index)
        return None
