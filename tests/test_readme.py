"""The README says what is true: its Python runs, its commands and its links exist."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from bn_core.cli import SUBCOMMANDS
from bn_core.cli.link import comparison_from_link

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)
COMMANDS = [
    shlex.split(line, comments=True)
    for block in re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)
    for line in re.split(r"\n|&& ", block)
]
MODULES = [command[2:] for command in COMMANDS if command[:2] == ["python", "-m"]]


@pytest.mark.parametrize("index", range(len(PYTHON)))
def test_each_python_block_runs_and_prints(index, capsys):
    exec(compile(PYTHON[index], f"README.md, Python block {index + 1}", "exec"), {})
    assert capsys.readouterr().out.strip()


def test_arrays_of_ones_own_are_learned(capsys):
    (own,) = [block for block in PYTHON if "Dataset(" in block]
    exec(own, {})
    last = capsys.readouterr().out.strip().splitlines()[-1]
    shares = [float(number) for number in re.findall(r"\d\.\d+", last)]
    assert last.startswith("200 ")
    assert len(shares) == 6 and min(shares) > 0.6  # two arms, three seeds; chance is 0.5


def test_every_module_that_is_started_exists():
    names = {command[0] for command in MODULES}
    assert {"bn_core", "pytest", "tests.benchmarks.throughput"} <= names
    assert [name for name in names if importlib.util.find_spec(name) is None] == []


def test_every_subcommand_is_shown_and_its_links_are_links_of_the_lab():
    shown = [command[1:] for command in MODULES if command[0] == "bn_core"]
    assert {command[0] for command in shown} == {subcommand.name for subcommand in SUBCOMMANDS}
    for link in [command[1] for command in shown if command[0] == "run"]:
        comparison, warnings = comparison_from_link(link)
        assert (comparison.base.depth, warnings) == (10, [])


def test_versions_agree_with_what_is_required():
    declared = (ROOT / "pyproject.toml").read_text()
    pinned = (ROOT / "requirements.txt").read_text()
    oldest = re.search(r'requires-python = ">=(\d+\.\d+)"', declared)
    torch = re.search(r"^torch==\S+", pinned, re.M)
    assert oldest is not None and f"Python {oldest[1]} or newer" in README
    assert torch is not None and f"pip install {torch[0]} " in README
