"""Rooms in chapters: one is shown at a time, and the link names it."""

from collections.abc import Callable, Mapping

import streamlit as st

from pages.shared.keep import keep
from pages.shared.visit import this_visit


def show_chapters(room: str, chapters: Mapping[str, Callable[[], None]]) -> None:
    """Let the reader choose a chapter, show it, and keep its number in the link."""
    names, visit = list(chapters), this_visit()
    asked = st.query_params.get("chapter", "")
    if asked.isdecimal() and 1 <= int(asked[:3]) <= len(names) and visit.came_from_link(room):
        visit.kept[f"chapter.{room}"] = names[int(asked[:3]) - 1]
    chosen = keep(
        f"chapter.{room}",
        names[0],
        lambda first, key: st.segmented_control(
            "Chapter",
            names,
            default=first,
            key=key,
            required=True,
            label_visibility="collapsed",
        ),
    )
    number = str(names.index(chosen) + 1)
    if st.query_params.get("chapter") != number:
        st.query_params["chapter"] = number
    chapters[chosen]()
