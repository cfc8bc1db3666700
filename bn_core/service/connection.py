"""One worker process and the connection to it."""

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import AuthenticationError, Pipe
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

from bn_core.service import protocol
from bn_core.service.command_queue import CommandQueue
from bn_core.service.status import Status

_ROOT = Path(__file__).resolve().parents[2]

SECONDS_TO_END = 4.0
KEY_VARIABLE = "BN_LAB_WORKER_KEY"
PASSES_DESCRIPTORS = os.name == "posix"
"""Whether a child process can be handed an open socket; elsewhere it connects to a local port."""

Handle = Callable[["WorkerConnection", protocol.Report], None]
Connect = Callable[[], Connection]


class WorkerConnection:
    """A worker process; commands are sent by a thread of its own, so that ``send`` never blocks."""

    def __init__(
        self, process: subprocess.Popen[bytes], connection: Connection, status: Status
    ) -> None:
        self._process, self._connection, self._status = process, connection, status
        self._commands = CommandQueue()
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._ended = threading.Event()
        self.started_at = self.heartbeat_at = time.monotonic()
        self.busy_seconds = 0.0
        self.ready = False
        self.last_executing = 0
        self._provided: set[str] = set()

    @classmethod
    def start(cls) -> "WorkerConnection":
        """Start a worker process. Errors: ``OSError`` or ``RuntimeError`` if there is no room."""
        status = Status.create()
        try:
            process, connect = _start_process(status.path)
            try:
                started = cls(process, connect(), status)
                started._writer.start()
            except BaseException:
                process.kill()
                process.wait()
                raise
        except BaseException:
            status.close()
            raise
        return started

    @property
    def process_id(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def processor_ticks(self) -> int | None:
        """Return how much the worker has computed, in the system's ticks; None where untold."""
        try:
            stat = Path(f"/proc/{self.process_id}/stat").read_text()
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    @property
    def exit_status(self) -> int | None:
        """The exit status of a process that has ended."""
        return self._process.poll()

    @property
    def executing(self) -> int:
        """The task that has its turn, or had it when the worker ended; 0 if none."""
        return self.last_executing if self._ended.is_set() else self._status.executing

    def send(self, command: protocol.Command) -> None:
        """Queue a command; a worker that is gone or takes none is replaced with its runs."""
        try:
            self._commands.put(command)
        except OverflowError:
            self.kill()

    def provide(self, name: str, body: bytes) -> None:
        """Send a visitor's own data unless the worker has been sent them."""
        if name not in self._provided:
            self._provided.add(name)
            self.send(protocol.Provide(name, body))

    def withdraw_all_but(self, names: set[str]) -> None:
        """Have the worker forget own data that are no longer kept."""
        for name in self._provided - names:
            self._provided.discard(name)
            self.send(protocol.Withdraw(name))

    def receive(self, handle: Handle) -> None:
        """Hand on what the worker reports until it has ended, then free all that it held."""
        try:
            while True:
                report = self._connection.recv()
                self._note(report)
                handle(self, report)
        except (EOFError, OSError):
            pass  # the worker has ended
        finally:
            self._free()

    def hang_up(self) -> None:
        """Make the worker end; this does not wait for it."""
        self._commands.close(last=protocol.Exit())

    def wait_for_end(self, seconds: float = SECONDS_TO_END) -> None:
        """Wait for the end of a worker that was told to; kill it if it takes longer."""
        if not self._ended.wait(seconds):
            self.kill()
            self._ended.wait(SECONDS_TO_END)

    def kill(self) -> None:
        """Kill the worker process."""
        with suppress(OSError):
            self._process.kill()

    def _note(self, report: protocol.Report) -> None:
        self.heartbeat_at = time.monotonic()
        if isinstance(report, protocol.Heartbeat):
            self.busy_seconds = report.busy_seconds
        elif isinstance(report, protocol.Ready):
            self.ready = True

    def _write(self) -> None:
        while (command := self._commands.take(None)) is not None:
            try:
                self._connection.send(command)
            except (OSError, ValueError):
                return  # it is gone; its tasks are moved by who receives

    def _free(self) -> None:
        self._commands.close()
        self.kill()
        self._process.wait()
        self._writer.join()  # the socket's other end is gone, so it does not block
        self._connection.close()
        self.last_executing = self._status.executing
        self._ended.set()
        self._status.close()


def _start_process(status: Path) -> tuple[subprocess.Popen[bytes], Connect]:
    """Start a worker and return it with what waits for its connection.

    Not by multiprocessing's own start: its children would import the page again.
    """
    if not PASSES_DESCRIPTORS:
        return _start_with_port(status)
    ours, theirs = Pipe()
    try:
        descriptor = theirs.fileno()
        process = _popen([str(status), str(descriptor)], {}, pass_fds=(descriptor,))
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return process, lambda: ours


def _start_with_port(status: Path) -> tuple[subprocess.Popen[bytes], Connect]:
    key = secrets.token_bytes(32)
    listener = Listener(("127.0.0.1", 0), "AF_INET", authkey=key)
    try:
        host, port = listener.address
        process = _popen([str(status), str(host), str(port)], {KEY_VARIABLE: key.hex()})
    except BaseException:
        listener.close()
        raise

    def connect() -> Connection:
        threading.Thread(target=_refuse_at_end, args=(process, listener), daemon=True).start()
        try:
            while True:
                with suppress(AuthenticationError, EOFError, ConnectionError):
                    return listener.accept()
                if process.poll() is not None:
                    raise ConnectionError("The worker process ended before it connected.")
        finally:
            listener.close()

    return process, connect


def _refuse_at_end(process: subprocess.Popen[bytes], listener: Listener) -> None:
    """Wake who accepts when the process has ended without having connected."""
    address = listener.address
    process.wait()
    with suppress(OSError, EOFError, AuthenticationError):
        Client(address, "AF_INET", authkey=b"nobody").close()


def _popen(
    arguments: list[str], variables: dict[str, str], pass_fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    settings = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(
        [sys.executable, "-m", "bn_core.service.worker", *arguments],
        cwd=_ROOT,
        env=os.environ | settings | variables,
        stdin=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
        pass_fds=pass_fds,
    )
