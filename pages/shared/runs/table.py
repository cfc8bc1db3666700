"""The table of kept runs, which the browser draws and whose wishes come back as one trigger."""

import math
from typing import TypedDict

import streamlit as st

from bn_core.figures.kept import LETTERS, colour_of
from bn_core.kept_runs import (
    LONGEST_NOTE,
    LONGEST_TITLE,
    MOST_RUNS,
    KeptArm,
    KeptRun,
    Spread,
    settings_that_differ,
)
from pages.shared.live.component import component
from pages.shared.runs.page_state import asked, name_of, sorted_runs
from pages.shared.session import Session

_KEY = "runs.table"
_HTML = """<div class="bn-runs"><div class="bn-runs-table"></div>
<label class="bn-runs-import">Add the runs of a file (JSON)
<input class="bn-import" type="file" accept=".json,application/json"></label></div>"""
_FIRST = (("name", "Name"), ("kept", "Kept"), ("steps", "Steps"))
_LAST = (("accuracy", "Accuracy, validation"), ("loss", "Loss, validation"))


class Net(TypedDict):
    """What one net of a run came to, in words."""

    label: str
    state: str
    accuracy: str
    loss: str


class RunRow(TypedDict):
    """One run; ``letter`` and ``colour`` are those of its curves, empty if it has none."""

    id: str
    title: str
    name: str
    note: str
    kept_at: int
    steps: str
    settings: list[str]
    nets: list[Net]
    conclusion: str
    link: str
    letter: str
    colour: str


class Column(TypedDict):
    """A column that the table can be sorted by."""

    key: str
    label: str


class TableData(TypedDict):
    """What the table is drawn from."""

    caption: str
    columns: list[Column]
    settings_from: int
    """The place of the first setting among the columns."""
    sort: str
    rows: list[RunRow]
    longest_title: int
    longest_note: int


def runs_table(session: Session) -> None:
    """Show the table; what the reader asks for in it is done before the page is shown again."""
    component("runs", _HTML)(
        key=_KEY, data=table_data(session), on_asked_change=lambda: _ask(session)
    )


def table_data(session: Session) -> TableData:
    """Return what the browser draws the table from."""
    runs, view = session.kept_runs.runs, session.runs_view
    settings = [pair for pair in settings_that_differ(runs) if pair[0] != "Nets"]
    values = {run.id: [column[i] for _, column in settings] for i, run in enumerate(runs)}
    middle = [(label, label) for label, _ in settings]
    shown = view.ids(runs)
    return TableData(
        caption=f"{len(runs)} of at most {MOST_RUNS} runs; the oldest without a name makes room "
        "for a new one. Numbers are medians over the seeds, with the range.",
        columns=[Column(key=key, label=label) for key, label in (*_FIRST, *middle, *_LAST)],
        settings_from=len(_FIRST),
        sort=view.sort,
        rows=[_row(run, values[run.id], shown) for run in sorted_runs(runs, view.sort)],
        longest_title=LONGEST_TITLE,
        longest_note=LONGEST_NOTE,
    )


def _ask(session: Session) -> None:
    request = st.session_state[_KEY].get("asked")
    session.runs_view = asked(session.kept_runs, session.runs_view, request)


def _row(run: KeptRun, settings: list[str], shown: tuple[str, ...]) -> RunRow:
    place = shown.index(run.id) if run.id in shown else None
    planned = run.comparison.base.steps
    return RunRow(
        id=run.id,
        title=run.title,
        name=name_of(run),
        note=run.note,
        kept_at=run.kept_at,
        steps=f"{run.steps:,}" if run.steps == planned else f"{run.steps:,} of {planned:,}",
        settings=settings,
        nets=[_net(arm) for arm in run.arms],
        conclusion=run.conclusion,
        link=run.link,
        letter="" if place is None else LETTERS[place],
        colour="" if place is None else colour_of(place),
    )


def _net(arm: KeptArm) -> Net:
    accuracy, loss = _words(arm.final_accuracy, ".1%"), _words(arm.final_loss, ".3g")
    return Net(label=arm.label, state=arm.state, accuracy=accuracy, loss=loss)


def _words(spread: Spread, form: str) -> str:
    """Return "0.50 (0.40 to 0.61)"; a dash for what was not measured."""
    if math.isnan(spread.median):
        return "-"
    median, low, high = (
        "diverged" if math.isinf(value) else f"{value:{form}}"
        for value in (spread.median, spread.low, spread.high)
    )
    return median if low == high else f"{median} ({low} to {high})"
