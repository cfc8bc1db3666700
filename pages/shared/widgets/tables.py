"""Tables that a reader can edit, and computations shown as tables that light up."""

from collections.abc import Sequence

import streamlit as st

from bn_core.demos.checking import TableError, read_table, remarks
from bn_core.results import Result
from bn_core.settings import LONGEST_VALUE
from pages.shared.live.component import component
from pages.shared.plain_text import plain_text
from pages.shared.session import this_session
from pages.shared.widgets.persistent import from_link, left_out, warn_of, widget_key

Rows = tuple[tuple[float, ...], ...]

_UNTOUCHED = {"edited_rows": {}, "added_rows": [], "deleted_rows": []}

_STEPS = """<div class="bn-steps"><div class="bn-tables"></div>
<div class="bn-lines" role="status"></div></div>"""


def table(
    name: str,
    usual: Rows,
    columns: Sequence[str],
    *,
    batch: bool = True,
    of_page: bool = False,
) -> Rows | None:
    """Show an editable table; return its numbers, or None after saying what is wrong.

    If it is a batch, say also what batch norm makes of equal values and of a single row.
    """
    session, base_key = this_session(), widget_key(name, of_page=of_page)
    session.link_values.setdefault(name, None)
    _take_link(base_key, name, columns)
    key = f"{base_key}.{session.revisions.get(base_key, 0)}"
    first = _first_rows(base_key, key, usual)
    edited = st.data_editor(
        {column: [f"{row[index]:.10g}" for row in first] for index, column in enumerate(columns)},
        key=key,
        # Text, so that what is no number is answered instead of silently refused.
        column_config={
            column: st.column_config.TextColumn(column, width=_column_width(column))
            for column in columns
        },
        num_rows="dynamic",
        hide_index=True,
        width="content",
    )
    if first != usual or st.session_state.get(key, _UNTOUCHED) != _UNTOUCHED:
        st.button(
            "Restore the example", key=f"{base_key}.restore", on_click=_restore, args=(base_key,)
        )
    rows = list(zip(*(edited[column] for column in columns), strict=True))
    try:
        numbers = read_table(rows, columns)
    except TableError as error:
        st.error(plain_text(str(error)))
        return None
    for words in remarks(numbers, columns) if batch else ():
        st.info(words)
    held = session.widget_values[base_key] = tuple(map(tuple, numbers.tolist()))
    session.link_values[name] = None if held == usual else _to_text(held)
    if held != usual and session.link_values[name] is None:
        st.caption("This table is too long for the page's link, which holds the example instead.")
    return held


def _column_width(name: str) -> int:
    """Return a column's width in pixels: its name fits, with the sign of a column of text."""
    return max(80, 45 + 8 * len(name))


def _first_rows(base_key: str, key: str, usual: Rows) -> Rows:
    """Return the rows that the editor begins with; the same as long as it is shown.

    Streamlit forgets an editor that a run of the script did not show and has no ``persist_state``
    for it: when a chapter returns, its table begins with the rows that it held last.
    """
    session = this_session()
    if key not in st.session_state or key not in session.widget_values:
        session.widget_values[key] = session.widget_values.get(base_key, usual)
    return session.widget_values[key]


def _take_link(base_key: str, name: str, columns: Sequence[str]) -> None:
    """Begin with the rows that the link holds; with none that are fit, nothing changes."""
    text = from_link(name)
    if left_out(name) and base_key in this_session().widget_values:
        _renew(base_key, None)
    if text is None:
        return
    try:
        rows = [] if len(text) > LONGEST_VALUE else [row.split("_") for row in text.split("~")]
        numbers = read_table(rows, columns)
    except TableError:
        warn_of(name)
    else:
        _renew(base_key, tuple(map(tuple, numbers.tolist())))


def _to_text(rows: Rows) -> str | None:
    """Return what stands for rows in a link; nothing if it were longer than links are read."""
    text = "~".join("_".join(f"{value:.10g}" for value in row) for row in rows)
    return text if len(text) <= LONGEST_VALUE else None


def _restore(base_key: str) -> None:
    _renew(base_key, None)


def _renew(base_key: str, rows: Rows | None) -> None:
    """Make the editor anew, with these rows or the usual ones."""
    session = this_session()
    session.widget_values.pop(base_key, None)
    if rows is not None:
        session.widget_values[base_key] = rows
    session.revisions[base_key] = session.revisions.get(base_key, 0) + 1


def steps(key: str, finding: Result, columns: Sequence[str]) -> None:
    """Show the stages of a computation as tables that light up."""
    stages = [
        {"name": s.name, "symbol": s.symbol, "words": s.words, "values": s.values.tolist()}
        for s in finding.facts["stages"]
    ]
    data = {"stages": stages, "lines": finding.facts["lines"], "columns": list(columns)}
    component("steps", _STEPS)(key=widget_key(key), data=data)
