"""Which package may import which, and who may say what."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SNIPPETS = ROOT / "bn_core/export/snippets"
"""Pieces of the programs that are exported: they are read as text, and nothing imports them."""
CORE = sorted(path for path in ROOT.glob("bn_core/**/*.py") if SNIPPETS not in path.parents)
FRONT = [ROOT / "app.py", *sorted(ROOT.glob("pages/**/*.py"))]

LEVELS = (
    {"settings", "streams", "results", "visible_text"},
    {"randomness", "datasets"},
    {"config", "grouping", "activation_gains"},
    {"arm_labels", "net_shapes"},
    {"arms"},
    {"comparison"},
    {"presets", "claims", "verdict_sentence", "records", "normalization"},
    {"nets", "net_outlines", "diagnosis"},
    {"conclusion_reasons", "factorial"},
    {"conclusion"},
    {"kept_runs"},
    {"probing"},
    {"training"},
    {"experiments"},
    {"demos", "sweeps"},
    {"figures", "service"},
    {"lessons"},
    {"export"},
    {"cli"},
    {"__main__"},
)
"""The packages of the core, lowest level first. A package imports itself and lower levels;
a new package is one word here."""

HEAVY = {"torch", "sklearn"}
WORKER_SIDE = {
    "bn_core.service.worker",
    "bn_core.service.task_job",
    "bn_core.service.training_job",
    "bn_core.service.computation_job",
}
"""The modules of the service that run in a worker; all others run in the page's process."""

LIGHT_DATASETS = {
    f"bn_core.datasets.{name}"
    for name in (
        "spec", "registry", "thumbnails", "sampling", "idx", "published", "own", "tables", "arrays",
        "reading",
    )
}  # fmt: skip
"""The modules of the data sets that say what there is, and read what a reader opens; the others
make arrays and tensors."""

LIGHT_SWEEPS = {
    f"bn_core.sweeps{name}"
    for name in ("", ".axis", ".sweep", ".stability_map", ".driver", ".reading", ".link", ".table")
}
"""The modules of the sweeps that say what a map is and shows; the others train."""

LIGHT = {
    "settings",
    "activation_gains",
    "streams",
    "results",
    "config",
    "net_shapes",
    "net_outlines",
    "arm_labels",
    "arms",
    "comparison",
    "grouping",
    "presets",
    "claims",
    "records",
    "kept_runs",
    "diagnosis",
    "conclusion_reasons",
    "conclusion",
    "figures",
    "service",
    "export",
    "lessons",
}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in (*CORE, *FRONT)}
LIGHT_MODULES = [
    name
    for name in MODULES
    if name not in WORKER_SIDE
    and (
        not name.startswith("bn_core.")
        or name.split(".")[1] in LIGHT
        or name in LIGHT_DATASETS | LIGHT_SWEEPS
    )
]


@functools.cache
def imports_of(name: str) -> frozenset[str]:
    """Return all a module imports, inside functions too, but for type checkers' eyes only."""
    tree = ast.parse(MODULES[name].read_text())
    found: set[str] = set()
    for node in _walked(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{name} imports by dots"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def _walked(node: ast.AST):
    for child in ast.iter_child_nodes(node):
        for_checkers = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        if not for_checkers:
            yield child
            yield from _walked(child)


def reached_from(name: str) -> set[str]:
    """Return everything a module imports, directly or through modules of this project."""
    reached, ahead = set(), [name]
    while ahead:
        for found in imports_of(ahead.pop()) - reached:
            reached.add(found)
            parents = {found.rsplit(".", cut)[0] for cut in range(found.count(".") + 1)}
            ahead += [module for module in parents if module in MODULES]
    return reached


def level_of(package: str) -> int:
    levels = [index for index, level in enumerate(LEVELS) if package in level]
    assert levels, f"{package} is a new package of the core: give it a level in LEVELS"
    return levels[0]


@pytest.mark.parametrize("name", [n for n in MODULES if n.startswith("bn_core.")])
def test_packages_import_one_way(name):
    is_command = name.endswith(".__main__")  # what python -m starts stands above all others
    package = "__main__" if is_command else name.split(".")[1]
    for found in imports_of(name):
        assert found.split(".")[0] not in {"streamlit", "pages", "app", "tests"}
        if found.startswith("bn_core."):
            other = found.split(".")[1]
            assert other == package or level_of(other) < level_of(package), (
                f"{name} imports {found}"
            )


@pytest.mark.parametrize("name", LIGHT_MODULES)
def test_what_the_page_imports_reaches_neither_torch_nor_scikit_learn(name):
    heavy = {found for found in reached_from(name) if found.split(".")[0] in HEAVY}
    assert not heavy, f"{name} reaches {heavy}"


def test_the_walk_itself_sees_torch_where_it_is():
    assert "torch" in reached_from("bn_core.training")
    assert "torch" in reached_from("bn_core.service.worker")
    assert "sklearn.datasets" in reached_from("bn_core.datasets.points")


def test_a_process_that_imports_all_of_the_page_side_has_no_torch():
    names = [name for name in LIGHT_MODULES if name.startswith(("bn_core.", "pages.shared", "app"))]
    script = f"import {', '.join(names)}\nimport sys\nprint({HEAVY!r} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "set()"


def test_nothing_that_serves_visitors_can_fetch():
    for name in MODULES:
        if name.split(".")[0] in ("app", "pages") or name.startswith("bn_core.service"):
            assert "bn_core.datasets.fetching" not in reached_from(name)
    assert "bn_core.datasets.fetching" in reached_from("bn_core.cli")


def test_nothing_imports_the_pieces_of_exported_programs():
    for name in MODULES:
        assert not any(found.startswith("bn_core.export.snippets") for found in imports_of(name))


def test_only_pages_say_st():
    for path in CORE:
        names = {
            node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)
        }
        assert "st" not in names, path


def test_only_capture_sets_hooks():
    setters = {
        name_of(path)
        for path in CORE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("register_")
        and node.attr.endswith("_hook")
    }
    assert setters == {"bn_core.probing.capture"}


def test_only_the_theme_knows_colours():
    colour = re.compile(r"""["']#(?:[0-9a-fA-F]{3}){1,2}\b|\brgba?\(|\bhsla?\(""")
    theme = ROOT / "bn_core/figures/theme.py"
    assert colour.search(theme.read_text())
    for path in CORE:
        assert path == theme or not colour.search(path.read_text()), path


DRAWS = {
    "rand", "randn", "randperm", "randint", "bernoulli", "multinomial", "normal", "bernoulli_",
    "uniform_", "normal_", "exponential_", "random_", "normal_like", "rand_like", "randn_like",
}  # fmt: skip


def is_torch_draw(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in DRAWS:
        return False
    owner = ast.unparse(call.func.value)
    return owner == "torch" or call.func.attr.endswith("_")


@pytest.mark.parametrize("path", [p for p in CORE if "torch" in p.read_text()], ids=name_of)
def test_nothing_seeds_or_draws_from_a_global_generator(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        said = ast.unparse(node.func)
        assert said not in {"torch.manual_seed", "torch.seed", "random.seed", "np.random.seed"}
        of_numpy = re.fullmatch(r"(np|numpy)\.random\.(\w+)", said)
        allowed = {"RandomState", "SeedSequence", "default_rng", "Generator", "PCG64"}
        assert of_numpy is None or of_numpy[2] in allowed, said
        if is_torch_draw(node):
            assert any(keyword.arg == "generator" for keyword in node.keywords), said
