"""One worker process and the socket to it."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from bn_core.service import protocol

_ROOT = Path(__file__).resolve().parents[2]

SECONDS_TO_END = 5.0
Hear = Callable[["WorkerLink", protocol.Report], None]
End = Callable[["WorkerLink"], None]


class WorkerLink:
    """A worker process; a thread of its own hands on what the worker reports."""

    def __init__(
        self, process: subprocess.Popen[bytes], connection: Connection, hear: Hear, end: End
    ) -> None:
        self._process, self._connection = process, connection
        self._hear, self._end = hear, end
        self._sending = threading.Lock()
        self._listener = threading.Thread(target=self._receive, daemon=True)

    @classmethod
    def start(cls, hear: Hear, end: End) -> "WorkerLink":
        """Start a worker; ``hear`` gets each report, ``end`` is called once when it is gone."""
        ours, theirs = Pipe()
        # Not multiprocessing's own start: its children would import the page again.
        process = subprocess.Popen(
            [sys.executable, "-m", "bn_core.service.worker", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=_ROOT,
            env=os.environ
            | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        link = cls(process, ours, hear, end)
        link._listener.start()
        return link

    @property
    def process_id(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def send(self, command: protocol.Command) -> None:
        """Send a command; to a worker that is gone this does nothing, its runs are moved anyway."""
        with self._sending:
            try:
                self._connection.send(command)
            except (OSError, ValueError):
                return

    def close(self) -> None:
        """Hang up, and wait for the worker's end."""
        self.hang_up()
        self.wait_for_end()

    def hang_up(self) -> None:
        """Have the worker end as soon as it notices that nobody is there."""
        # Closing alone would not wake our own thread, and so not reach the worker either.
        with suppress(OSError):  # it may have ended by itself
            line = socket.socket(fileno=os.dup(self._connection.fileno()))
            line.shutdown(socket.SHUT_RDWR)
            line.close()

    def wait_for_end(self) -> None:
        """Wait for a worker that was hung up on; end it if it takes too long."""
        if threading.current_thread() is self._listener:
            return  # it finds the line dead as soon as it listens again
        self._listener.join(SECONDS_TO_END)
        if self._listener.is_alive():
            self._process.kill()
            self._listener.join(SECONDS_TO_END)

    def _receive(self) -> None:
        try:
            while True:
                self._hear(self, self._connection.recv())
        except (EOFError, OSError):
            pass  # the worker ended, or we hung up
        self._process.wait()
        with self._sending:
            self._connection.close()
        self._end(self)
