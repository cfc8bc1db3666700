"""``export LINK --to KIND``: take a comparison along as code, or a run as numbers or a report."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from bn_core.cli.command import COMPLETED, INTERRUPTED, CommandError, Subcommand
from bn_core.cli.export_experiment import experiment_report
from bn_core.cli.link import comparison_from_link, experiment_of_link, query_of_comparison
from bn_core.cli.run import train_with_progress
from bn_core.export import EXPORTS, ExportError, ExportRequest


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "link",
        metavar="LINK",
        help='an address of the Lab or of an experiment, or a query: "depth=10&lr=1"',
    )
    kinds = "; ".join(f"{name}: {exporter.title}" for name, exporter in EXPORTS.items())
    parser.add_argument("--to", metavar="KIND", choices=EXPORTS, required=True, help=kinds)
    parser.add_argument("--out", metavar="FILE", help="where to; - is stdout (a usual name here)")


def _execute(asked: argparse.Namespace) -> int:
    exporter = EXPORTS[asked.to]
    target = asked.out or exporter.file_name
    choices = experiment_of_link(asked.link)
    if choices is not None:
        return _report_experiment(asked, choices, target)
    comparison, warnings = comparison_from_link(asked.link)
    for sentence in warnings:
        print(sentence, file=sys.stderr)
    check_target(target)
    record = train_with_progress(comparison) if exporter.needs_record else None
    link = f"/?{query_of_comparison(comparison)}".rstrip("?")
    try:
        made = exporter.make(ExportRequest(comparison, link, record=record))
    except ExportError as error:
        raise CommandError(str(error)) from error
    write_file(target, made)
    stopped = record is not None and record.ending is not None and record.ending.kind == "stopped"
    return INTERRUPTED if stopped else COMPLETED


SUBCOMMAND = Subcommand(
    "export",
    "Write code for the nets of a link, or the numbers or the report of its run.",
    _add_arguments,
    _execute,
)


def _report_experiment(asked: argparse.Namespace, choices: dict[str, str], target: str) -> int:
    if asked.to != "report":
        raise CommandError("Of an experiment there is a report: give --to report.")
    check_target(target)
    made, ended = experiment_report(choices, asked.link)
    write_file(target, made)
    return COMPLETED if ended else INTERRUPTED


def check_target(target: str) -> None:
    """Refuse what cannot be written before anything is trained."""
    if target == "-":
        return
    path = Path(target)
    if path.is_dir():
        raise CommandError(f"{target} is a directory: give the file's name too.")
    if not path.absolute().parent.is_dir():
        raise CommandError(f"There is no directory {path.parent} to write to.")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise CommandError(f"{target} cannot be written: you have no right to.")


def write_file(target: str, made: bytes) -> None:
    """Write the file whole or not at all."""
    if target == "-":
        sys.stdout.buffer.write(made)
        sys.stdout.buffer.flush()
        return
    path = Path(target).absolute()
    if path.exists() and not path.is_file():  # such as /dev/stdout
        path.write_bytes(made)
        return
    try:
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".batch-norm-lab-")
        with os.fdopen(handle, "wb") as file:
            file.write(made)
        os.chmod(unfinished, 0o666 & ~_umask())
        os.replace(unfinished, path)
    except OSError as error:
        raise CommandError(f"{target} could not be written: {error.strerror}.") from error
    print(f"Written: {target} ({len(made):,} bytes).", file=sys.stderr)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
