"""Nothing here computes on a GPU: no code names one, and the app's processes do not see any."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from bn_core.service.pool import Pool

ROOT = Path(__file__).resolve().parents[1]
CORE = sorted(ROOT.glob("bn_core/**/*.py"))
GPU = {"cuda", "mps", "xpu", "accelerator"}


def names_a_gpu(tree: ast.AST) -> bool:
    """Return whether code asks for a device: ``.cuda()``, ``torch.cuda``, ``device=`` or a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in GPU:
            return True
        if isinstance(node, ast.keyword) and node.arg == "device":
            return True
        if isinstance(node, ast.Constant) and str(node.value).split(":")[0] in GPU:
            return True
    return False


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_of_the_core_names_a_gpu(path):
    assert not names_a_gpu(ast.parse(path.read_text()))


@pytest.mark.parametrize(
    "code",
    ["x.cuda()", "x.to('cuda:0')", "torch.zeros(3, device=d)", "torch.cuda.is_available()"],
)
def test_the_walk_sees_a_gpu_where_there_is_one(code):
    assert names_a_gpu(ast.parse(code))


def test_the_command_line_hides_gpus_from_its_process():
    code = (
        "import os, runpy, sys; sys.argv = ['bn_core', 'experiment', 'nonsense']\n"
        "try: runpy.run_module('bn_core', run_name='__main__')\n"
        "except SystemExit: print(repr(os.environ.get('CUDA_VISIBLE_DEVICES')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "''"


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="It reads /proc.")
def test_the_workers_of_the_app_see_no_gpu():
    pool = Pool(workers=1)
    pool.start()
    try:
        assert pool.wait_ready(60)
        (worker,) = pool.process_ids
        environment = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
        assert b"CUDA_VISIBLE_DEVICES=" in environment
    finally:
        pool.close()
