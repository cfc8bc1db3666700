"""The bar at the top of the Lab: data, depth, rate, batch size, the nets, and the way to the rest.

On a narrow screen its rows scroll sideways, so that the nets stay in sight below it.
"""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from bn_core.comparison import Comparison
from bn_core.config import SETTINGS
from bn_core.datasets.spec import DataSpec
from bn_core.presets import PRESETS
from pages.shared.copy_link import is_embedded
from pages.shared.lab.actions import rate_event
from pages.shared.lab.controls import control_key, show, take_over
from pages.shared.lab.events import ControlsChanged, PresetChosen
from pages.shared.lab.nets import nets_row
from pages.shared.lab.panel import all_settings
from pages.shared.lab.runs import dispatch, observed, own_data
from pages.shared.lessons.arranged_state import LOCKED
from pages.shared.plain_text import plain_text
from pages.shared.session import Session
from pages.shared.widgets.data_sets import choose_data_set
from pages.shared.widgets.settings import value_shown

_EXAMPLES = "lab.examples"
_SLIDER = 150
"""Width of a slider of the bar in pixels."""


def top_bar(session: Session) -> None:
    """Show the controls of what the tool is about, and lead to all others."""
    _follow_rate(session)
    take_over(session)
    with st.container(key="lab_bar", border=True, gap="small"):
        with st.container(
            key="lab_settings", horizontal=True, gap="small", vertical_alignment="bottom"
        ):
            _data(session)
            base = session.lab.comparison.base
            if not base.is_recurrent:  # its layers are time steps: the images say how many
                show(session, "depth", disabled=not base.reads("depth"), width=_SLIDER)
            show(session, "learning_rate", width=_SLIDER)
            show(session, "batch_size", width=_SLIDER)
            all_settings(session)
            if not is_embedded() and not session.learning.arranged.restricts:
                _start_from(session)  # an example would change what a lesson has locked
        nets_row(session)


def _follow_rate(session: Session) -> None:
    """Have the run follow the slider that was moved, else the slider the run."""
    shown = st.session_state.get(control_key(session, "learning_rate"))
    event = rate_event(observed(session), value_shown(SETTINGS["learning_rate"], shown))
    if event is not None:
        dispatch(session, event)


def _data(session: Session) -> None:
    access, base = session.learning.arranged.access("data"), session.lab.comparison.base
    if access == "hidden":
        return
    title = plain_text(_title(session, base.data_spec))
    if access == "locked":
        with st.container(key="locked.data", gap=None, width="content"):
            st.button(f"Data: {title}", key="lab.data_locked", disabled=True)
            st.caption(LOCKED)
        return
    own = [(_title(session, data.spec), data) for data in own_data(session)]
    with st.popover(f"Data: {title}", key="lab.data_sets", help=SETTINGS["data"].help):
        choose_data_set("lab.data", base.data, own, _take_data(session))
        if not is_embedded():
            st.page_link("pages/your_data.py", label="Open a file of your own")


def _title(session: Session, spec: DataSpec) -> str:
    return (session.own_titles.get(spec.name) or spec.title)[:40]


def _take_data(session: Session) -> Callable[[str], None]:
    def take(name: str) -> None:
        held = session.lab.comparison
        chosen = replace(held, base=held.base.changed({"data": name}))
        dispatch(session, ControlsChanged(chosen))

    return take


def _start_from(session: Session) -> None:
    """Offer the presets, each with its words; the one that the controls show is marked."""
    with st.popover(
        "Examples",
        key=_EXAMPLES,
        on_change="rerun",
        help="Start from a comparison that shows one thing.",
    ):
        for name, preset in PRESETS.items():
            chosen = preset.comparison == session.lab.comparison
            st.button(
                f"✓ {preset.title}" if chosen else preset.title,
                key=f"lab.preset.{name}",
                on_click=_choose,
                args=(session, preset.comparison),
            )
            st.caption(preset.text)


def _choose(session: Session, comparison: Comparison) -> None:
    """Show a preset in place of the list."""
    st.session_state[_EXAMPLES] = False
    dispatch(session, PresetChosen(comparison))
