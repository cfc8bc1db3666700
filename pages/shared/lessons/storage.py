"""Between a visitor's progress and their browser's storage; the server stores nothing."""

from typing import TypedDict

import streamlit as st

from pages.shared.live.component import component
from pages.shared.session import Session

_KEY = "progress.storage"


class ProgressData(TypedDict):
    """What the script hands to the browser's code."""

    token: str
    number: int
    """The number of the text; 0 while there is nothing to be stored."""
    text: str
    """What is to be stored under this number; nothing stands for removing what is stored."""
    greeted: bool
    """Whether the reader has found the start, so that it is not offered once more."""


def progress_storage(session: Session) -> None:
    """Have the browser store progress that has changed, and take over what it holds."""
    learning = session.learning
    text = learning.stored.text_of(learning.progress)
    component("progress", "<div hidden></div>")(
        key=_KEY,
        data=ProgressData(
            token=learning.stored.token,
            number=learning.stored.number,
            text=text,
            greeted=learning.greeted,
        ),
        on_stored_change=lambda: _take(session),
    )


def _take(session: Session) -> None:
    learning, message = session.learning, st.session_state[_KEY].get("stored")
    learning.progress, learning.notice = learning.stored.take(message, learning.progress)
