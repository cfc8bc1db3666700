"""Between a visitor's collection of runs and their browser's storage; the server stores nothing."""

from typing import TypedDict
from weakref import WeakValueDictionary

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.shared.live.component import component
from pages.shared.runs.collection import RunCollection
from pages.shared.session import Session

_KEY = "runs.storage"
_collections: "WeakValueDictionary[str, RunCollection]" = WeakValueDictionary()


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
    accept_confirmations(kept)
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


def accept_confirmations(kept: RunCollection) -> None:
    """Have the browser's confirmations reach a collection while it lives."""
    _collections[kept.token] = kept


async def confirm(request: Request) -> Response:
    """Take in how many operations a visitor's browser has performed; the token is the key."""
    kept = _collections.get(request.path_params["token"])
    performed = request.query_params.get("performed", "")
    if kept is None or not (performed.isascii() and performed.isdigit() and len(performed) < 12):
        return Response(status_code=404)
    kept.confirm(int(performed))
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def routes() -> list[Route]:
    """Return the route by which browsers confirm what they have stored."""
    return [Route("/lab-files/kept/{token}", confirm)]


def _take_message(session: Session) -> None:
    session.kept_runs.take_message(st.session_state[_KEY].get("heard"))
