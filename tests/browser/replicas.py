"""Two replicas of the app behind HAProxy, with the configuration of ``docs/serving``."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.conftest import ROOT, free_port

CONFIGURATION = ROOT / "docs" / "serving" / "haproxy.cfg"
SECONDS_TO_START = 90.0


@dataclass
class Replica:
    """One server and how to start it again."""

    name: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the app under this replica's name and port."""
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
        command += ["--server.port", str(self.port), "--server.address", "127.0.0.1"]
        variables = {"BN_LAB_REPLICA": self.name, "BN_LAB_WORKERS": "1"}
        self.process = subprocess.Popen(command, cwd=ROOT, env=os.environ | variables)

    def kill(self) -> None:
        """End the process without a moment to say goodbye, as when its machine fails."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)

    def stop(self) -> None:
        """End the process."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)

    def trains(self) -> bool:
        """Return whether the app answers and all its workers are ready."""
        return _answers(f"http://127.0.0.1:{self.port}/lab-files/health")


@dataclass
class Balanced:
    """The address that visitors open, and the replicas behind it."""

    address: str
    replicas: dict[str, Replica]


@contextmanager
def balanced(folder: Path) -> Iterator[Balanced]:
    """Start two replicas and HAProxy before them; yield when both can train."""
    with ExitStack() as stack:
        replicas = {name: Replica(name, free_port()) for name in ("b", "c")}
        for replica in replicas.values():
            stack.callback(replica.stop)
            replica.start()
        secure, plain = free_port(), free_port()
        ports = {name: replica.port for name, replica in replicas.items()}
        written = configuration(folder, ports, secure, plain)
        process = subprocess.Popen([haproxy(), "-f", str(written)])
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        wait_until(lambda: all(replica.trains() for replica in replicas.values()))
        yield Balanced(f"https://127.0.0.1:{secure}", replicas)


def haproxy() -> str:
    """Return the path of HAProxy; without one, skip, unless the environment demands the tests."""
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        if os.environ.get("BN_LAB_BROWSER_TESTS") == "required":
            pytest.fail("The browser tests are required, and there is no haproxy on the path.")
        pytest.skip("There is no haproxy on the path.")
    return found


def wait_until(holds, seconds: float = SECONDS_TO_START) -> None:
    """Wait for a condition. Errors: ``AssertionError``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)


def configuration(folder: Path, replicas: dict[str, int], secure: int, plain: int) -> Path:
    """Write the documented configuration with ports and a certificate of this machine."""
    text = CONFIGURATION.read_text("utf-8")
    changes = {
        "bind :443": f"bind 127.0.0.1:{secure}",
        "bind :80": f"bind 127.0.0.1:{plain}",
        "/etc/haproxy/lab.pem": str(_certificate(folder)),
        " 127.0.0.1:8501 ": f" 127.0.0.1:{replicas['b']} ",
        " 127.0.0.1:8502 ": f" 127.0.0.1:{replicas['c']} ",
    }
    for old, new in changes.items():
        assert old in text, f"{CONFIGURATION.name} has no {old}"
        text = text.replace(old, new)
    written = folder / "haproxy.cfg"
    written.write_text(text)
    return written


def _certificate(folder: Path) -> Path:
    """Return a file with a key and a certificate signed by itself."""
    key, certificate, both = (folder / name for name in ("key.pem", "certificate.pem", "both.pem"))
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", str(key)]
    subprocess.run([*command, "-out", str(certificate)], check=True, capture_output=True)
    both.write_text(certificate.read_text() + key.read_text())
    return both


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False
