"""``python -m bn_core sweep``: the cells of the page, without a browser."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from bn_core.cli import main
from bn_core.config import Config
from bn_core.service.cluster import SCHEDULER
from bn_core.sweeps.axis import Axis
from bn_core.sweeps.driver import run_sweep
from bn_core.sweeps.sweep import Sweep
from bn_core.sweeps.table import map_to_csv

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
