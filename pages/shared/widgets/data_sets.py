"""Choosing a data set by its picture."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st

from bn_core.config import SETTINGS
from bn_core.datasets.own import OwnData
from bn_core.datasets.thumbnails import own_thumbnail
from pages.shared.live.component import component

_HTML = """<fieldset class="bn-data"><legend>Data set</legend></fieldset>"""


def choose_data_set(
    key: str, value: str, own: Sequence[tuple[str, OwnData]], take: Callable[[str], None]
) -> None:
    """Show the data sets with ``value`` chosen; ``take`` is called with another choice.

    ``own`` are the reader's own, each with its title.
    """
    options = {**SETTINGS["data"].options, **{data.name: title for title, data in own}}

    def chosen() -> None:
        name = st.session_state[key].get("chosen")
        if name in options:
            take(name)

    thumbnails = {data.name: _drawn(data) for _, data in own}
    data = {"value": value, "options": list(options.items()), "own": thumbnails}
    component("data_sets", _HTML)(key=key, data=data, on_chosen_change=chosen)


def _drawn(data: OwnData) -> dict[str, Any]:
    return {name: array.tolist() for name, array in asdict(own_thumbnail(data)).items()}
