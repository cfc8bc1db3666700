"""The numbers of a run as a table of text: every loss, and the validation of every snapshot."""

import csv
import io
from collections.abc import Iterator

import numpy as np

from bn_core.comparison import Comparison
from bn_core.export.request import Exporter, ExportRequest
from bn_core.export.settings_table import settings_rows, versions
from bn_core.export.source import safe_link
from bn_core.figures.summary import ending_words
from bn_core.records import NetStatistics, Record

COLUMNS = (
    "step",
    "net",
    "seed",
    "train_loss",
    "validation_loss",
    "validation_accuracy",
    "train_accuracy",
)
_MEASURED = COLUMNS[4:]
"""Columns that only steps with a snapshot have."""


def csv_of_run(request: ExportRequest) -> bytes:
    """Return one row for each step, net and seed, behind lines of comment that begin with "#".

    Losses are in nats, of the mini-batch before its step; accuracies are shares of 1. What was not
    measured is empty; a loss that is not finite is "nan" or "inf". Errors: ``ExportError``.
    """
    record = request.of_record()
    text = io.StringIO(newline="")
    for line in _comment(request, record):
        text.write(f"# {line}\r\n")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    table.writerows(_rows(record))
    return text.getvalue().encode()


CSV = Exporter(
    "Numbers (CSV)",
    "Every loss of every net and seed, and the validation at each snapshot.",
    "batch_norm_lab_run.csv",
    "text/csv",
    csv_of_run,
    needs_record=True,
)


def _comment(request: ExportRequest, record: Record) -> Iterator[str]:
    yield "Batch Norm Lab: a run, one row for each step, net and seed"
    if request.link:
        yield f"Link: {safe_link(request.link)}"
    yield from (
        f"{label}: {words}" for label, words in settings_rows(record.comparison, request.data_title)
    )
    yield f"Ending: {ending_words(record)}"
    yield f"Fingerprint: {record.fingerprint()}"
    yield f"Versions: {versions()}"
    yield "Losses in nats, accuracies as shares of 1; empty: not measured at this step"


def _rows(record: Record) -> Iterator[tuple]:
    base, labels = record.comparison.base, _labels(record.comparison)
    seeds = range(base.seed, base.seed + base.replicas)
    snapshots = {snapshot.step: snapshot.arms for snapshot in record.snapshots}
    for step in range(0 if 0 in snapshots else 1, record.step + 1):
        measured = snapshots.get(step)
        for arm, label in enumerate(labels):
            losses = _texts(record.train_loss[step - 1, arm]) if step else [""] * base.replicas
            columns = _columns(measured[arm] if measured else None, base.replicas)
            for seed, loss, *found in zip(seeds, losses, *columns, strict=True):
                yield (step, label, seed, loss, *found)


def _columns(snapshot: NetStatistics | None, replicas: int) -> list[list[str]]:
    if snapshot is None:
        return [[""] * replicas] * len(_MEASURED)
    return [_texts(getattr(snapshot, name)) for name in _MEASURED]


def _texts(values: np.ndarray) -> list[str]:
    """Return numbers in the fewest digits that give back the same float32."""
    return [str(value) for value in values.astype(np.float32)]


def _labels(comparison: Comparison) -> list[str]:
    """Return the arms' labels; a sign that a spreadsheet would take for a formula is left out."""
    return [arm.label.lstrip("=+-@\t\r") for arm in comparison.arms]
