"""Stability map: which settings train, without and with batch norm, over two of them at once."""

import re

import streamlit as st

from bn_core.comparison import comparison_to_query
from bn_core.figures.stability_cells import EXPLANATIONS, SHOWS
from bn_core.figures.stability_words import TWO_LAYERS, border_words
from bn_core.sweeps.findings import findings
from bn_core.sweeps.link import SWEEP_KEYS, sweep_to_query
from bn_core.sweeps.theory import theory_words
from pages.shared.plain_text import plain_text
from pages.shared.session import Session, this_session
from pages.shared.stability_map.actions import hint
from pages.shared.stability_map.controls import controls, presets, run_buttons
from pages.shared.stability_map.place import (
    PLACE,
    follow_link,
    show_earlier,
    shown_run,
    zoom,
)
from pages.shared.tasks.sweep_view import VIEW_KEY, sweep_view
from pages.shared.tasks.sweeps import SweepRun

_PICKED = f"{PLACE}.picked"
_SHOWS = f"{PLACE}.shows"


def shows_switch(session: Session, run: SweepRun) -> str:
    """Show what the colours can mean, with the meaning in a sentence; return what was chosen."""
    if run.sweep.two_layers:  # it has no validation data, and one layer before its output
        st.caption(EXPLANATIONS["speed"])
        return "speed"
    chosen = st.segmented_control(
        "Colours show",
        list(SHOWS),
        default=session.widget_values.get(_SHOWS, "speed"),
        format_func=SHOWS.__getitem__,
        key=_SHOWS,
        required=True,
    )
    session.widget_values[_SHOWS] = chosen
    st.caption(EXPLANATIONS[chosen])
    return chosen


def _note_pick() -> None:
    """Keep what was clicked or dragged in the map: the script acts on it."""
    chosen = st.session_state[VIEW_KEY].get("chosen")
    if isinstance(chosen, dict):
        picked = (str(chosen.get("name")), str(chosen.get("value"))[:60])
        this_session().widget_values[_PICKED] = picked


def act_on_pick(session: Session) -> None:
    """Zoom into the rectangle that was dragged, or go to the Lab with the cell that was clicked."""
    name, text = session.widget_values.pop(_PICKED, ("", ""))
    run = shown_run(session)
    if run is None:
        return
    if name == "rectangle":
        ends = [float(end) for end in re.findall(r"-?\d{1,3}(?:\.\d{1,3})?", text)]
        if len(ends) == 4:
            zoom(session, run, (ends[0], ends[1]), (ends[2], ends[3]))
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,3})", text) if name == "cell" else None
    if found and not run.sweep.two_layers:
        y, x = (int(part) for part in found.groups())
        rows, columns = run.sweep.shape
        if y < rows and x < columns:
            query = comparison_to_query(run.sweep.comparison((x, y)))
            st.switch_page("pages/lab.py", query_params=query)


def said_of(run: SweepRun) -> None:
    """Say what the finished map shows beyond its first finding, what theory says, what is open."""
    sweep = run.sweep
    if run.done:
        lines = [plain_text(line) for line in findings(run.map)[1:]]
        if lines:
            st.markdown("\n".join(f"- {line}" for line in lines))
    for words in filter(None, (theory_words(sweep), *border_words(sweep))):
        st.caption(words)
    if sweep.two_layers:
        st.caption(f"{TWO_LAYERS} This net is none of the Lab's: cells cannot be opened there.")
    elif sweep.double:
        st.caption("Computed in float64. The Lab computes in float32: at a border it may differ.")


def show() -> None:
    """Show the page."""
    st.html(
        "<h1 class='bn-title'>Stability map</h1><p class='bn-lead'>Every cell is a net. Which of "
        "them learn, which break, and where does batch norm win or lose?</p>"
    )
    session = this_session()
    act_on_pick(session)
    follow_link(session)
    presets(session)
    sweep = controls(session)
    session.link_values |= dict.fromkeys(SWEEP_KEYS) | sweep_to_query(sweep)
    if session.notice:
        st.warning(plain_text(session.notice))
        session.notice = ""
    show_earlier(session, sweep)
    run_buttons(session, sweep)
    run = shown_run(session)
    if run is None:
        st.info(
            "Nothing has run yet. Choose two settings, then press **Run**: the usual map of "
            "24 x 24 cells takes about 25 seconds of processor time, which all workers share."
        )
        return
    if run.sweep != sweep:
        st.caption("The map below is of other settings: press **Run** for those above.")
    shows = shows_switch(session, run)
    st.caption(hint(run.sweep))
    sweep_view(run, shows, _note_pick)
    said_of(run)


show()
