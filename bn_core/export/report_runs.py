"""The report of kept runs: a table of what differs, their curves, and the notes of the reader."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

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
from bn_core.export.report import heading
from bn_core.figures.chart import Chart
from bn_core.kept_runs import KeptRun, Spread, settings_that_differ


def report_of_runs(runs: Sequence[KeptRun], charts: Sequence[Chart], address: str = "/") -> bytes:
    """Return the report of kept runs as HTML; ``charts`` are what the reader laid over one another.

    ``address`` is that of the Lab: with a run's link behind "?" it opens the run.
    """
    titles = [run.title or f"Run {number}" for number, run in enumerate(runs, start=1)]
    parts = [
        heading("Kept runs", f"{len(runs)} runs" if len(runs) != 1 else "A run", ""),
        section("Results", table(_RESULTS, _result_rows(runs, titles))),
        section("Settings that differ", _differing(runs, titles)),
        section("Charts", chart_places(charts)),
        *(_one(run, title, address) for run, title in zip(runs, titles, strict=True)),
        answers(),
    ]
    return page("Batch Norm Lab: kept runs", parts, charts)


_RESULTS = ("Run", "Net", "Steps", "Validation loss", "Validation accuracy", "State")


def _result_rows(runs: Sequence[KeptRun], titles: Sequence[str]) -> Iterator[tuple[object, ...]]:
    for run, title in zip(runs, titles, strict=True):
        for arm in run.arms:
            loss, share = arm.final_loss, arm.final_accuracy
            numbers = (_words(loss, ".3f"), _words(share, ".1%"))
            yield title, arm.label, f"{run.steps:,}", *numbers, arm.state or run.ending or "-"


def _words(spread: Spread, form: str) -> str:
    """Return a median with its range; a seed that diverged has no number."""
    texts = [_number(value, form) for value in (spread.median, spread.low, spread.high)]
    return texts[0] if texts[1] == texts[2] else f"{texts[0]} ({texts[1]} to {texts[2]})"


def _number(value: float, form: str) -> str:
    if value != value:
        return "-"
    return "diverged" if value in (float("inf"), float("-inf")) else f"{value:{form}}"


def _differing(runs: Sequence[KeptRun], titles: Sequence[str]) -> str:
    found = settings_that_differ(runs) if len(runs) > 1 else []
    rows = [(label, *values) for label, values in found]
    return table(("Setting", *titles), rows) if rows else ""


def _one(run: KeptRun, title: str, address: str) -> str:
    kept = datetime.fromtimestamp(max(0, min(run.kept_at, 10**11)), UTC)
    return section(
        title,
        paragraph(run.conclusion, "conclusion") if run.conclusion else "",
        paragraph(f"Note: {run.note}") if run.note else "",
        f"<p>Link: {link(f'{address}?{run.link}')}</p>",
        f'<p class="muted">{escaped(f"Kept on {kept.day} {kept:%B %Y}.")}</p>',
    )
