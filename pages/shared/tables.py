"""Tables that a reader can edit, and computations shown as tables that light up."""

from collections.abc import Sequence

import streamlit as st

from bn_core.demos.checking import TableError, read_table, remarks
from bn_core.results import Result
from pages.shared.browser import component
from pages.shared.keep import first_value
from pages.shared.plain_text import plain_text
from pages.shared.visit import this_visit

Rows = tuple[tuple[float, ...], ...]

_UNTOUCHED = {"edited_rows": {}, "added_rows": [], "deleted_rows": []}

_STEPS = """<div class="bn-steps"><div class="bn-tables"></div>
<div class="bn-lines" role="status"></div></div>"""


def table(name: str, usual: Rows, columns: Sequence[str], *, batch: bool = True) -> Rows | None:
    """Show an editable table; return its numbers, or None after saying what is wrong.

    If it is a batch, say also what batch norm makes of equal values and of a single row.
    """
    visit = this_visit()
    key = f"table.{name}.{visit.generation}"
    held = first_value(name, usual, key)
    edited = st.data_editor(
        {column: [f"{row[index]:.10g}" for row in held] for index, column in enumerate(columns)},
        key=key,
        # Text, so that what is no number is answered instead of silently refused.
        column_config={
            column: st.column_config.TextColumn(column, width="small") for column in columns
        },
        num_rows="dynamic",
        hide_index=True,
        width="content",
    )
    if held != usual or st.session_state.get(key, _UNTOUCHED) != _UNTOUCHED:
        st.button("Restore the example", key=f"restore.{name}", on_click=_restore, args=(name,))
    rows = list(zip(*(edited[column] for column in columns), strict=True))
    try:
        numbers = read_table(rows, columns)
    except TableError as error:
        st.error(plain_text(str(error)))
        return None
    for words in remarks(numbers, columns) if batch else ():
        st.info(words)
    visit.kept[name] = tuple(map(tuple, numbers.tolist()))
    return visit.kept[name]


def _restore(name: str) -> None:
    visit = this_visit()
    visit.kept.pop(name, None)
    visit.renew_controls()


def steps(key: str, finding: Result, columns: Sequence[str]) -> None:
    """Show the stages of a computation as tables that light up."""
    stages = [
        {"name": s.name, "symbol": s.symbol, "words": s.words, "values": s.values.tolist()}
        for s in finding.facts["stages"]
    ]
    data = {"stages": stages, "lines": finding.facts["lines"], "columns": list(columns)}
    component("steps", _STEPS)(key=key, data=data)
