"""What can be done with a map by keyboard: save it, train a part anew, open a cell in the Lab."""

import streamlit as st

from bn_core.comparison import comparison_to_query
from bn_core.export.report_map import report_of_map
from bn_core.figures.stability_words import map_title
from bn_core.sweeps.axis import values_text
from bn_core.sweeps.link import map_link
from bn_core.sweeps.sweep import Sweep
from bn_core.sweeps.table import map_to_csv, map_to_npz
from pages.shared.export_menu import page_address, report_button
from pages.shared.session import Session
from pages.shared.stability_map.place import PLACE, zoom, zoom_at_border
from pages.shared.tasks.sweeps import SweepRun


def hint(sweep: Sweep) -> str:
    """Return what the pointer does in the charts, in a line."""
    part = "rag a rectangle to train that part anew."
    return f"D{part}" if sweep.two_layers else f"Press a cell to open it in the Lab; d{part}"


def downloads(session: Session, run: SweepRun) -> None:
    """Offer the numbers of all cells as files, and the report."""
    address = page_address() + map_link(run.sweep).lstrip("/")
    for suffix, make, kind in (
        ("csv", map_to_csv, "text/csv"),
        ("npz", map_to_npz, "application/octet-stream"),
    ):
        st.download_button(
            f"Save {suffix.upper()}",
            lambda make=make: make(run.map),
            f"batch_norm_lab_map.{suffix}",
            kind,
            on_click="ignore",
            help="A row for each net that was trained; the command sweep writes the same.",
        )
    report_button(session, f"map {map_title(run.sweep)}", lambda: report_of_map(run.map, address))


def part_and_cell(session: Session, run: SweepRun) -> None:
    """Lead into a rectangle of the map, and to the Lab from one cell, without a pointer."""
    name = "Choose a part" if run.sweep.two_layers else "Choose a part or a cell"
    with st.popover(name, help="The same by keyboard as with the pointer in the charts."):
        _part(session, run)
        if not run.sweep.two_layers:
            st.divider()
            _cell(run)


def _part(session: Session, run: SweepRun) -> None:
    ends = []
    for label, side, texts in _axes(run.sweep):
        chosen = st.select_slider(
            f"Part: {label}",
            range(len(texts)),
            (0, len(texts) - 1),
            format_func=texts.__getitem__,
            key=f"{PLACE}.{id(run)}.{side}",
        )
        ends.append(chosen)
    with st.container(horizontal=True, gap="small"):
        st.button("Train this part", on_click=zoom, args=(session, run, *ends))
        st.button(
            "Zoom in at the border",
            on_click=zoom_at_border,
            args=(session, run),
            help="Trains the tenth part around the border of the first net anew.",
        )


def _cell(run: SweepRun) -> None:
    places = []
    for label, side, texts in _axes(run.sweep):
        place = st.select_slider(
            f"Cell: {label}",
            range(len(texts)),
            len(texts) // 2,
            format_func=texts.__getitem__,
            key=f"{PLACE}.{id(run)}.cell.{side}",
        )
        places.append(place)
    query = comparison_to_query(run.sweep.comparison((places[0], places[1])))
    st.page_link("pages/lab.py", label="Open this cell in the Lab", query_params=query)


def _axes(sweep: Sweep) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the name, the side and the texts of the values of each axis."""
    return [
        (sweep.x.spec.label.lower(), "x", values_text(sweep.x_values)),
        (sweep.y.spec.label.lower(), "y", values_text(sweep.y_values)),
    ]
