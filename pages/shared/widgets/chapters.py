"""Pages in chapters: one is shown at a time, and the link names it."""

from collections.abc import Callable, Mapping

import streamlit as st

from pages.shared.lessons.next_page import next_page
from pages.shared.session import this_session
from pages.shared.widgets.persistent import persistent


def show_chapters(chapters: Mapping[str, Callable[[], None]]) -> None:
    """Let the reader choose a chapter, and show it; the link holds its number."""
    session, names = this_session(), list(chapters)
    session.chapter = ""  # the choice itself belongs to the page
    number = persistent(
        "chapter",
        1,
        lambda **kept: st.segmented_control(
            "Chapter",
            range(1, len(names) + 1),
            format_func=lambda number: names[number - 1],
            required=True,
            label_visibility="collapsed",
            **kept,
        ),
        range(1, len(names) + 1),
    )
    session.link_values["chapter"] = str(number)
    session.chapter = names[number - 1]
    chapters[session.chapter]()
    next_page(session, number)
