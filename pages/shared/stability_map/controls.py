"""The controls of the page Stability map: axes, size, usual maps, Run and Cancel."""

import streamlit as st

from bn_core.comparison import Comparison
from bn_core.settings import SettingError
from bn_core.sweeps.axis import AXES, RATES_OF_LAYERS, Axis
from bn_core.sweeps.sweep import MOST_SWEPT_ARMS, MOST_SWEPT_SEEDS, SIZES, Sweep
from pages.shared.plain_text import plain_text
from pages.shared.session import Session
from pages.shared.stability_map.actions import downloads, part_and_cell
from pages.shared.stability_map.place import PLACE, held, replace, shown_run, start

_PRESETS = {
    "Learning rate and batch size": Sweep(),
    "Learning rate and depth": Sweep(y=Axis.usual("depth")),
    "Gain and depth": Sweep(x=Axis.usual("gain"), y=Axis.usual("depth")),
    "Fractal border: two layers, a rate each": Sweep(
        x=Axis.usual("rate_1"), y=Axis.usual("rate_2"), size=72, double=True
    ),
}
_DOUBLE_HELP = "Numbers of 64 bits: close to a border the smallest difference decides."


def controls(session: Session) -> Sweep:
    """Show both axes and the size; return the sweep they ask for."""
    now = held(session)
    made = f"{PLACE}.{session.revisions.get(PLACE, 0)}"
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        axes = [_axis(made, side, now) for side in ("x", "y")]
        size = st.selectbox(
            "Cells along each axis", SIZES, SIZES.index(now.size), key=f"{made}.size", width=160
        )
        double = st.toggle("float64", now.double, key=f"{made}.double", help=_DOUBLE_HELP)
    try:
        if None in axes:
            return now
        x, y = axes
        assert x is not None and y is not None, "checked above"
        asked = Sweep(now.base, x, y, now.arms, size, double)
    except SettingError as error:
        st.error(plain_text(str(error)))
        return now
    session.widget_values[PLACE] = asked
    return asked


def _axis(made: str, side: str, now: Sweep) -> Axis | None:
    """Show the choice of one axis and its ends; None after saying what is wrong."""
    axis = now.x if side == "x" else now.y
    names = [name for name in AXES if (name in RATES_OF_LAYERS) == now.two_layers]
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
        st.text_input(label, text, key=f"{made}.{side}.{name}.{label}", width=_width_of(text))
        for label, text in (("from", repr(axis.low)), ("to", repr(axis.high)))
    ]
    try:
        low, high = (float(end[:40]) for end in ends)
        return Axis(name, low, high)
    except SettingError as error:
        st.error(plain_text(str(error)))
    except ValueError:
        st.error("The ends of an axis are two numbers, such as 0.01 and 10.")
    return None


def _width_of(text: str) -> int:
    """Return the pixels of a field that shows the whole of a number."""
    return max(110, 40 + 9 * len(text))


def presets(session: Session) -> None:
    """Offer usual maps, and one of the Lab's nets."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        for name, sweep in _PRESETS.items():
            st.button(name, on_click=replace, args=(session, sweep), key=f"{PLACE}.{name}")
        st.button(
            "Nets of the Lab",
            on_click=_take_lab,
            args=(session,),
            key=f"{PLACE}.lab",
            help="The same two axes over the nets that are set up in the Lab.",
        )


def _take_lab(session: Session) -> None:
    comparison: Comparison = session.lab.comparison
    base = comparison.base.changed({"replicas": min(comparison.base.replicas, MOST_SWEPT_SEEDS)})
    now = held(session) if not held(session).two_layers else Sweep()
    replace(session, Sweep(base, now.x, now.y, comparison.arms[:MOST_SWEPT_ARMS]))


def run_buttons(session: Session, sweep: Sweep) -> None:
    """Show Run, Cancel while a map is under way, and what can be done with a map that is there."""
    run, problem = shown_run(session), sweep.problem()
    under_way = run is not None and not run.done
    if problem:
        st.warning(plain_text(problem))
    with st.container(horizontal=True, gap="small"):
        stopped = under_way or bool(problem)
        if st.button("Run", type="primary", shortcut="T", disabled=stopped, key=f"{PLACE}.run"):
            start(session, sweep)
            st.rerun()
        if run is not None and under_way and st.button("Cancel", shortcut="P"):
            run.cancel()
            st.rerun()
        if run is not None and run.map.lines:
            downloads(session, run)
            part_and_cell(session, run)
