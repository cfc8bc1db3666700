"""Stability map: which settings train, without and with batch norm, over two of them at once."""

import dataclasses
import re

import streamlit as st

from bn_core.comparison import Comparison, comparison_to_query
from bn_core.figures.stability_map import theory_words
from bn_core.settings import SettingError
from bn_core.sweeps.axis import AXES, RATES_OF_LAYERS, Axis, values_text
from bn_core.sweeps.link import SWEEP_KEYS, sweep_from_query, sweep_to_query
from bn_core.sweeps.reading import border
from bn_core.sweeps.sweep import MOST_SWEPT_ARMS, MOST_SWEPT_SEEDS, SIZES, Cell, Sweep
from bn_core.sweeps.table import map_to_csv, map_to_npz
from pages.shared.plain_text import plain_text
from pages.shared.session import Session, this_session
from pages.shared.tasks.sweep_view import VIEW_KEY, sweep_view
from pages.shared.tasks.sweeps import SweepRun

_PLACE = "stability_map"
_PICKED = "stability_map.picked"
_PRESETS = {
    "Learning rate and batch size": Sweep(),
    "Learning rate and depth": Sweep(y=Axis.usual("depth")),
    "Gain and depth": Sweep(x=Axis.usual("gain"), y=Axis.usual("depth")),
    "Fractal border: two layers, a rate each": Sweep(
        x=Axis.usual("rate_1"), y=Axis.usual("rate_2"), size=72, double=True
    ),
}


def _held(session: Session) -> Sweep:
    return session.widget_values.get(_PLACE) or Sweep()


def _replace(session: Session, sweep: Sweep) -> None:
    """Take another sweep: the controls are made anew with its values."""
    session.widget_values[_PLACE] = sweep
    session.revisions[_PLACE] = session.revisions.get(_PLACE, 0) + 1


def follow_link(session: Session) -> None:
    """Take over what a link says of the map."""
    if session.arrival is not None and (session.arrival or session.by_history):
        sweep, complaints = sweep_from_query(session.arrival)
        session.link_warnings += complaints
        _replace(session, sweep)


def controls(session: Session) -> Sweep:
    """Show both axes and the size; return the sweep they ask for."""
    held = _held(session)
    made = f"{_PLACE}.{session.revisions.get(_PLACE, 0)}"
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        axes = [_axis(made, side, held) for side in ("x", "y")]
        size = st.selectbox(
            "Cells along each axis", SIZES, SIZES.index(held.size), key=f"{made}.size", width=160
        )
        double = st.toggle("float64", held.double, key=f"{made}.double", help=_DOUBLE_HELP)
    try:
        if None in axes:
            return held
        x, y = axes
        assert x is not None and y is not None, "checked above"
        asked = Sweep(held.base, x, y, held.arms, size, double)
    except SettingError as error:
        st.error(plain_text(str(error)))
        return held
    session.widget_values[_PLACE] = asked
    return asked


_DOUBLE_HELP = "Numbers of 64 bits: close to a border the smallest difference decides."


def _axis(made: str, side: str, held: Sweep) -> Axis | None:
    """Show the choice of one axis and its ends; None after saying what is wrong."""
    axis = held.x if side == "x" else held.y
    names = [name for name in AXES if (name in RATES_OF_LAYERS) == held.two_layers]
    name = st.selectbox(
        "Across" if side == "x" else "Upwards",
        names,
        names.index(axis.name),
        format_func=lambda name: AXES[name].label,
        key=f"{made}.{side}",
        width=220,
    )
    axis = axis if name == axis.name else Axis.usual(name)
    ends = [
        st.text_input(label, repr(end), key=f"{made}.{side}.{name}.{label}", width=110)
        for label, end in (("from", axis.low), ("to", axis.high))
    ]
    try:
        low, high = (float(end[:40]) for end in ends)
        return Axis(name, low, high)
    except SettingError as error:
        st.error(plain_text(str(error)))
    except ValueError:
        st.error("The ends of an axis are two numbers, such as 0.01 and 10.")
    return None


