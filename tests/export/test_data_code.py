"""Scripts read the data that the app trained on: bit for bit, or not at all."""

import ast
import dataclasses
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bn_core.cli.link import comparison_from_link
from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.datasets import own, published, registry
from bn_core.datasets.loading import load
from bn_core.datasets.own import OwnData
from bn_core.datasets.published import VARIABLE
from bn_core.datasets.reading import arrays_in, table_in
from bn_core.datasets.tables import own_data
from bn_core.export import EXPORTS, ExportError, ExportRequest
from tests.datasets.idx_files import idx_bytes, images_and_labels, write_published
from tests.export.programs import printed_by

FIRST, LAST = "state =", "data = "


def program(comparison: Comparison, kind: str = "pytorch") -> str:
    return EXPORTS[kind].make(ExportRequest(comparison)).decode()


def arrays_of(text: str, *paths: Path) -> Any:
    """Return the arrays that a script makes when it is started with some paths."""
    names: dict[str, Any] = {"__name__": "exported"}
    exec(compile(text, "script.py", "exec"), names)
    main = text.partition('if __name__ == "__main__":\n')[2]
    made = main[main.index(FIRST) : main.index(LAST)].replace("\n    ", "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["script.py", *map(str, paths)])
        exec(made, names)
    return names["arrays"]


def assert_as_in_the_app(arrays: Any, config: Config) -> None:
    held = load(config)
    expected = (
        held.train_inputs,
        held.train_labels,
        held.validation_inputs,
        held.validation_labels,
    )
    for found, tensor in zip(arrays, expected, strict=True):
        assert found.dtype == tensor.numpy().dtype
        np.testing.assert_array_equal(found, tensor.numpy())


@pytest.mark.parametrize(
    "link",
    ["seed=3&pool=on", "inputs=unit", "inputs=none", "data=moons&inputs=unit&points=77&batch=20"],
)
def test_pooled_and_otherwise_scaled_inputs_are_those_of_the_app(link):
    comparison, _ = comparison_from_link(link)
    assert_as_in_the_app(arrays_of(program(comparison)), comparison.base)


SCALED = "data=xor&depth=1&width=4&steps=2&seeds=1&arms=none~before;inputs:none~after;inputs:unit"


def test_nets_that_see_differently_scaled_inputs_are_given_them():
    comparison, _ = comparison_from_link(SCALED)
    text = program(comparison)
    arrays = arrays_of(text)
    for config in comparison.configs:
        assert_as_in_the_app(arrays[config.scaling], config)
    assert text.count('inputs="raw"') == 1 and text.count('inputs="unit"') == 1
    keras = program(comparison, "keras")
    assert '"raw": raw(*parts, largest=1.0),' in keras and 'inputs="unit"' in keras


@pytest.fixture
def mnist(tmp_path, monkeypatch) -> Iterator[Path]:
    """Have this process find a small set in the place of MNIST; returns its own folder."""

    def found(*parts: str) -> Path:
        for part in parts:
            write_published(tmp_path / "mnist", part, 120 if part == "train" else 80)
        monkeypatch.setenv(VARIABLE, str(tmp_path))
        (spec,) = (one for one in published.specs(tmp_path) if one.name == "mnist")
        monkeypatch.setattr(registry, "DATASETS", {**registry.DATASETS, "mnist": spec})
        return tmp_path / "mnist"

    yield found  # type: ignore[misc]


@pytest.mark.parametrize("parts", [("t10k",), ("train", "t10k")])
def test_published_sets_are_read_from_the_folder_that_the_script_is_given(mnist, parts, tmp_path):
    folder = mnist(*parts)
    base = Config(data="mnist", train_examples=50, batch_size=20, pooling=True, seed=4, steps=2)
    base = base.changed({"depth": 1, "width": 4, "replicas": 1})
    text = program(Comparison(base))
    assert_as_in_the_app(arrays_of(text, folder), base)
    assert "python PROGRAM FOLDER" in (ast.get_docstring(ast.parse(text)) or "")
    with pytest.raises(SystemExit, match=r"There is no .*-images-idx3-ubyte in"):
        arrays_of(text, tmp_path)


@pytest.mark.slow
def test_scripts_for_files_and_for_differently_scaled_inputs_run_as_they_are(mnist, tmp_path):
    comparison, _ = comparison_from_link(SCALED)
    assert len(printed_by(program(comparison), tmp_path).splitlines()) == 4
    folder = mnist("t10k")
    text = program(
        Comparison(Config(data="mnist", train_examples=50, batch_size=20, steps=2, replicas=1))
    )
    (tmp_path / "data").mkdir()
    folder.rename(tmp_path / "data" / "mnist")  # where it is looked for if no folder is given
    assert len(printed_by(text, tmp_path).splitlines()) == 3


def table_body(separator: str = ",", *, gaps: bool = False, seed: int = 0) -> bytes:
    draw = np.random.RandomState(seed)
    lines = [separator.join(("length", "place", "width", "kind"))]
    for number in range(60):
        row = [f"{value:.3f}" for value in draw.normal(size=2)]
        row = [one.replace(".", ",") for one in row] if separator == ";" else row
        if gaps and number % 7 == 0:
            row[number % 2] = "NA"
        lines.append(separator.join((row[0], "Oslo", row[1], f"{10 - number % 3}")))
    return "\n".join(lines).encode("utf-16" if separator == ";" else "utf-8")


def held_table(body: bytes, *, fill: bool) -> OwnData:
    table = table_in([body])
    assert table is not None
    return own_data(table, table.usual_label, fill=fill, held_out=0.3)[0]


@pytest.fixture
def kept() -> Iterator[list[OwnData]]:
    """Hold data in this process, as the app does for its visitors, until the test ends."""
    found: list[OwnData] = []
    yield found
    for data in found:
        own.let_go(data.name)


def config_of(data: OwnData, kept: list[OwnData]) -> Config:
    held = own.from_body(data.body, data.source)  # as the app keeps it
    own.hold(held)
    kept.append(held)
    return Config(data=held.name, batch_size=8, train_examples=30, seed=2)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("fill", [True, False])
def test_a_table_is_read_as_the_app_read_it(separator, fill, kept, tmp_path):
    body = table_body(separator, gaps=True)
    config = config_of(held_table(body, fill=fill), kept)
    text, file = program(Comparison(config)), tmp_path / "mine.csv"
    file.write_bytes(body)
    assert_as_in_the_app(arrays_of(text, file), config)
    file.write_bytes(table_body(separator, gaps=True, seed=1))
    with pytest.raises(SystemExit, match="other data"):
        arrays_of(text, file)
    with pytest.raises(SystemExit, match=r"Start this with the table: .* FILE$"):
        arrays_of(text)


@pytest.mark.parametrize("inputs", ["none", "standardize"])
def test_arrays_and_idx_files_are_read_as_the_app_read_them(inputs, kept, tmp_path):
    images, labels = images_and_labels(60)
    packed = io.BytesIO()
    np.savez_compressed(packed, x=np.moveaxis(np.stack([images[:, ::2, ::2]] * 3), 0, -1), y=labels)
    (tmp_path / "mine.npz").write_bytes(packed.getvalue())
    bodies = [idx_bytes(labels), idx_bytes(images)]
    for name, body in zip(("labels", "images"), bodies, strict=True):
        (tmp_path / name).write_bytes(body)
    for found, names in (
        (arrays_in([packed.getvalue()], 0.25), ["mine.npz"]),
        (arrays_in(bodies, 0.25), ["labels", "images"]),
        (arrays_in(bodies, 0.25), ["images", "labels"]),
    ):
        config = config_of(found[0], kept).changed({"normalize_inputs": inputs})
        text = program(Comparison(config))
        assert_as_in_the_app(arrays_of(text, *(tmp_path / name for name in names)), config)


def test_examples_that_are_not_finite_are_left_out_as_in_the_app(kept, tmp_path):
    draw = np.random.RandomState(1)
    x, y = draw.normal(size=(50, 3)), np.arange(50) % 2
    x[7, 1], x[9, 0] = np.nan, np.inf
    np.savez(tmp_path / "mine.npz", x=x, y=np.array(["u", "v"])[y])
    found, _ = arrays_in([(tmp_path / "mine.npz").read_bytes()], 0.2)
    config = config_of(found, kept)
    assert_as_in_the_app(arrays_of(program(Comparison(config)), tmp_path / "mine.npz"), config)


def test_names_of_arrays_stay_text(kept):
    draw = np.random.RandomState(1)
    file, name = io.BytesIO(), 'x"]; import os; os.abort(); held["'
    np.savez(file, **{name: draw.normal(size=(50, 3)), "y": np.arange(50) % 2})
    found, _ = arrays_in([file.getvalue()], 0.2)
    tree = ast.parse(program(Comparison(config_of(found, kept))))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import) and
                "os" in [one.name for one in node.names]]  # fmt: skip


