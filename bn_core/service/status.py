"""A few bytes that a worker and the page process share: which task has its turn.

It is read after a worker's death, when no message can be sent any more.
"""

import mmap
import os
import struct
import tempfile
from contextlib import suppress
from pathlib import Path

_NUMBER = struct.Struct("q")
NO_TASK = 0


class Status:
    """The task whose turn it is in a worker, in memory that outlives the worker."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _NUMBER.size)
        self.path = path

    @classmethod
    def create(cls) -> "Status":
        """Make a new one. Errors: ``OSError`` if the system has no file for it."""
        descriptor, name = tempfile.mkstemp(prefix="bn-lab-")
        try:
            os.write(descriptor, _NUMBER.pack(NO_TASK))
        finally:
            os.close(descriptor)
        return cls(Path(name))

    @property
    def executing(self) -> int:
        """The id of the task that has its turn, ``NO_TASK`` if none has."""
        return _NUMBER.unpack_from(self._memory)[0]

    @executing.setter
    def executing(self, task: int) -> None:
        _NUMBER.pack_into(self._memory, 0, task)

    def close(self) -> None:
        """Free the memory and remove the file."""
        self._memory.close()
        with suppress(OSError):
            self.path.unlink()
