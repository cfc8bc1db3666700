"""Widgets from the declarations of settings: each kind of setting has its widget."""

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from bn_core.config import SETTINGS
from bn_core.settings import Setting

_GRID = (1, 1.5, 2, 3, 5, 7)
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


def setting_widget(
    setting: Setting, value: Any, key: str, stops: set[float], *, disabled: bool = False
) -> Any:
    """Show the widget of a setting and return what it shows.

    It begins with ``value``; ``stops`` are values that a slider has beside its usual ones.
    """
    text = {"label": setting.label, "help": setting.help, "key": key, "disabled": disabled}
    return _MAKERS[setting.kind](setting, value, text, stops)


def has_stops(setting: Setting) -> bool:
    """Return whether a setting's widget stops at some values only."""
    return setting.kind in ("whole", "log")


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
