"""The teacher's choice of what a class trains together: seeds of the Lab's nets, or a map."""

import streamlit as st

from bn_core.classroom import ClassError, Classroom
from bn_core.comparison import Comparison
from bn_core.sweeps.sweep import SIZES, Sweep
from pages.shared.classroom.lab_for_all import renew_link
from pages.shared.classroom.map_view import map_view
from pages.shared.classroom.pooled_map import PooledMap, Unit
from pages.shared.classroom.pooled_runs import PooledRuns
from pages.shared.classroom.pooled_work import MOST_STEPS, PooledWork
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
    steps = _steps(session) if kind == _SEEDS else 0
    if not st.button("Begin", type="primary", key="class.together.begin"):
        return
    try:
        start_pooling(_work(session, classroom, sweep, kind, steps))
    except ClassError as problem:
        st.warning(plain_text(str(problem)))
    else:
        if kind == _SEEDS:
            renew_link(session, classroom)
        st.rerun()


def _steps(session: Session) -> int:
    """Let the teacher choose how many steps each student's nets are trained."""
    asked = session.lab.comparison.base.steps
    help = f"At most {MOST_STEPS}: the class waits for all. The Lab trains {asked:,}."
    usual = min(asked, MOST_STEPS)
    return int(st.number_input("Steps", 1, MOST_STEPS, usual, help=help, key="class.steps"))


def _work(
    session: Session, classroom: Classroom, sweep: Sweep, kind: str, steps: int
) -> PooledWork:
    if kind in _UNITS:
        return PooledMap(classroom, sweep, _UNITS[kind])
    if session.run is None:
        raise ClassError("Open the Lab and choose the nets first.")
    nets = session.run.as_run()
    base = nets.base.changed({"steps": steps, "rate_changes": ()})
    return PooledRuns(classroom, Comparison(base, nets.arms))


def asked_map(session: Session) -> Sweep:
    """Return the map that the page of the stability map was left with, else the usual small one."""
    held = session.widget_values.get("stability_map")
    return held if isinstance(held, Sweep) else Sweep(size=SIZES[0])
