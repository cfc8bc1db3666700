"""The run of this visitor: which one it is, and the buttons that move it."""

import streamlit as st

from bn_core.config import Comparison
from bn_core.figures.view import STEPS_PER_SECOND, View
from bn_core.service.pool import PoolFull
from bn_core.service.run import Run
from pages.shared import server


def current_run(comparison: Comparison) -> Run:
    """Return this visitor's run of a comparison, placed anew when the comparison changed."""
    run: Run | None = st.session_state.get("run")
    if run is None or run.comparison != comparison:
        run = new_run(comparison)
    return run


def new_run(comparison: Comparison) -> Run:
    """Replace this visitor's run by a fresh one from the same initial weights."""
    old: Run | None = st.session_state.pop("run", None)
    if old is not None:
        old.close()
    try:
        st.session_state["run"] = server.pool().open(comparison)
    except PoolFull as full:
        st.warning(str(full))
        st.stop()
    return st.session_state["run"]


def toolbar(run: Run, view: View) -> None:
    """Show Train, Pause, Step and Reset, with their keys."""
    over = run.ending is not None
    with st.container(horizontal=True):
        if run.playing:
            if st.button("Pause", shortcut="P", type="primary"):
                run.pause()
                st.rerun()
        elif st.button("Train", shortcut="T", type="primary", disabled=over):
            run.play(STEPS_PER_SECOND[view.speed])
            st.rerun()
        if st.button("Step", shortcut="S", disabled=run.playing or over):
            run.step()
        if st.button("Reset", shortcut="X"):
            new_run(run.comparison)
            st.rerun()
