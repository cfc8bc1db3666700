"""Widgets from the declarations of settings: each kind of setting has its widget."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import streamlit as st

from bn_core.config import SETTINGS
from bn_core.settings import Setting, SettingError

_GRID = (1, 1.5, 2, 3, 5, 7)
Text = dict[str, Any]
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


def setting_widget(
    setting: Setting,
    value: Any,
    key: str,
    stops: Collection[float],
    *,
    disabled: bool = False,
    width: int | None = None,
) -> Any:
    """Show the widget of a setting and return what it shows.

    It begins with ``value``; ``stops`` are values that a slider has beside its usual ones, and the
    layers that a choice of layers offers. ``width`` is in pixels; None is as wide as its place.
    """
    text: Text = {"label": setting.label, "help": setting.help, "key": key, "disabled": disabled}
    if width is not None:
        text["width"] = width
    return _MAKERS[setting.kind](setting, value, text, stops)


def value_shown(setting: Setting, shown: Any) -> Any:
    """Return the value that a widget of a setting shows; None if it is no value of it.

    Of whole numbers that is so while the reader types; of others if they were sent by hand.
    """
    try:
        if setting.kind != "wholes":
            return setting.check(shown)
        if isinstance(shown, str):
            return setting.read(shown.strip()) if shown.strip() else ()
        return setting.check(tuple(sorted(shown)))
    except (SettingError, TypeError):
        return None


def has_stops(setting: Setting) -> bool:
    """Return whether a setting's widget stops at some values only."""
    return setting.kind in ("whole", "log")


def _choice(setting: Setting, first: str, text: Text, _stops: Collection[float]) -> str:
    options = list(setting.options)
    index = options.index(first)
    return st.selectbox(
        options=options, index=index, format_func=lambda option: setting.options[option], **text
    )


def _switch(_setting: Setting, first: bool, text: Text, _stops: Collection[float]) -> bool:
    return st.toggle(value=first, **text)


def _whole(setting: Setting, first: int, text: Text, stops: Collection[float]) -> float:
    low, high = int(setting.low), int(setting.high)
    if setting == SETTINGS["batch_size"]:
        return st.select_slider(options=sorted({*_BATCHES, *stops}), value=first, **text)
    if high <= 20:
        return st.slider(min_value=low, max_value=high, value=first, **text)
    return st.number_input(min_value=low, max_value=high, value=first, **text)


def _number(setting: Setting, first: float, text: Text, _stops: Collection[float]) -> float:
    step = 0.001 if setting.high <= 0.1 else 0.05
    return st.number_input(
        min_value=setting.low,
        max_value=setting.high,
        value=first,
        step=step,
        format="%g",
        **text,
    )


def _log(setting: Setting, first: float, text: Text, stops: Collection[float]) -> float:
    options = sorted({*_decades(setting), *stops})
    return st.select_slider(options=options, value=first, format_func="{:g}".format, **text)


def _wholes(
    setting: Setting, first: tuple[int, ...], text: Text, stops: Collection[float]
) -> tuple[int, ...]:
    """Let the reader choose layers, where there are few of them; else type numbers."""
    if stops:
        offered = sorted({*stops, *first})
        text["placeholder"] = "none" if setting == SETTINGS["moved_layers"] else "every layer"
        shown = st.multiselect(options=offered, default=first, **text)
    else:
        shown = st.text_input(
            value=setting.write(first), placeholder=_PLACEHOLDERS.get(setting.key), **text
        )
    value = value_shown(setting, shown)
    if value is None:
        st.error("These are whole numbers joined by dashes, like 64-32-16. " + _limits(setting))
    return first if value is None else value


_PLACEHOLDERS = {"widths": "for example 64-32-16", "channels": "16-32", "dense": "none"}
"""What an empty text of whole numbers shows, by the key of its setting."""


def _limits(setting: Setting) -> str:
    return (
        f"Each goes from {setting.low:g} to {setting.high:g}, and there are {setting.most} at most."
    )


def _decades(setting: Setting) -> Iterable[float]:
    """Return round numbers at even ratios within a setting's limits."""
    values = (float(f"{digit}e{power}") for power in range(-8, 3) for digit in _GRID)
    return (value for value in values if setting.low <= value <= setting.high)


_MAKERS: dict[str, Callable[[Setting, Any, Text, Collection[float]], Any]] = {
    "choice": _choice,
    "switch": _switch,
    "whole": _whole,
    "number": _number,
    "log": _log,
    "wholes": _wholes,
}
