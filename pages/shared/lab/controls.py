"""The Lab's sidebar: its widgets show the comparison, and what they show becomes an event."""

from dataclasses import replace
from typing import Any

import streamlit as st

from bn_core.comparison import ARMS, MOST_ARMS, Arm
from bn_core.config import SETTINGS
from bn_core.figures.view import View
from bn_core.presets import PRESETS
from bn_core.settings import settings_of
from pages.shared.lab.actions import ControlsChanged, PresetChosen, ViewChanged, rate_event
from pages.shared.lab.runs import dispatch, observed
from pages.shared.session import Session
from pages.shared.widgets.data_sets import choose_data_set
from pages.shared.widgets.settings import has_stops, setting_widget

_OF_ARMS = {
    "group": ("groups",),
    "ghost": ("ghost_size",),
    "renorm": ("renorm_rmax", "renorm_dmax"),
}
"""Settings that matter to one arm alone."""
_ARMS_HELP = "\n\n".join(
    [
        "Each trains on the same batches, from the same initial weights where they have the same.",
        *(f"**{arm.label}**: {arm.help}" for arm in ARMS.values()),
    ]
)


def sidebar(session: Session) -> None:
    """Show the controls, and tell the Lab what has changed in them.

    A setting whose control is not shown keeps its value. Without any arm the last ones stay.
    """
    _follow_rate(session)
    controls = _Controls(session)
    with st.sidebar:
        choose_data_set("lab.data", session.lab.comparison.base.data, _take_data(session))
        if session.lab.comparison.base.data_spec.kind == "plane":
            controls.show("noise", "points")
        arms = _choose_arms(controls)
        for name in dict.fromkeys(arm.registered_name for arm in arms):
            controls.show(*_OF_ARMS.get(name, ()))
        controls.show("learning_rate", "batch_size", "depth", "activation")
        _more(controls)
    held = session.lab.comparison
    shown = replace(held, base=held.base.changed(controls.shown), arms=arms or held.arms)
    if shown != held:
        dispatch(session, ControlsChanged(shown))


def presets(session: Session) -> None:
    """Show the presets as buttons, and the words of the one that the controls show."""
    held = session.lab.comparison
    chosen = [preset for preset in PRESETS.values() if preset.comparison == held]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown("Start from", width="content")
        for name, preset in PRESETS.items():
            st.button(
                f"✓ {preset.title}" if preset in chosen else preset.title,
                key=f"lab.preset.{name}",
                on_click=dispatch,
                args=(session, PresetChosen(preset.comparison)),
            )
    for preset in chosen:
        st.caption(f"**{preset.title}.** {preset.words}")


def control_key(session: Session, name: str) -> str:
    """Return the key of a control.

    It names the visitor, since a browser that reconnects to a restarted server still sends the
    values of the widgets that it shows, while the link alone says what the run is.
    """
    lab = session.lab
    again = f".{lab.rate_generation}" if name == "learning_rate" else ""
    return f"lab.{name}.{session.visitor[:6]}.{lab.generation}{again}"


class _Controls:
    """The controls of one run of the script, and what they show."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.shown: dict[str, Any] = {}

    def key(self, name: str) -> str:
        return control_key(self.session, name)

    def show(self, *names: str, disabled: bool = False) -> None:
        """Show the controls of some settings."""
        for name in names:
            setting, value = SETTINGS[name], getattr(self.session.lab.comparison.base, name)
            stops = self.session.slider_stops.setdefault(name, set())
            if has_stops(setting):
                stops.add(value)
            self.shown[name] = setting_widget(
                setting, value, self.key(name), stops, disabled=disabled
            )


def _follow_rate(session: Session) -> None:
    """Have the run follow the slider that was moved, else the slider the run."""
    slider = st.session_state.get(control_key(session, "learning_rate"))
    event = rate_event(observed(session), slider)
    if event is not None:
        dispatch(session, event)


def _take_data(session: Session) -> Any:
    def take(name: str) -> None:
        held = session.lab.comparison
        chosen = replace(held, base=held.base.changed({"data": name}))
        dispatch(session, ControlsChanged(chosen))

    return take


def _choose_arms(controls: _Controls) -> tuple[Arm, ...]:
    """Return the chosen arms: registered ones in their usual order, unless others are held."""
    held = {arm.name: arm for arm in controls.session.lab.comparison.arms}
    known = {**ARMS, **held}
    names = st.pills(
        "Nets to compare",
        list(known),
        selection_mode="multi",
        default=list(held),
        key=controls.key("arms"),
        format_func=lambda name: known[name].label,
        help=_ARMS_HELP,
    )
    usual = list(ARMS) if set(held) <= set(ARMS) else [*held, *ARMS]
    order = list(dict.fromkeys(name for name in usual if name in names))
    return tuple(known[name] for name in order[:MOST_ARMS])


def _more(controls: _Controls) -> None:
    with st.expander("Net"):
        controls.show("width", "architecture", "initialization")
        if controls.shown["initialization"] == "normal":
            controls.show("init_std")
        controls.show("gain")
    with st.expander("Training"):
        controls.show("steps", "optimizer", "weight_decay", "dropout")
    with st.expander("Batch norm"):
        controls.show("bn_scale", "bn_shift", "bn_cumulative")
        controls.show("bn_momentum", disabled=controls.shown["bn_cumulative"])
        controls.show("bn_epsilon", "evaluate_with")
    with st.expander("Seeds and display"):
        controls.show("replicas", "seed")
        _projector(controls)


def _projector(controls: _Controls) -> None:
    setting, session = settings_of(View)["projector"], controls.session
    large = st.toggle(
        setting.label, session.lab.view.projector, key=controls.key("projector"), help=setting.help
    )
    if large != session.lab.view.projector:
        dispatch(session, ViewChanged(replace(session.lab.view, projector=large)))
