"""The runs that the visitor keeps: compared, named, annotated, taken along."""

from urllib.parse import parse_qsl

import streamlit as st

from bn_core.export.report_runs import report_of_runs
from bn_core.figures.kept import overlay
from bn_core.figures.view import View
from bn_core.kept_runs import KeptRun, serialize_file, to_csv
from pages.shared.export_menu import page_address, report_button
from pages.shared.plain_text import plain_text
from pages.shared.runs.keeping import keep_present
from pages.shared.runs.menu import said_later
from pages.shared.runs.overlay import overlay_view
from pages.shared.runs.page_state import link_of_view, open_requested, view_from_link
from pages.shared.runs.table import runs_table
from pages.shared.session import Session, this_session


def follow_link(session: Session) -> None:
    """Take over what a link says of the page, and put into it what the page shows."""
    if session.arrival is not None and (session.arrival or session.by_history):
        session.runs_view = view_from_link(session.arrival)
    session.link_values |= link_of_view(session.runs_view)


def open_in_lab(session: Session) -> None:
    """Go to the Lab with the settings of the run that the reader has opened."""
    session.runs_view, run = open_requested(session.kept_runs, session.runs_view)
    if run is not None:
        st.switch_page("pages/lab.py", query_params=dict(parse_qsl(run.link)))


def say_what_is_elsewhere(session: Session) -> None:
    """Say that a link names runs which another browser keeps, once this one has answered."""
    kept = session.kept_runs
    missing = [id for id in session.runs_view.shown or () if kept.get(id) is None]
    deleted = {run.id for run in kept.deleted}
    if kept.heard and [id for id in missing if id not in deleted]:
        st.info(
            f"{len(missing)} of the runs in this link are not kept in this browser: runs stay with "
            "whoever trained them. Ask for their own links (Open), or for their file."
        )


def say(session: Session) -> None:
    """Say what went wrong with the browser's storage, and offer to undo and to clear."""
    kept = session.kept_runs
    said_later(session)
    if kept.problem:
        st.warning(kept.problem)
    if kept.unreadable:
        st.warning(
            f"This browser also holds {len(kept.unreadable)} stored texts that cannot be read as "
            "runs, perhaps of another version of this app. They are left as they are."
        )
        st.button("Remove them from this browser", on_click=kept.forget_unreadable)
    if kept.deleted:
        names = ", ".join(run.title or "a run without a name" for run in kept.deleted)
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.button("Undo", key="runs.undo", on_click=kept.undo, shortcut="Z")
            st.markdown(f"Deleted: {plain_text(names)}.", width="content")


def downloads(session: Session, chosen: list[KeptRun]) -> None:
    """Offer all runs as files, and a report of those in the charts."""
    runs = session.kept_runs.runs
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.download_button(
            "Download JSON",
            serialize_file(runs),
            "batch-norm-lab-runs.json",
            "application/json",
            on_click="ignore",
            help="All runs with their curves; this page reads the file again.",
        )
        st.download_button(
            "Download CSV",
            to_csv(runs),
            "batch-norm-lab-runs.csv",
            "text/csv",
            on_click="ignore",
            help="A row for each net of each run: settings that differ, numbers, links.",
        )
        if chosen:
            address = page_address()
            report_button(session, "runs", lambda: _report(chosen, address))


def _report(runs: list[KeptRun], address: str) -> bytes:
    charts = [make() for make in overlay(runs, View()).values()]
    return report_of_runs(runs, charts, address)


def show() -> None:
    """Show the page."""
    st.html(
        "<h1 class='bn-title'>Runs</h1><p class='bn-lead'>What you have trained in the Lab, kept "
        "in this browser and nowhere else.</p>"
    )
    session = this_session()
    keep_present(session)
    follow_link(session)
    open_in_lab(session)
    say(session)
    say_what_is_elsewhere(session)
    kept = session.kept_runs
    if not kept.runs:
        st.info(
            "No run is kept yet. Go to the Lab, press **Train**, then change a setting: every run "
            "that has trained a step is kept by itself, and you compare them here."
        )
        st.page_link("pages/lab.py", label="Go to the Lab")
    else:
        chosen = [run for id in session.runs_view.ids(kept.runs) if (run := kept.get(id))]
        if chosen:
            overlay_view(session, chosen)
        else:
            st.caption("Tick up to four runs to see their curves in the same charts.")
        downloads(session, chosen)
    runs_table(session)


show()
