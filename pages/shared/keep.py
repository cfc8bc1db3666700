"""Controls of the rooms beside the Lab: their values stay when the reader goes and comes back."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.shared.visit import this_visit


def first_value(name: str, usual: Any, key: str) -> Any:
    """Return what a control begins with; the same as long as it is shown.

    Streamlit forgets a control that a run of the script did not show: when a chapter returns, its
    controls begin with what they showed last.
    """
    visit = this_visit()
    if key not in st.session_state or name not in visit.first_values:
        visit.first_values[name] = visit.kept.get(name, usual)
    return visit.first_values[name]


def keep(name: str, usual: Any, widget: Callable[[Any, str], Any]) -> Any:
    """Show a control and return its value; ``widget`` is given what it begins with, and its key.

    A control begins with the value held for it and keeps its key while it is shown.
    """
    visit = this_visit()
    key = f"keep.{name}.{visit.generation}"
    visit.kept[name] = widget(first_value(name, usual, key), key)
    return visit.kept[name]
