"""Widgets from the declarations of settings: the sidebar of the Lab."""

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from bn_core.config import ARMS, PLANE_DATA, Comparison, Config
from bn_core.figures.view import View
from bn_core.presets import PRESETS
from bn_core.settings import Setting, settings_of
from pages.shared.browser import component
from pages.shared.visit import (
    ARMS_WIDGET,
    Visit,
    fill_controls,
    read_controls,
    show,
    this_visit,
    widget_key,
)

SETTINGS = settings_of(Config)
_GRID = (1, 1.5, 2, 3, 5, 7)
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

_CHOOSER = """<fieldset class="bn-data"><legend>Data set</legend></fieldset>"""


def sidebar() -> Comparison:
    """Show the controls and return the comparison they ask for."""
    visit = this_visit()
    fill_controls(only_missing=True)
    _follow_rate()
    with st.sidebar:
        _choose_data()
        if st.session_state[widget_key("data")] in PLANE_DATA:
            _widgets(("noise", "points"))
        st.pills(
            "Nets to compare",
            list(ARMS),
            selection_mode="multi",
            key=ARMS_WIDGET,
            format_func=lambda name: ARMS[name].label,
            help="Each trains on the same batches, from the same initial weights where they have "
            "the same. BN: batch norm, before or after the activation.",
        )
        _widgets(("learning_rate", "batch_size", "depth", "activation"))
        _expanders()
    visit.rate_seen = st.session_state[widget_key("learning_rate")]
    return read_controls()


def presets() -> None:
    """Show the presets as buttons, and the words of the one that the controls show."""
    held = this_visit().comparison
    chosen = [preset for preset in PRESETS.values() if preset.comparison == held]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown("Start from", width="content")
        for name, preset in PRESETS.items():
            st.button(
                preset.title,
                key=f"preset.{name}",
                type="primary" if preset in chosen else "secondary",
                help=preset.words,
                on_click=show,
                args=(preset.comparison,),
            )
    for preset in chosen:
        st.caption(preset.words)


def _expanders() -> None:
    visit = this_visit()
    start = ("initialization", "init_std", "gain")
    with st.expander("Net"):
        _widgets(("width", *(n for n in start if n != "init_std" or _is_normal())))
    with st.expander("Training"):
        _widgets(("steps", "optimizer", "weight_decay", "dropout"))
    with st.expander("Batch norm"):
        _widgets(("bn_scale", "bn_shift", "bn_cumulative"))
        _widgets(("bn_momentum",), disabled=st.session_state[widget_key("bn_cumulative")])
        _widgets(("bn_epsilon", "evaluate_with"))
    with st.expander("Seeds and display"):
        _widgets(("replicas", "seed"))
        _projector(visit)


def _projector(visit: Visit) -> None:
    setting, key = settings_of(View)["projector"], "view.projector"

    def change() -> None:
        visit.change_view(projector=st.session_state[key])

    st.session_state[key] = visit.view.projector
    st.toggle(setting.label, key=key, on_change=change, help=setting.help)


def _is_normal() -> bool:
    return st.session_state[widget_key("initialization")] == "normal"


def _follow_rate() -> None:
    """Show the rate that a planned change has brought, unless the reader has just moved it."""
    visit, key = this_visit(), widget_key("learning_rate")
    untouched = st.session_state[key] == visit.rate_seen
    if visit.run is not None and untouched and visit.plan is None:
        st.session_state[key] = visit.run.learning_rate


def _choose_data() -> None:
    setting, key = SETTINGS["data"], widget_key("data")

    def chosen() -> None:
        found = st.session_state["choose_data"].get("chosen")
        if found in setting.options:
            st.session_state[key] = found

    data = {"value": st.session_state[key], "options": list(setting.options.items())}
    component("choose", _CHOOSER)(key="choose_data", data=data, on_chosen_change=chosen)


def _widgets(names: Iterable[str], **changes: Any) -> None:
    for name in names:
        _MAKERS[SETTINGS[name].kind](name, SETTINGS[name], changes)


def _text(name: str, setting: Setting, changes: dict[str, Any]) -> dict[str, Any]:
    label = f"{setting.label} ({setting.unit})" if setting.unit else setting.label
    return {"label": label, "help": setting.help, "key": widget_key(name)} | changes


def _choice(name: str, setting: Setting, changes: dict[str, Any]) -> None:
    st.selectbox(
        options=list(setting.options),
        format_func=lambda option: setting.options[option],
        **_text(name, setting, changes),
    )


def _switch(name: str, setting: Setting, changes: dict[str, Any]) -> None:
    st.toggle(**_text(name, setting, changes))


def _whole(name: str, setting: Setting, changes: dict[str, Any]) -> None:
    text = _text(name, setting, changes)
    if name == "batch_size":
        st.select_slider(options=_stops(name, _BATCHES), **text)
    elif setting.high <= 20:
        st.slider(min_value=int(setting.low), max_value=int(setting.high), **text)
    else:
        st.number_input(min_value=int(setting.low), max_value=int(setting.high), **text)


def _number(name: str, setting: Setting, changes: dict[str, Any]) -> None:
    step = 0.001 if setting.high <= 0.1 else 0.05
    st.number_input(
        min_value=setting.low,
        max_value=setting.high,
        step=step,
        format="%g",
        **_text(name, setting, changes),
    )


def _log(name: str, setting: Setting, changes: dict[str, Any]) -> None:
    values = (float(f"{digit}e{power}") for power in range(-8, 3) for digit in _GRID)
    grid = [value for value in values if setting.low <= value <= setting.high]
    st.select_slider(
        options=_stops(name, grid), format_func="{:g}".format, **_text(name, setting, changes)
    )


def _stops(name: str, grid: Iterable[float]) -> list[float]:
    """Return the slider's stops: the grid, and any other value a link brought."""
    brought = this_visit().stops.setdefault(name, set())
    brought.add(st.session_state[widget_key(name)])
    return sorted({*grid, *brought})


_MAKERS: dict[str, Callable[[str, Setting, dict[str, Any]], None]] = {
    "choice": _choice,
    "switch": _switch,
    "whole": _whole,
    "number": _number,
    "log": _log,
}
