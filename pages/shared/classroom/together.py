"""The teacher's choice of what a class trains together: seeds of the Lab's nets, or a map."""

import streamlit as st

from bn_core.classroom import ClassError, Classroom
from bn_core.sweeps.sweep import SIZES, Sweep
from pages.shared.classroom.map_view import map_view
from pages.shared.classroom.pooled_map import PooledMap, Unit
from pages.shared.classroom.pooled_runs import PooledRuns
from pages.shared.classroom.pooled_work import PooledWork
from pages.shared.classroom.pooling import pooled, start_pooling, stop_pooling
from pages.shared.plain_text import plain_text
from pages.shared.session import Session

_SEEDS = "A seed of the Lab's nets"
_UNITS: dict[str, Unit] = {"A cell of a map": "cell", "A line of a map": "line"}


def train_together(session: Session, classroom: Classroom) -> None:
    """Offer to have each student train one part of something, or to stop it."""
    work = pooled(classroom)
    if work is None:
        with st.popover("Train together"):
            _choose(session, classroom)
        return
    if isinstance(work, PooledMap) and work.left():
        st.button(
            "Train the rest of the map",
            on_click=work.train_rest,
            help="Trains what no student has asked for.",
        )
    st.button("Stop training together", on_click=stop_pooling, args=(classroom,))


def trained_together(session: Session, classroom: Classroom) -> None:
    """Show the class's map, large; the seeds stand beside the question."""
    work = pooled(classroom)
    if isinstance(work, PooledMap):
        map_view(session, work)


def _choose(session: Session, classroom: Classroom) -> None:
    st.write("This server trains for each student who asks, and all see what comes of it.")
    kind = st.radio("Each student trains", [_SEEDS, *_UNITS], key="class.together")
    sweep = asked_map(session)
    if kind in _UNITS:
        across, upwards = (axis.spec.label for axis in (sweep.x, sweep.y))
        rows, columns = sweep.shape
        st.caption(
            plain_text(
                f"{across} across, {upwards.lower()} upwards, {columns} x {rows} cells, each with "
                f"{len(sweep.arms)} nets. Choose another map on the page Stability map."
            )
        )
    if not st.button("Begin", type="primary", key="class.together.begin"):
        return
    try:
        start_pooling(_work(session, classroom, sweep, kind))
    except ClassError as problem:
        st.warning(plain_text(str(problem)))
    else:
        st.rerun()


def _work(session: Session, classroom: Classroom, sweep: Sweep, kind: str) -> PooledWork:
    if kind in _UNITS:
        return PooledMap(classroom, sweep, _UNITS[kind])
    if session.run is None:
        raise ClassError("Open the Lab and choose the nets first.")
    return PooledRuns(classroom, session.run.as_run())


def asked_map(session: Session) -> Sweep:
    """Return the map that the page of the stability map was left with, else the usual small one."""
    held = session.widget_values.get("stability_map")
    return held if isinstance(held, Sweep) else Sweep(size=SIZES[0])