@pytest.mark.parametrize("kind", ["pytorch", "keras"])
def test_a_script_for_files_defines_nothing_that_it_does_not_use(kind, kept):
    images, labels = images_and_labels(60)
    found, _ = arrays_in([idx_bytes(labels), idx_bytes(images)], 0.25)
    for data in (found, held_table(table_body(gaps=True), fill=True)):
        tree = ast.parse(program(Comparison(config_of(data, kept)), kind))
        defined = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        imported = {one.asname or one.name for node in imports for one in node.names}
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert defined <= used and imported <= used
        assert "checks by a hash" in (ast.get_docstring(tree) or "")


def cells_of(comparison: Comparison) -> list[str]:
    made = json.loads(program(comparison, "notebook"))
    return ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("kind", ["table", "idx"])
def test_a_notebook_reads_the_file_again_and_checks_that_it_is_the_same(kind, kept, tmp_path):
    images, labels = images_and_labels(60)
    bodies = [idx_bytes(images), idx_bytes(labels)] if kind == "idx" else [table_body(gaps=True)]
    paths = ["my_images", "my_labels"] if kind == "idx" else ["my_data"]
    for path, body in zip(paths, bodies, strict=True):
        (tmp_path / path).write_bytes(body)
    found = arrays_in(bodies, 0.25)[0] if kind == "idx" else held_table(bodies[0], fill=True)
    config = config_of(found, kept)
    _, cell, *_ = cells_of(Comparison(config))
    own.let_go(found.name)
    cell = cell.replace("Path(path)", f"Path({str(tmp_path)!r}, path)")
    exec(cell, {})
    held = own.held(found.name)
    assert held is not None and held.body == found.body
    (tmp_path / "my_data").write_bytes(table_body(gaps=True, seed=1))
    if kind == "table":
        with pytest.raises(AssertionError, match="another file"):
            exec(cell, {})


def test_a_notebook_on_published_images_names_their_folder_before_anything_is_imported(mnist):
    mnist("t10k")
    first, *_ = cells_of(Comparison(Config(data="mnist", batch_size=20)))
    assert first.index("BN_LAB_DATA") < first.index("bn_core") and "mnist" in first


def test_data_whose_file_nobody_knows_are_refused_in_a_sentence(kept):
    data = held_table(table_body(), fill=False)
    config = config_of(dataclasses.replace(data, source=None), kept)
    with pytest.raises(ExportError, match="Open the same file again"):
        program(Comparison(config))
    own.let_go(data.name)
    with pytest.raises(ExportError, match="Open the same file again"):
        program(Comparison(config))
