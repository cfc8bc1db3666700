"""What this visitor has chosen, kept in one place: Streamlit forgets widgets that are not shown."""

import dataclasses
from typing import Any

import streamlit as st

from bn_core.config import ARMS, Comparison, Config
from bn_core.figures.view import View
from bn_core.settings import settings_of

ARMS_WIDGET = "set.arms"


def widget_key(name: str) -> str:
    """Return the key of a setting's widget."""
    return f"set.{name}"


def held_comparison() -> Comparison:
    """Return the comparison that the controls show."""
    return st.session_state.setdefault("comparison", Comparison())


def held_view() -> View:
    """Return how the reader looks at the figures."""
    return st.session_state.setdefault("view", View())


def change_view(**changes: Any) -> None:
    """Look at the figures in another way."""
    st.session_state["view"] = dataclasses.replace(held_view(), **changes)


def show(comparison: Comparison) -> None:
    """Set every control to a comparison; only in a callback or before the controls are drawn.

    It is also kept as the plan of the next run: rate changes have no control that shows them.
    """
    st.session_state["comparison"] = st.session_state["plan"] = comparison
    for name in settings_of(Config):
        st.session_state[widget_key(name)] = getattr(comparison.base, name)
    st.session_state[ARMS_WIDGET] = [arm.name for arm in comparison.arms]


def refill_controls() -> None:
    """Give controls that were not on the last page their values again."""
    comparison = held_comparison()
    for name in settings_of(Config):
        st.session_state.setdefault(widget_key(name), getattr(comparison.base, name))
    st.session_state.setdefault(ARMS_WIDGET, [arm.name for arm in comparison.arms])


def read_controls() -> Comparison:
    """Keep and return what the controls show; without any arm the last ones stay."""
    shown = {name: st.session_state[widget_key(name)] for name in settings_of(Config)}
    base = Config().changed(shown | {"rate_changes": ()})
    names = st.session_state[ARMS_WIDGET]
    arms = tuple(arm for name, arm in ARMS.items() if name in names)
    comparison = Comparison(base, arms or held_comparison().arms)
    st.session_state["comparison"] = comparison
    return comparison


def take_plan() -> Comparison | None:
    """Return, once, the comparison that a link or a preset asked for."""
    return st.session_state.pop("plan", None)


def say(words: str) -> None:
    """Keep a sentence for the page to show on this run."""
    st.session_state["sentence"] = words


def take_sentence() -> str:
    """Return, once, the sentence kept for the page."""
    return st.session_state.pop("sentence", "")
