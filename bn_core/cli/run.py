"""``run LINK``: train what a link of the Lab describes and print the table."""

import argparse
import math
import sys
from typing import Any

from bn_core.cli.command import COMPLETED, INTERRUPTED, CommandError, Subcommand, print_json
from bn_core.cli.link import comparison_from_link, query_of_comparison
from bn_core.cli.progress import ProgressBar
from bn_core.comparison import Comparison
from bn_core.figures.record_queries import snapshot_at
from bn_core.figures.smoothing import window_of
from bn_core.figures.summary import Range, SummaryRow, ending_words, rows
from bn_core.records import Ending, Record, RecordChunk, StepResult

_HEADINGS = (
    "arm",
    "train loss",
    "validation loss",
    "validation accuracy",
    "ms per step",
    "state",
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("link", metavar="LINK", help='an address, or a query: "depth=10&lr=1"')
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _execute(asked: argparse.Namespace) -> int:
    comparison, warnings = comparison_from_link(asked.link)
    for sentence in warnings:
        print(sentence, file=sys.stderr)
    record = train_with_progress(comparison)
    if asked.json:
        print_json(body(record))
    else:
        print(table(record))
    stopped = record.ending is not None and record.ending.kind == "stopped"
    return INTERRUPTED if stopped else COMPLETED


SUBCOMMAND = Subcommand(
    "run", "Train what a link of the Lab describes and print the table.", _add_arguments, _execute
)


def train_with_progress(comparison: Comparison) -> Record:
    """Return the record of a whole run, or of the steps before Ctrl+C. Errors: ``CommandError``."""
    from bn_core.training import Setup, prepare_process, train  # torch takes seconds to import

    prepare_process()
    try:
        setup = Setup.of(comparison)
    except ValueError as error:
        raise CommandError(str(error)) from error
    _warm_up(comparison)
    planned = comparison.base.steps
    training, results = train(comparison, setup), []
    ending = None
    with ProgressBar() as progress:
        while ending is None:
            try:
                results.append(next(training))
                step = results[-1].step
                progress.show(step / planned, f"step {step:,} of {planned:,}")
            except StopIteration as stop:
                ending = stop.value
            except KeyboardInterrupt:
                ending = _stopped(results)
    record = Record(comparison, setup.probe.summary())
    return record.extended(RecordChunk.of(results)).ended(ending)


def _warm_up(comparison: Comparison) -> None:
    """Take one step that is thrown away: the first of a process imports parts of torch."""
    from bn_core.training import train

    one_step = Comparison(comparison.base.changed({"steps": 1}), comparison.arms)
    for _ in train(one_step):
        pass


def _stopped(results: list[StepResult]) -> Ending:
    if not results:
        raise KeyboardInterrupt
    return Ending("stopped", results[-1].step)


def table(record: Record) -> str:
    """Return one line an arm, how the run ended, what was trained, and the fingerprint."""
    lines = [_HEADINGS, *(_cells(row) for row in rows(record))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([*aligned, "", *_notes(record)])


def _cells(row: SummaryRow) -> tuple[str, ...]:
    return (
        row.label,
        _range_text(row.train_loss),
        _range_text(row.validation_loss),
        _range_text(row.validation_accuracy),
        "-" if math.isnan(row.milliseconds_per_step) else f"{row.milliseconds_per_step:.2f}",
        row.state,
    )


def _range_text(found: Range) -> str:
    if math.isnan(found.median):
        return "-"
    return f"{found.median:.3f} ({found.low:.3f} to {found.high:.3f})"


def _notes(record: Record) -> list[str]:
    seeds, base = record.comparison.base.replicas, record.comparison.base
    over = f"Median (lowest to highest) of {seeds} seeds" if seeds > 1 else "One seed"
    window = min(window_of(base.steps), max(record.step, 1))
    averaged = f"mean of the last {window} steps" if window > 1 else "loss of the last step"
    return [
        ending_words(record),
        f"{over}; train loss: {averaged}; validation: step {_validated_at(record):,}. "
        "Losses are in nats.",
        f"Link: /?{query_of_comparison(record.comparison)}".rstrip("?"),
        f"Fingerprint: {record.fingerprint()}",
    ]


def _validated_at(record: Record) -> int:
    return snapshot_at(record, None).step


def body(record: Record) -> dict[str, Any]:
    """Return the table as plain numbers; losses in nats, accuracies as shares of 1."""
    assert record.ending is not None, "a record is printed once its run has ended"
    return {
        "query": query_of_comparison(record.comparison),
        "arms": [_arm_body(row) for row in rows(record)],
        "validated_at_step": _validated_at(record),
        "ending": {"kind": record.ending.kind, "step": record.ending.step},
        "words": ending_words(record),
        "divergences": [_divergence_body(record, i) for i in range(len(record.divergences))],
        "fingerprint": record.fingerprint(),
    }


def _arm_body(row: SummaryRow) -> dict[str, Any]:
    ranges = ("train_loss", "validation_loss", "validation_accuracy")
    return {
        "name": row.arm,
        "label": row.label,
        **{name: vars(getattr(row, name)) for name in ranges},
        "milliseconds_per_step": row.milliseconds_per_step,
        "finite_seeds": row.finite_seeds,
        "seeds": row.seeds,
        "state": row.state,
    }


def _divergence_body(record: Record, index: int) -> dict[str, Any]:
    found = record.divergences[index]
    return {
        "arm": record.comparison.arms[found.arm].name,
        "seed": record.comparison.base.seed + found.replica,
        "step": found.step,
        "layer": found.layer,
        "what": found.what,
    }