def presets(session: Session) -> None:
    """Offer usual maps, and one of the Lab's nets."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        for name, sweep in _PRESETS.items():
            st.button(name, on_click=_replace, args=(session, sweep), key=f"{_PLACE}.{name}")
        st.button(
            "Nets of the Lab",
            on_click=_take_lab,
            args=(session,),
            key=f"{_PLACE}.lab",
            help="The same two axes over the nets that are set up in the Lab.",
        )


def _take_lab(session: Session) -> None:
    comparison: Comparison = session.lab.comparison
    base = comparison.base.changed({"replicas": min(comparison.base.replicas, MOST_SWEPT_SEEDS)})
    held = _held(session) if not _held(session).two_layers else Sweep()
    _replace(session, Sweep(base, held.x, held.y, comparison.arms[:MOST_SWEPT_ARMS]))


def run_buttons(session: Session, sweep: Sweep) -> SweepRun | None:
    """Show Run, and Cancel while it runs; return the map that is shown."""
    run = session.computations.get(_PLACE)
    run = run if isinstance(run, SweepRun) else None
    under_way, problem = run is not None and not run.done, sweep.problem()
    if problem:
        st.warning(plain_text(problem))
    with st.container(horizontal=True, gap="small"):
        stopped = under_way or bool(problem)
        if st.button("Run", type="primary", shortcut="T", disabled=stopped, key=f"{_PLACE}.run"):
            session.computations[_PLACE] = SweepRun(session.visitor, sweep)
            st.rerun()
        if run is not None and under_way and st.button("Cancel", shortcut="P"):
            run.cancel()
            st.rerun()
    return run


def cell_and_zoom(session: Session, run: SweepRun) -> None:
    """Lead to the Lab from one cell, and into a rectangle of the map, by keyboard alone."""
    sweep = run.sweep
    chosen = []
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        for side, values in (("x", sweep.x_values), ("y", sweep.y_values)):
            texts = values_text(values)
            label = (sweep.x if side == "x" else sweep.y).spec.label
            ends = st.select_slider(
                f"{label}: part of the map",
                range(len(values)),
                (0, len(values) - 1),
                format_func=texts.__getitem__,
                key=f"{_PLACE}.{id(run)}.{side}",
                width=320,
            )
            chosen.append(ends)
        st.button("Zoom in", on_click=_zoom, args=(session, sweep, *chosen))
        st.button("Zoom in at the border", on_click=_zoom_at_border, args=(session, run))
    if not sweep.two_layers:
        cell = (chosen[0][0], chosen[1][0])
        st.page_link(
            "pages/lab.py",
            label="Open the cell at the lower ends of both sliders in the Lab",
            query_params=comparison_to_query(sweep.comparison(cell)),
        )


def _zoom(session: Session, sweep: Sweep, xs: tuple[int, int], ys: tuple[int, int]) -> None:
    try:
        x = sweep.x.zoomed(sweep.x_values[xs[0]], sweep.x_values[xs[1]])
        y = sweep.y.zoomed(sweep.y_values[ys[0]], sweep.y_values[ys[1]])
        _replace(session, dataclasses.replace(sweep, x=x, y=y, double=True))
    except SettingError as error:
        session.notice = str(error)


def _zoom_at_border(session: Session, run: SweepRun) -> None:
    """Zoom in about ten times around the border cell nearest to the middle."""
    sweep, (rows, columns) = run.sweep, run.sweep.shape
    edge = border(run.map, 0)
    cells = [(y, x) for y in range(rows) for x in range(columns) if edge[y, x]]
    if not cells:
        session.notice = "There is no border in this map: every cell learned, or none did."
        return
    y, x = min(cells, key=lambda at: (at[0] - rows / 2) ** 2 + (at[1] - columns / 2) ** 2)
    _zoom(session, sweep, _around(x, columns), _around(y, rows))


def _around(index: int, count: int) -> tuple[int, int]:
    half = max(1, count // 20)
    return max(0, index - half), min(count - 1, index + half)


def _note_pick() -> None:
    """Keep which cell was clicked: the script leads to the Lab."""
    chosen = st.session_state[VIEW_KEY].get("chosen")
    if isinstance(chosen, dict) and chosen.get("name") == "cell":
        this_session().widget_values[_PICKED] = str(chosen.get("value"))[:20]


def open_picked(session: Session) -> None:
    """Go to the Lab with the settings of the cell that the reader has clicked."""
    text, run = session.widget_values.pop(_PICKED, ""), session.computations.get(_PLACE)
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,3})", text)
    if not found or not isinstance(run, SweepRun) or run.sweep.two_layers:
        return
    y, x = (int(part) for part in found.groups())
    rows, columns = run.sweep.shape
    if y < rows and x < columns:
        cell: Cell = (x, y)
        query = comparison_to_query(run.sweep.comparison(cell))
        st.switch_page("pages/lab.py", query_params=query)


def downloads(run: SweepRun) -> None:
    """Offer the numbers of all cells as files."""
    with st.container(horizontal=True, gap="small"):
        for suffix, make, kind in (
            ("csv", map_to_csv, "text/csv"),
            ("npz", map_to_npz, "application/octet-stream"),
        ):
            st.download_button(
                f"Download {suffix.upper()}",
                lambda make=make: make(run.map),
                f"batch-norm-lab-map.{suffix}",
                kind,
                on_click="ignore",
                help="A row for each net that was trained; the command sweep writes the same.",
            )


def show() -> None:
    """Show the page."""
    st.html(
        "<h1 class='bn-title'>Stability map</h1><p class='bn-lead'>Every cell is a net. Which of "
        "them learn, which break, and where does batch norm win or lose?</p>"
    )
    session = this_session()
    open_picked(session)
    follow_link(session)
    presets(session)
    sweep = controls(session)
    session.link_values |= dict.fromkeys(SWEEP_KEYS) | sweep_to_query(sweep)
    if session.notice:
        st.warning(plain_text(session.notice))
        session.notice = ""
    run = run_buttons(session, sweep)
    if run is None:
        st.info("Nothing has run yet. Choose two settings, then press **Run**.")
        return
    if run.sweep != sweep:
        st.caption("The map below is of other settings: press **Run** for those above.")
    sweep_view(run, _note_pick)
    if theory_words(run.sweep):
        st.caption(theory_words(run.sweep))
    if run.sweep.two_layers:
        st.caption(
            "16-16-1 units, tanh, 64 random points, full batch, squared error (Sohl-Dickstein "
            "2024, 2402.06184). This net is none of the Lab's: its cells cannot be opened there."
        )
    elif run.sweep.double:
        st.caption("Computed in float64. The Lab computes in float32: at a border it may differ.")
    if run.map.lines:
        cell_and_zoom(session, run)
        downloads(run)


show()
