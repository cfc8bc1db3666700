"""Which experiments there are, read from their files: importing them would import torch."""

import ast
from pathlib import Path

_EXPERIMENTS = Path(__file__).parents[1] / "experiments"


def listed_experiments() -> dict[str, str]:
    """Return the claim of each experiment by its slug, in the order of the registry.

    A slug and a claim are written as plain texts in each file's ``ExperimentSpec(...)``.
    """
    return dict(_slug_and_claim(_tree(module)) for module in _registered(_tree("__init__")))


def _tree(module: str) -> ast.Module:
    return ast.parse((_EXPERIMENTS / f"{module}.py").read_text(encoding="utf-8"))


def _registered(registry: ast.Module) -> list[str]:
    """Return the modules whose EXPERIMENT the registry names, in its order."""
    return [
        node.value.id
        for node in sorted(ast.walk(registry), key=lambda node: getattr(node, "lineno", 0))
        if isinstance(node, ast.Attribute)
        and node.attr == "EXPERIMENT"
        and isinstance(node.value, ast.Name)
    ]


def _slug_and_claim(module: ast.Module) -> tuple[str, str]:
    spec = next(
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "ExperimentSpec"
    )
    texts = {one.arg: one.value for one in spec.keywords if one.arg in ("slug", "claim")}
    return ast.literal_eval(texts["slug"]), ast.literal_eval(texts["claim"])
