"""The Lab: the same nets with and without batch normalization, trained in front of the reader."""

import streamlit as st

from pages.shared.controls import asked_for, shown_as
from pages.shared.live import live_view
from pages.shared.runs import current_run, toolbar

st.title("The Lab")
st.caption("Small nets that differ only in batch normalization learn the same data. Press Train.")

comparison, complaints = asked_for()
view = shown_as()
for complaint in complaints:
    st.warning(complaint)
problem = comparison.problem()
if problem:
    st.error(problem)
    st.stop()

run = current_run(comparison)
toolbar(run, view)


@st.fragment(run_every=0.25 if run.playing or run.record is None or not run.record.looks else None)
def live() -> None:
    """Draw the run; while it trains, draw it again and again."""
    run.seen()
    if run.record is None or not run.record.looks:
        st.info("Building the nets …")
        return
    was_playing = st.session_state.get("was_playing")
    live_view(run, view)
    if was_playing and not run.playing:
        st.session_state["was_playing"] = False
        st.rerun()


st.session_state["was_playing"] = run.playing
live()
