"""The report of a run: one page with its settings, numbers, charts and conclusion."""

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np

from bn_core.conclusion import conclude
from bn_core.export.page import (
    answers,
    chart_places,
    escaped,
    link,
    page,
    paragraph,
    section,
    table,
)
from bn_core.export.request import Exporter, ExportRequest
from bn_core.export.settings_table import settings_rows, versions
from bn_core.figures.dashboard import charts
from bn_core.figures.record_queries import accuracies, validation_losses
from bn_core.figures.summary import SummaryRow, ending_words, rows
from bn_core.records import Record


def report_of_run(request: ExportRequest) -> bytes:
    """Return the report of a run as it stands, as HTML. Errors: ``ExportError``."""
    record = request.of_record()
    drawn = charts(record, request.view)
    title = _title([arm.label for arm in record.comparison.arms])
    parts = [
        heading("A run", title, request.link),
        paragraph(conclude(record), "conclusion"),
        section(
            "Numbers",
            table(_NUMBERS, [_cells(row) for row in rows(record)]),
            paragraph(ending_words(record)),
            paragraph(
                "Median (lowest to highest) over the seeds. Losses are cross entropies in nats; "
                "the training loss is the mean of the last steps.",
                "muted",
            ),
        ),
        section("Each seed", table(_SEEDS, _seed_rows(record))),
        section("Charts", chart_places(drawn)),
        section(
            "Settings",
            table(("Setting", "Value"), settings_rows(record.comparison, request.data_title)),
        ),
        answers(),
        ending(f"Fingerprint of the record: {record.fingerprint()}"),
    ]
    return page(f"Batch Norm Lab: {title}", parts, drawn)


REPORT = Exporter(
    "Report (HTML)",
    "One file with settings, numbers, charts that zoom and the conclusion, ready for printing.",
    "batch_norm_lab_report.html",
    "text/html",
    report_of_run,
    needs_record=True,
)

_NUMBERS = (
    "Net",
    "Training loss",
    "Validation loss",
    "Validation accuracy",
    "Time per step",
    "State",
)
_MOST_IN_TITLE = 3
_SEEDS = ("Net", "Seed", "Validation loss", "Validation accuracy")


def _title(labels: list[str]) -> str:
    """Return what was compared; of many nets the first two and how many more there are."""
    if len(labels) <= _MOST_IN_TITLE:
        return " against ".join(labels)
    return f"{labels[0]} against {labels[1]} and {len(labels) - 2} other nets"


def heading(kind: str, title: str, address: str) -> str:
    """Return the top of a report: what it is, when it was made, and its link."""
    now = datetime.now(UTC)
    made = f"{now.day} {now:%B %Y, %H:%M} UTC"
    shown = f"<p>Link: {link(address)}</p>" if address else ""
    return (
        f'<header><p class="made">Batch Norm Lab · {escaped(kind)} · report of {made}</p>'
        f"<h1>{escaped(title)}</h1>{shown}</header>"
    )


def ending(*sentences: str) -> str:
    """Return the last lines of a report, with the versions that its numbers may depend on."""
    said = (*sentences, f"Computed with {versions()}.")
    return f"<footer>{''.join(paragraph(one, 'muted') for one in said)}</footer>"


def _cells(row: SummaryRow) -> tuple[str, ...]:
    milliseconds = row.milliseconds_per_step
    return (
        row.label,
        row.train_loss.words(".3f"),
        row.validation_loss.words(".3f"),
        row.validation_accuracy.words(".1%"),
        "-" if np.isnan(milliseconds) else f"{milliseconds:.2f} ms",
        row.state,
    )


def _seed_rows(record: Record) -> Iterable[tuple[object, ...]]:
    """Yield the last validation of each net and seed; a seed that diverged has lost it."""
    base = record.comparison.base
    if not record.snapshots:
        return
    for index, arm in enumerate(record.comparison.arms):
        losses, shares = validation_losses(record, index)[-1], accuracies(record, index)[-1]
        for replica in range(base.replicas):
            finite = np.isfinite(losses[replica])
            measured = (f"{losses[replica]:.4f}", f"{shares[replica]:.1%}")
            yield arm.label, base.seed + replica, *(measured if finite else ("diverged", "-"))
