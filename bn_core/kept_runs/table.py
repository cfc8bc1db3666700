"""Kept runs as a table of comma-separated values: a row for each net of each run."""

import csv
import io
import math
from collections.abc import Sequence
from datetime import UTC, datetime

from bn_core.kept_runs.run import KeptArm, KeptRun, settings_that_differ

_HEAD = ("run", "name", "note", "kept at (UTC)", "steps", "ending", "net", "state")
_NUMBERS = ("validation accuracy", "validation loss")
_TAIL = ("conclusion", "link")


def to_csv(runs: Sequence[KeptRun]) -> str:
    """Return the runs as CSV; the settings in which they differ are columns.

    Medians stand beside the lowest and the highest value over the seeds. Empty cells were not
    measured; "inf" is the loss of a net that diverged.
    """
    settings = settings_that_differ(runs)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = [f"{name}, {part}" for name in _NUMBERS for part in ("median", "lowest", "highest")]
    writer.writerow([*_HEAD, *(label for label, _ in settings), *columns, *_TAIL])
    for place, run in enumerate(runs):
        chosen = [values[place] for _, values in settings]
        for arm in run.arms:
            row = [*_head(run), arm.label, arm.state, *chosen, *_numbers(arm)]
            writer.writerow([_cell(text) for text in [*row, run.conclusion, run.link]])
    return out.getvalue()


def _head(run: KeptRun) -> list[str]:
    at = datetime.fromtimestamp(run.kept_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return [run.id, run.title, run.note, at, str(run.steps), run.ending]


def _numbers(arm: KeptArm) -> list[str]:
    spreads = (arm.final_accuracy, arm.final_loss)
    values = [value for one in spreads for value in (one.median, one.low, one.high)]
    return ["" if math.isnan(value) else f"{value:.4g}" for value in values]


def _cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: a file may bring any note."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
