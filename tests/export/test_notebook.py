"""The notebook repeats a run bit for bit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from bn_core.export import EXPORTS, ExportRequest
from bn_core.training import run
from tests.export.programs import comparison_of, exported

ROOT = Path(__file__).resolve().parents[2]
LINK = (
    "data=moons&depth=3&width=8&steps=20&seeds=2&lr=0.5&then=9:0.2&arms=none~before~after;batch:4"
)

RECURRENT_LINK = "arch=recurrent&cell=lstm&width=8&steps=6&seeds=2&arms=none~before;tnorm:shared"


def code_of(notebook: dict[str, Any]) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("link", [LINK, pytest.param(RECURRENT_LINK, marks=pytest.mark.slow)])
def test_its_cells_run_and_reproduce_the_very_numbers(tmp_path, link):
    record = run(comparison_of(link))
    request = ExportRequest(comparison_of(link), f"/?{link}", record=record)
    cells = code_of(json.loads(EXPORTS["notebook"].make(request)))
    program = tmp_path / "cells.py"
    executed = "".join(f"exec(compile({cell!r}, 'cell', 'exec'))\n" for cell in cells)
    program.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{executed}", "utf-8")
    done = subprocess.run(
        [sys.executable, str(program)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-2:] == [record.fingerprint(), "the same"]


def test_it_is_a_notebook_with_a_kernel_and_cells_of_their_own_names():
    made = json.loads(exported("notebook", LINK))
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    assert made["metadata"]["kernelspec"]["name"] == "python3"
    names = [cell["id"] for cell in made["cells"]]
    assert len(set(names)) == len(names)
    for cell in made["cells"]:
        held = {"cell_type", "id", "metadata", "source"}
        more = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == held | more
        assert all(isinstance(line, str) for line in cell["source"])


def test_it_is_valid_for_the_library_that_reads_notebooks():
    nbformat.validate(json.loads(exported("notebook", LINK)))


def test_a_run_that_was_stopped_or_changed_names_no_fingerprint_to_reach():
    record = run(comparison_of(LINK))
    other = comparison_of(LINK.replace("then=9:0.2", "then=9:0.3"))
    text = EXPORTS["notebook"].make(ExportRequest(other, record=record)).decode()
    assert record.fingerprint() not in text


def test_what_a_link_says_stays_text():
    link = "/?x=`</script><img src=y onerror=z>`\n# no heading"
    made = json.loads(EXPORTS["notebook"].make(ExportRequest(comparison_of(LINK), link)))
    intro = "".join(made["cells"][0]["source"])
    assert "<img" not in intro and "\n# no" not in intro
