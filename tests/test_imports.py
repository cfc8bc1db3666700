"""The law of the house: which room may import which, and who may say what."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted([ROOT / "app.py", *ROOT.glob("pages/**/*.py"), *ROOT.glob("bn_core/**/*.py")])

ALLOWED = {
    "bn_core.settings": (),
    "bn_core.config": ("settings",),
    "bn_core.presets": ("config",),
    "bn_core.records": ("config", "settings"),
    "bn_core.randomness": (),
    "bn_core.measures": ("records",),
    "bn_core.data": ("config", "randomness"),
    "bn_core.initialization": ("config", "randomness"),
    "bn_core.grouping": (),
    "bn_core.normalization": ("config", "grouping", "normalization"),
    "bn_core.models": ("config", "initialization", "normalization", "randomness"),
    "bn_core.probes": ("config", "data", "measures", "models", "records"),
    "bn_core.training": (
        "config", "data", "measures", "models", "probes", "randomness", "records",
    ),
    "bn_core.figures": ("config", "records", "settings", "figures"),
    "bn_core.service": ("config", "data", "records", "settings", "training", "service"),
}  # fmt: skip


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_rooms_import_one_way(path):
    module, found = module_of(path), imports_of(path)
    if not module.startswith("bn_core."):
        assert not any(name.split(".")[0] in ("torch", "sklearn") for name in found)
        return
    assert not any(name.split(".")[0] in ("streamlit", "pages") for name in found)
    room = ".".join(module.split(".")[:2])
    for name in found:
        if name.startswith("bn_core."):
            target = name.split(".")[1]
            assert target in ALLOWED[room] or f"bn_core.{target}" not in ALLOWED, name


def test_the_page_process_never_imports_torch():
    """Everything a page imports, imported in a process of its own."""
    page_side = [
        module_of(path) for path in FILES if module_of(path).startswith(("pages.shared", "app"))
    ]
    script = f"import {', '.join(page_side)}\nimport sys\nprint('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "False"


def test_only_the_theme_knows_colours():
    for path in ROOT.glob("bn_core/**/*.py"):
        if path.name != "theme.py":
            text = path.read_text()
            assert not re.search(r"#[0-9a-fA-F]{6}\b|rgba?\(\d", text), path


def test_nothing_seeds_or_draws_from_the_global_generator():
    """``manual_seed`` is called on generators only; draws name their generator."""
    for path in ROOT.glob("bn_core/**/*.py"):
        text = path.read_text()
        assert not re.search(r"(torch|np\.random|random)\.(manual_)?seed\(", text), path
        for call in re.findall(r"torch\.(?:randn?|randperm|randint|bernoulli)\([^\n]*", text):
            assert "generator=" in call, (path, call)
