"""Widgets from the declarations of settings: the sidebar of the Lab."""

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.figures.view import View
from bn_core.presets import PRESETS
from bn_core.settings import Setting, settings_of
from pages.shared.browser import component
from pages.shared.visit import Visit, this_visit

SETTINGS = settings_of(Config)
_GRID = (1, 1.5, 2, 3, 5, 7)
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
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
_CHOOSER = """<fieldset class="bn-data"><legend>Data set</legend></fieldset>"""


def sidebar() -> Comparison:
    """Show the controls; keep and return the comparison they ask for.

    A setting whose control is not shown keeps its value. Without any arm the last ones stay.
    """
    visit = this_visit()
    _follow_rate(visit)
    controls = _Controls(visit)
    with st.sidebar:
        _choose_data(visit)
        if visit.comparison.base.data_spec.kind == "plane":
            controls.show("noise", "points")
        arms = _choose_arms(controls)
        for name in arms:
            controls.show(*_OF_ARMS.get(name, ()))
        controls.show("learning_rate", "batch_size", "depth", "activation")
        _more(controls)
    controls.forget_hidden()
    base = visit.comparison.base.changed(controls.shown | {"rate_changes": ()})
    chosen = tuple(arm for name, arm in ARMS.items() if name in arms)
    visit.comparison = Comparison(base, chosen or visit.comparison.arms)
    return visit.comparison


def presets() -> None:
    """Show the presets as buttons, and the words of the one that the controls show."""
    visit = this_visit()
    chosen = [preset for preset in PRESETS.values() if preset.comparison == visit.comparison]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown("Start from", width="content")
        for name, preset in PRESETS.items():
            st.button(
                f"✓ {preset.title}" if preset in chosen else preset.title,
                key=f"preset.{name}",
                on_click=visit.show,
                args=(preset.comparison,),
            )
    for preset in chosen:
        st.caption(f"**{preset.title}.** {preset.words}")


class _Controls:
    """The widgets of one picture of the page, and what they show.

    A widget begins with the value held for it and keeps its key while it is shown, so it is
    right from the moment the browser makes it, whatever became of earlier messages.
    """

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.shown: dict[str, Any] = {}
        self._named: set[str] = set()

    def first_value(self, name: str, held: Any) -> Any:
        """Return what the control showed when it was made; ``held`` if it is made now."""
        self._named.add(name)
        return self.visit.first_values.setdefault(name, held)

    def key(self, name: str) -> str:
        """Return the key of a control."""
        made_again = self.visit.rates_followed if name == "learning_rate" else 0
        return f"set.{name}.{self.visit.generation}.{made_again}"

    def show(self, *names: str, disabled: bool = False) -> None:
        """Show the controls of some settings."""
        for name in names:
            setting = SETTINGS[name]
            first = self.first_value(name, getattr(self.visit.comparison.base, name))
            text = {
                "label": setting.label,
                "help": setting.help,
                "key": self.key(name),
                "disabled": disabled,
            }
            self.shown[name] = _MAKERS[setting.kind](setting, first, text, self.stops(name, first))

    def stops(self, name: str, value: Any) -> set[float]:
        """Return the values that a slider has beside its usual stops."""
        brought = self.visit.stops.setdefault(name, set())
        if SETTINGS[name].kind in ("whole", "log"):
            brought.add(value)
        return brought

    def forget_hidden(self) -> None:
        """Let a control that is not shown begin with the held value when it is shown again."""
        for name in set(self.visit.first_values) - self._named:
            del self.visit.first_values[name]


def _follow_rate(visit: Visit) -> None:
    """Have the slider show the rate that a planned change has brought."""
    run = visit.run
    if run is None or visit.plan is not None or run.learning_rate == visit.rate_seen:
        return
    visit.rate_seen = run.learning_rate
    base = visit.comparison.base.changed({"learning_rate": visit.rate_seen})
    visit.comparison = Comparison(base, visit.comparison.arms)
    visit.first_values.pop("learning_rate", None)
    visit.rates_followed += 1


def _choose_data(visit: Visit) -> None:
    def chosen() -> None:
        found = st.session_state["choose_data"].get("chosen")
        if found in SETTINGS["data"].options:
            base = visit.comparison.base.changed({"data": found})
            visit.comparison = Comparison(base, visit.comparison.arms)

    options = list(SETTINGS["data"].options.items())
    data = {"value": visit.comparison.base.data, "options": options}
    component("choose", _CHOOSER)(key="choose_data", data=data, on_chosen_change=chosen)


def _choose_arms(controls: _Controls) -> list[str]:
    held = [arm.name for arm in controls.visit.comparison.arms]
    return st.pills(
        "Nets to compare",
        list(ARMS),
        selection_mode="multi",
        default=controls.first_value("arms", held),
        key=controls.key("arms"),
        format_func=lambda name: ARMS[name].label,
        help=_ARMS_HELP,
    )


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
    setting, visit = settings_of(View)["projector"], controls.visit
    first = controls.first_value("projector", visit.view.projector)
    big = st.toggle(setting.label, first, key=controls.key("projector"), help=setting.help)
    visit.change_view(projector=big)


Text = dict[str, Any]


def _choice(setting: Setting, first: str, text: Text, _stops: set[float]) -> str:
    options = list(setting.options)
    index = options.index(first)
    return st.selectbox(
        options=options, index=index, format_func=lambda option: setting.options[option], **text
    )


def _switch(_setting: Setting, first: bool, text: Text, _stops: set[float]) -> bool:
    return st.toggle(value=first, **text)


def _whole(setting: Setting, first: int, text: Text, stops: set[float]) -> float:
    low, high = int(setting.low), int(setting.high)
    if setting == SETTINGS["batch_size"]:
        return st.select_slider(options=sorted({*_BATCHES, *stops}), value=first, **text)
    if high <= 20:
        return st.slider(min_value=low, max_value=high, value=first, **text)
    return st.number_input(min_value=low, max_value=high, value=first, **text)


def _number(setting: Setting, first: float, text: Text, _stops: set[float]) -> float:
    step = 0.001 if setting.high <= 0.1 else 0.05
    return st.number_input(
        min_value=setting.low,
        max_value=setting.high,
        value=first,
        step=step,
        format="%g",
        **text,
    )


def _log(setting: Setting, first: float, text: Text, stops: set[float]) -> float:
    options = sorted({*_decades(setting), *stops})
    return st.select_slider(options=options, value=first, format_func="{:g}".format, **text)


def _decades(setting: Setting) -> Iterable[float]:
    """Return round numbers at even ratios within a setting's limits."""
    values = (float(f"{digit}e{power}") for power in range(-8, 3) for digit in _GRID)
    return (value for value in values if setting.low <= value <= setting.high)


_MAKERS: dict[str, Callable[[Setting, Any, Text, set[float]], Any]] = {
    "choice": _choice,
    "switch": _switch,
    "whole": _whole,
    "number": _number,
    "log": _log,
}
