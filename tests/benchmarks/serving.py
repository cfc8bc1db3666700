"""The real app as a process of its own, and what the system says of it."""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_healthy(port: int) -> bool:
    """Return whether the server answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
            return True
    except OSError:
        return False


@contextmanager
def app(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start the app and yield its process as soon as it answers; end it afterwards."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not is_healthy(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The app did not start.")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def workers_of(process: int) -> list[int]:
    """Return the processes that a process has started."""
    found = []
    for thread in Path(f"/proc/{process}/task").iterdir():
        with suppress(OSError):  # the thread has just ended
            found += [int(number) for number in (thread / "children").read_text().split()]
    return found


def memory(process: int) -> float:
    """Return a process' resident memory in MB, with what it shares with others."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def memory_share(process: int) -> float:
    """Return a process' memory in MB, pages shared by n processes counted as an nth (PSS)."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("this system does not tell the shares of memory")


class PeakMemory:
    """Watches what a server and its workers take together, from now on."""

    def __init__(self, server: int) -> None:
        self._server, self._most = server, 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stopped.wait(0.25):
            with suppress(OSError):  # a process has just ended
                processes = [self._server, *workers_of(self._server)]
                self._most = max(self._most, sum(map(memory_share, processes)))

    def stop(self) -> float:
        """Return the most MB at a time."""
        self._stopped.set()
        self._thread.join()
        return self._most


def processor_seconds(processes: list[int]) -> float:
    """Return how long processes have computed, together."""
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def maps_torch(process: int) -> bool:
    """Return whether a process has torch's library in its memory."""
    return "libtorch" in Path(f"/proc/{process}/maps").read_text()
