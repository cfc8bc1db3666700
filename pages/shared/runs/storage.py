"""Between a visitor's collection of runs and their browser's storage; the server stores nothing."""

from typing import TypedDict

import streamlit as st

from pages.shared.live.component import component
from pages.shared.session import Session

_KEY = "runs.storage"


class Change(TypedDict):
    """A run to be put into the browser's storage, or to be removed from it (no text)."""

    number: int
    id: str
    text: str | None


class StorageData(TypedDict):
    """What the script hands to the browser's code."""

    token: str
    heard: int
    """The number of the last message that has arrived here."""
    operations: list[Change]
    ask: bool
    """Whether the page must be told even that nothing is stored."""


def browser_storage(session: Session) -> None:
    """Have the browser store what has changed, and take over what it holds.

    It is no fragment: a button that is pressed at the moment in which a fragment's component sends
    something goes with its message, which runs the fragment alone, and what was pressed is lost.
    """
    kept = session.kept_runs
    changes = [Change(number=o.number, id=o.id, text=o.text) for o in kept.operations()]
    component("storage", "<div hidden></div>")(
        key=_KEY,
        data=StorageData(
            token=kept.token,
            heard=kept.heard,
            operations=changes,
            ask=session.page == "runs" and not kept.heard,
        ),
        on_heard_change=lambda: _take_message(session),
    )


def _take_message(session: Session) -> None:
    session.kept_runs.take_message(st.session_state[_KEY].get("heard"))
