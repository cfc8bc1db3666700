"""``python -m bn_core sweep``: the cells of the page, without a browser."""

import csv
import os
import pty
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bn_core.cli import main
from bn_core.config import Config
from bn_core.service.cluster import SCHEDULER
from bn_core.sweeps.axis import Axis
from bn_core.sweeps.driver import run_sweep
from bn_core.sweeps.sweep import Sweep
from bn_core.sweeps.table import map_to_csv

ROOT = Path(__file__).resolve().parents[2]
QUERY = "data=moons&points=60&width=4&depth=1&steps=3&seeds=1&batch=8"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "map.txt"], "end in .csv, .npz or .html"),
        (["--out", "/nowhere/at/all/map.csv"], "no directory"),
        (["--x", "seed", "--out", "m.csv"], "invalid choice"),
        (["--x", "depth", "--y", "depth", "--out", "m.csv"], "two different settings"),
        (["--x", "batch_size", "--out", "m.csv"], "Name the y axis"),
        (["--x-range", "3", "1", "--out", "m.csv"], "smaller to a larger"),
        (["--size", "9", "--out", "m.csv"], "invalid choice"),
        (["seeds=10", "--out", "m.csv"], "at most 3 seeds"),
        (["/stability_map?xr=2:1", "--out", "m.csv"], "smaller to a larger"),
        (["--workers", "0", "--out", "m.csv"], "no whole number"),
        ([], "required"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(arguments, words, capsys, tmp_path):
    assert main(["sweep", *arguments]) == 2
    said = capsys.readouterr()
    assert words in said.err and "Traceback" not in said.err and not said.out


def test_what_is_no_address_of_a_scheduler_is_said(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv(SCHEDULER, "nonsense")
    ends = ["--y", "depth", "--size", "8"]
    assert main(["sweep", QUERY, *ends, "--out", str(tmp_path / "m.csv")]) == 2
    assert SCHEDULER in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_writes_the_numbers_that_any_executor_finds(capsys, tmp_path):
    target = tmp_path / "map.csv"
    ends = ["--y", "depth", "--y-range", "1", "2", "--size", "8", "--workers", "2"]
    assert main(["sweep", QUERY, *ends, "--out", str(target)]) == 0
    base = Config(data="moons", points=60, width=4, depth=1, steps=3, replicas=1, batch_size=8)
    sweep = Sweep(base, y=Axis("depth", 1, 2), size=8)
    with ThreadPoolExecutor(1) as executor:
        found = list(run_sweep(sweep, executor, 1))[-1].map
    assert target.read_bytes() == map_to_csv(found)
    assert capsys.readouterr().out.startswith("So: ")


def heed_ctrl_c() -> None:
    """Be a terminal's foreground job: Ctrl+C goes to the whole group, which heeds it."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_ctrl_c_writes_the_cells_that_were_measured(tmp_path):
    terminal, its_other_end = pty.openpty()
    target = tmp_path / "map.csv"
    command = [sys.executable, "-m", "bn_core", "sweep", QUERY + "&steps=2000", "--y", "depth"]
    command += ["--workers", "1", "--out", str(target)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=its_other_end, preexec_fn=heed_ctrl_c
    )
    try:
        os.close(its_other_end)
        drawn = b""
        while not re.search(rb"[1-9]\d* of \d+ lines", drawn):  # the bar, as stderr is a terminal
            drawn += os.read(terminal, 1024)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        said = os.read(terminal, 4096)
    finally:
        process.kill()
        process.communicate()
        os.close(terminal)
    assert process.returncode == 130
    assert b"Ended by Ctrl+C" in said
    rows = list(csv.DictReader(target.read_text().splitlines()))
    assert 0 < len(rows) < 2 * 20 * 24
    assert all(row["fate"] != "not measured" for row in rows)
