"""The first start on a machine that has never seen Streamlit, at a terminal."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.edge.serving import ROOT, free_port

pytestmark = pytest.mark.slow


def read_until(terminal: int, word: bytes, seconds: float = 60.0) -> bytes:
    """Return what a process prints until a word comes."""
    printed, deadline = b"", time.monotonic() + seconds
    while word not in printed:
        assert time.monotonic() < deadline, printed.decode()
        if select.select([terminal], [], [], 0.2)[0]:
            printed += os.read(terminal, 4096)
    return printed


def test_it_asks_for_no_address_and_serves(tmp_path: Path) -> None:
    terminal, its_end = pty.openpty()
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    process = subprocess.Popen(
        [*command, "--server.address", "127.0.0.1", "--server.headless", "false"],
        cwd=ROOT,
        env=os.environ | {"HOME": str(tmp_path), "BROWSER": "true", "BN_LAB_WORKERS": "1"},
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
    )
    try:
        os.close(its_end)
        printed = read_until(terminal, str(port).encode())
        assert b"mail" not in printed
    finally:
        process.terminate()
        process.wait(20)
        os.close(terminal)
