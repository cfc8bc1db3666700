"""The notebook repeats a run bit for bit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
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


IN_ONE_PROCESS = [
    "arms=rms~weightnorm~weightstd~weightstd;wsgn:on",
    "bnin=on&inputs=none&acc=3&arms=none~before",
    "freezeat=3&arms=before;freeze:statistics~after;freeze:parameters~ghost;freeze:both",
    "arch=conv_residual&channels=2-4&arms=none;branch:skipinit~before;branch:zero_gamma",
    "arch=inception&channels=4-8&init=orthogonal&arms=none~before;track:off",
    "arch=recurrent&cell=gru&arms=before~layer~rms",
]


@pytest.mark.slow
@pytest.mark.parametrize("link", IN_ONE_PROCESS)
def test_the_cells_reproduce_every_kind_of_net_and_norm_bit_for_bit(link, capsys):
    link = f"depth=3&width=8&steps=6&seeds=2&batch=40&{link}"
    record = run(comparison_of(link))
    request = ExportRequest(comparison_of(link), f"/?{link}", record=record)
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in code_of(json.loads(EXPORTS["notebook"].make(request))):
        exec(compile(cell, "cell", "exec"), names)
    assert capsys.readouterr().out.splitlines()[-2:] == [record.fingerprint(), "the same"]
    assert names["record"] is not record
    np.testing.assert_array_equal(names["record"].train_loss, record.train_loss)


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
