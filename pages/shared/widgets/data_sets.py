"""Choosing a data set by its picture."""

from collections.abc import Callable

import streamlit as st

from bn_core.config import SETTINGS
from pages.shared.live.component import component

_HTML = """<fieldset class="bn-data"><legend>Data set</legend></fieldset>"""


def choose_data_set(key: str, value: str, take: Callable[[str], None]) -> None:
    """Show the data sets with ``value`` chosen; ``take`` is called with another choice."""
    options = SETTINGS["data"].options

    def chosen() -> None:
        name = st.session_state[key].get("chosen")
        if name in options:
            take(name)

    data = {"value": value, "options": list(options.items())}
    component("data_sets", _HTML)(key=key, data=data, on_chosen_change=chosen)
