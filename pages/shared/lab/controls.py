"""The widgets of the Lab's settings: they show the comparison, and what they show is an event."""

from dataclasses import replace

import streamlit as st

from bn_core.config import LAYER_FIELDS, SETTINGS
from pages.shared.lab.events import ControlsChanged
from pages.shared.lab.runs import dispatch
from pages.shared.lessons.arranged_state import LOCKED
from pages.shared.session import Session
from pages.shared.widgets.settings import has_stops, setting_widget, value_shown


def control_key(session: Session, name: str) -> str:
    """Return the key of a control.

    It names the visitor, since a browser that reconnects to a restarted server still sends the
    values of the widgets that it shows, while the link alone says what the run is.
    """
    lab = session.lab
    again = f".{lab.rate_generation}" if name == "learning_rate" else ""
    return f"lab.{name}.{session.visitor[:6]}.{lab.generation}{again}"


def take_over(session: Session) -> None:
    """Tell the Lab what the reader has changed in the controls since they were shown.

    It comes before anything is drawn, so that all of the page shows the same comparison. A setting
    whose control is not shown keeps its value.
    """
    arranged = session.learning.arranged
    keys = {name: control_key(session, name) for name in SETTINGS if arranged.is_free(name)}
    shown = {
        name: value_shown(SETTINGS[name], st.session_state[key])
        for name, key in keys.items()
        if key in st.session_state
    }
    changes = {name: value for name, value in shown.items() if value is not None}
    held = session.lab.comparison
    changed = replace(held, base=held.base.changed(changes))
    if changed != held:
        dispatch(session, ControlsChanged(changed))


def show(
    session: Session,
    name: str,
    *,
    disabled: bool = False,
    width: int | None = None,
    says_locked: bool = True,
) -> None:
    """Show the control of a setting; while it is disabled, others decide on its value.

    A lesson may lock it, which is said below it if ``says_locked``, or hide it.
    """
    access = session.learning.arranged.access(name)
    if access == "hidden":
        return
    disabled = disabled or access == "locked"
    setting, base = SETTINGS[name], session.lab.comparison.base
    value, key = getattr(base, name), control_key(session, name)
    stops = session.slider_stops.setdefault(name, set())
    if has_stops(setting):
        stops.add(value)
    if name in LAYER_FIELDS:
        stops = set(range(1, base.depth + 1))
    if disabled:
        key += f".{value}"
    if access == "free" or not says_locked:
        setting_widget(setting, value, key, stops, disabled=disabled, width=width)
        return
    with st.container(key=f"locked.{name}", gap=None, width=width or "stretch"):
        setting_widget(setting, value, key, stops, disabled=disabled, width=width)
        st.caption(LOCKED)
