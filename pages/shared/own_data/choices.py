"""What a reader chooses of a file of their own; it is read anew when file or choices change."""

import threading
from collections.abc import Callable, Hashable

import streamlit as st

from bn_core.datasets.idx import DataFileError
from bn_core.datasets.reading import Found, arrays_in, table_in
from bn_core.datasets.tables import SEPARATORS, Table, own_data
from pages.shared.plain_text import plain_text
from pages.shared.session import Session

_reading = threading.Lock()
"""One file at a time is read: a large one takes a second and some memory."""

HELD_OUT = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5)


def data_of_file(session: Session) -> Found | None:
    """Show the choices that a file leaves open; return its data, or None after saying why not."""
    try:
        table = _table(session)
        if table is None:
            held_out = _held_out()
            return _found(session, held_out, lambda: arrays_in(session.inbox.bodies, held_out))
        return _of_table(session, table)
    except DataFileError as error:
        st.error(plain_text(str(error)))
        return None


def _table(session: Session) -> Table | None:
    """Return the table in the file, with the header that the reader chose."""
    arrived, read = session.inbox.arrived, session.read_file
    header = st.session_state.get(f"own.header.{arrived}")
    if read.key != (arrived, header):
        with _reading:
            read.table = table_in(session.inbox.bodies, header)
        read.key, read.data_key, read.found = (arrived, header), None, None
    return read.table


def _of_table(session: Session, table: Table) -> Found | None:
    arrived = session.inbox.arrived
    names = [column.name for column in table.columns]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        label = st.selectbox(
            "Column of classes",
            range(len(names)),
            table.usual_label,
            format_func=lambda index: names[index],
            key=f"own.label.{arrived}.{table.has_header}",
            help="What the nets are to tell apart. All other columns of numbers are inputs.",
            width=260,
        )
        gaps = st.selectbox(
            "Missing numbers",
            ("drop", "fill"),
            format_func={"drop": "leave the row out", "fill": "fill in the mean"}.__getitem__,
            key=f"own.gaps.{arrived}",
            help="Empty cells, NA, ? and the like. The mean is that of the training part.",
            width=200,
        )
        held_out = _held_out()
        st.toggle(
            "The first line holds names",
            table.has_header,
            key=f"own.header.{arrived}",
        )
    _preview(table, names)
    return _found(
        session,
        (label, gaps, held_out),
        lambda: own_data(table, label, fill=gaps == "fill", held_out=held_out),
    )


def _held_out() -> float:
    return st.select_slider(
        "Held out",
        HELD_OUT,
        0.25,
        format_func=lambda share: f"{100 * share:.0f} %",
        key="own.held_out",
        help="The share of the examples that validation uses and no net is trained on.",
        width=180,
    )


def _found(session: Session, choices: Hashable, read: Callable[[], Found]) -> Found:
    kept = session.read_file
    if kept.found is None or kept.data_key != (kept.key, choices):
        with _reading:
            kept.found = read()
        kept.data_key = (kept.key, choices)
    return kept.found


def _preview(table: Table, names: list[str]) -> None:
    rows = table.preview()
    st.caption(
        f"{table.rows:,} rows, {len(names):,} columns, separated by {SEPARATORS[table.separator]}"
        f"s. The first {len(rows)}:"
    )
    shown = range(min(len(names), 40))
    st.dataframe(
        {f"{names[i]}": [row[i] for row in rows] for i in shown},
        hide_index=True,
        height="content",
    )
