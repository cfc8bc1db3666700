"""The notebook: the same run by ``bn_core`` itself, so that its curves are the very same."""

import json
from typing import Any

from bn_core.comparison import comparison_to_query
from bn_core.config import Config
from bn_core.datasets import own
from bn_core.datasets.published import PUBLISHED
from bn_core.export.request import Exporter, ExportError, ExportRequest
from bn_core.export.script import trainable
from bn_core.export.settings_table import settings_rows
from bn_core.export.source import safe_link

_SETUP = """\
import sys

sys.path.insert(0, ".")  # the folder of the project, where app.py is: start Jupyter there

from bn_core.training import prepare_process

prepare_process()  # one thread, as in the app: then the numbers are those of the app"""

_FOLDER = """\
import os

# The folder that holds the published files of {title}, in a folder "{folder}".
os.environ.setdefault("BN_LAB_DATA", "data")

"""

_FILE = """\
from pathlib import Path

from bn_core.datasets import own
from bn_core.datasets.reading import read_again
from bn_core.datasets.source import Source

paths = {paths}  # change this: what the Lab was given
source = {source!r}
data = read_again([Path(path).read_bytes() for path in paths], source, held_out={held_out!r})
assert data.name == "{name}", "This is another file, or another version of it."
own.hold(data)"""

_RUN = """\
from bn_core.training import run

record = run(comparison)
print(f"{record.step} steps, {record.ending.kind}")"""

_TABLE = """\
from bn_core.figures.summary import rows

for row in rows(record):
    accuracy, loss = row.validation_accuracy, row.validation_loss
    print(f"{row.label}: validation accuracy {accuracy.words('.3f')}, loss {loss.words('.3f')}")"""

_CHARTS = """\
import plotly.graph_objects as go

from bn_core.figures.dashboard import charts
from bn_core.figures.theme import paint
from bn_core.figures.view import View

figures = {
    chart.id: go.Figure(paint(chart.figure, "light")).update_layout(title=chart.title, height=420)
    for chart in charts(record, View())
}
figures["loss"]"""

_RAW = """\
# Every loss: steps x nets x seeds. Snapshots hold what was measured inside the nets.
print(record.train_loss.shape)
print([snapshot.step for snapshot in record.snapshots])
record.snapshots[-1].arms[0].validation_accuracy"""

_CODE_OF_CHARTS = ("accuracy", "distributions", "gradients", "depth")


def notebook(request: ExportRequest) -> bytes:
    """Return a Jupyter notebook (nbformat 4.5) that repeats a comparison bit for bit.

    Bit for bit holds on the same kind of machine with the same versions. Errors: ``ExportError``.
    """
    comparison = trainable(request)
    cells = [
        _text(_introduction(request)),
        _code(_setup(comparison.base)),
        *_own_file(comparison.base),
        _text("The settings that differ from the usual ones, as they stand in the link."),
        _code(_comparison_code(comparison_to_query(comparison))),
        _code(_RUN),
        _code(_TABLE),
        _code(_CHARTS),
        *(_code(f'figures["{name}"]') for name in _CODE_OF_CHARTS),
        _code(_RAW),
        _text(
            "Equal settings give equal fingerprints on the same kind of machine: a hash of every "
            "number of the run."
        ),
        _code(_fingerprint_code(request)),
    ]
    body = {
        "cells": [cell | {"id": f"cell-{number}"} for number, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(body, ensure_ascii=False, indent=1) + "\n").encode()


NOTEBOOK = Exporter(
    "Notebook",
    "A Jupyter notebook that repeats this run with the Lab's own code, bit for bit.",
    "batch_norm_lab.ipynb",
    "application/x-ipynb+json",
    notebook,
)


def _introduction(request: ExportRequest) -> str:
    rows = [f"- {_plain(label)}: {_plain(words)}" for label, words in _settings(request)]
    link = f"\n\nLink: `{safe_link(request.link)}`" if request.link else ""
    return (
        "# Batch Norm Lab: a run\n\nThis notebook uses the project's own package `bn_core` and "
        "repeats the run, all of its curves included. Start Jupyter in the project's folder, with "
        f"the packages of its `requirements.txt`.{link}\n\n" + "\n".join(rows)
    )


def _setup(config: Config) -> str:
    """Return what comes first; where published files lie has to be known before all imports."""
    found = PUBLISHED.get(config.data)
    folder = "" if found is None else _FOLDER.format(title=found.title, folder=found.folders[0])
    return folder + _SETUP


def _own_file(config: Config) -> list[dict[str, Any]]:
    """Return the cells that read a file of the reader's own. Errors: ``ExportError``."""
    if not own.is_name(config.data):
        return []
    data = own.held(config.data)
    if data is None or data.source is None:
        raise ExportError(own.missing(config.data))
    code = _FILE.format(
        paths=["my_data"] if data.source.files == 1 else ["my_images", "my_labels"],
        source=data.source,
        held_out=data.held_out,
        name=data.name,
    )
    return [_text("The data are a file of your own; its path goes here."), _code(code)]


def _settings(request: ExportRequest) -> list[tuple[str, str]]:
    return settings_rows(request.comparison, request.data_title)


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]<>#|$" else sign for sign in text)


def _comparison_code(query: dict[str, str]) -> str:
    lines = [f"    {json.dumps(key)}: {json.dumps(value)}," for key, value in query.items()]
    return "\n".join(
        [
            "from bn_core.comparison import comparison_from_query",
            "",
            "query = {",
            *lines,
            "}",
            "comparison, problems = comparison_from_query(query)",
            "assert not problems, problems",
            "comparison.base, comparison.arms",
        ]
    )


def _fingerprint_code(request: ExportRequest) -> str:
    """Return code that prints the fingerprint, beside that of the run it was made from."""
    record, printed = request.record, "print(record.fingerprint())"
    ended = record is not None and record.ending is not None and record.ending.kind != "stopped"
    if record is None or not ended or record.comparison != request.comparison:
        return printed
    return (
        f'in_the_lab = "{record.fingerprint()}"\n{printed}\n'
        'print("the same" if record.fingerprint() == in_the_lab else "another kind of machine")'
    )


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": _lines(source)}


def _code(source: str) -> dict[str, Any]:
    shared = {"execution_count": None, "metadata": {}, "outputs": []}
    return {"cell_type": "code", **shared, "source": _lines(source)}


def _lines(source: str) -> list[str]:
    return source.splitlines(keepends=True)
