"""Servers for tests: the app as the README starts it, and a bare one with bounds on connections."""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from pages.shared.security_connections import ConnectionLimits, watch

ROOT = Path(__file__).resolve().parents[2]

_RECORDING_LAUNCHER = """
import socket, sys
from streamlit.web.cli import main

HERE = (None, "", "localhost", "127.0.0.1", "::1", "::", "0.0.0.0", socket.gethostname())
look_up, path = socket.getaddrinfo, sys.argv[-1]  # Streamlit replaces sys.argv

def record(host, *rest, **more):
    if host not in HERE:
        with open(path, "a") as record:
            print(host, file=record)
        raise OSError("no outside requests")
    return look_up(host, *rest, **more)

socket.getaddrinfo = record
main(["run", "app.py", *sys.argv[1:-1]], prog_name="streamlit")
"""


@dataclass(frozen=True)
class Served:
    """A running app."""

    port: int
    pid: int
    asked_outside: Path
    """A file with the outside names that the server asked for, one in a line."""


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def app_started(folder: Path, *flags: str, **variables: str) -> Iterator[Served]:
    """Start the app headless in a process that keeps a record of outside names."""
    port, record = free_port(), folder / "asked_outside"
    record.touch()
    command = [sys.executable, "-c", _RECORDING_LAUNCHER, "--server.port", str(port), *flags]
    environment = os.environ | {"BN_LAB_WORKERS": "1"} | variables
    process = subprocess.Popen(
        [*command, "--server.headless", "true", str(record)], cwd=ROOT, env=environment
    )
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}/_stcore/health", process, 60)
        yield Served(port, process.pid, record)
    finally:
        process.terminate()
        process.wait(20)


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until a server that was just started answers."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended while it started"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer within {seconds:.0f} s")


@contextmanager
def bare_server(app: ASGIApp, limits: ConnectionLimits, *, force: bool = True) -> Iterator[int]:
    """Serve ``app`` by uvicorn in a thread under ``limits``, and yield the port.

    With ``force`` it stops at once; without, when every response has ended.
    """

    class Watched(AutoHTTPProtocol):  # pyright: ignore[reportGeneralTypeIssues]
        pass

    watch(Watched, limits)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, http=Watched, lifespan="off", log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield listening.getsockname()[1]
        finally:
            server.should_exit, server.force_exit = True, force
            thread.join()
