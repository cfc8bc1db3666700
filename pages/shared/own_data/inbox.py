"""Files that a reader sends: taken by a route of our own, bounded for each visitor and in all.

Streamlit's own upload endpoint stays closed: it bounds neither how many files a visitor sends nor
how much all of them keep in memory.
"""

import asyncio
import itertools
import secrets
import threading
from collections.abc import Iterable
from weakref import WeakValueDictionary

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bn_core.datasets.reading import MOST_FILE_BYTES, MOST_FILES

ROUTE = "/lab-files/files/{token}"
SECONDS_TO_SEND = 60.0
MOST_AT_ONCE = 8
"""Files on their way at the same time."""
MOST_WAITING_BYTES = 80 * 2**20
"""Bytes of files of all visitors that wait to be used; beyond, the oldest are forgotten."""
LONGEST_NAME = 80

_inboxes: "WeakValueDictionary[str, Inbox]" = WeakValueDictionary()
_arrivals = itertools.count(1)
_lock = threading.Lock()
_on_their_way: set[str] = set()

_TOO_LARGE = f"That is more than {MOST_FILE_BYTES // 2**20} MB, the most here."


class Inbox:
    """The files of one visitor that wait to be used.

    The token is the key to it: nobody can guess it, and no other visitor is told.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(16)
        self.files: tuple[tuple[str, bytes], ...] = ()
        """Name and contents of each file."""
        self.arrived = 0
        """Grows with every file of all visitors."""
        _inboxes[self.token] = self

    @property
    def bodies(self) -> list[bytes]:
        """The contents of the files."""
        return [body for _, body in self.files]

    @property
    def title(self) -> str:
        """The name of the first file."""
        return self.files[0][0] if self.files else ""

    def put(self, name: str, body: bytes, *, first: bool) -> str:
        """Add a file, or begin anew with it; return what speaks against it, in a sentence."""
        with _lock:
            kept = () if first else self.files
            if len(kept) >= MOST_FILES:
                return f"{MOST_FILES} files at a time are the most."
            if sum(len(one) for _, one in kept) + len(body) > MOST_FILE_BYTES:
                return _TOO_LARGE
            self.files = (*kept, (name[:LONGEST_NAME], body))
            self.arrived = next(_arrivals)
            _forget_oldest(_inboxes.values(), self)
            return ""

    def size(self) -> int:
        """Return how many bytes wait."""
        return sum(len(body) for _, body in self.files)


def _forget_oldest(inboxes: Iterable[Inbox], newest: Inbox) -> None:
    """Empty the inboxes whose files came first until all fit together."""
    waiting = sorted((box for box in list(inboxes) if box.files), key=lambda box: box.arrived)
    total = sum(box.size() for box in waiting)
    for box in waiting:
        if total <= MOST_WAITING_BYTES or box is newest:
            return
        total -= box.size()
        box.files = ()


def routes() -> list[Route]:
    """Return the route that takes files."""
    return [Route(ROUTE, take, methods=["POST"])]


async def take(request: Request) -> Response:
    """Take one file into the inbox that the token names; answer with a sentence if it may not."""
    token = request.path_params["token"]
    inbox = _inboxes.get(token)
    if inbox is None:
        return _refused(404, "This page has expired. Reload it and choose the file again.")
    if token in _on_their_way or len(_on_their_way) >= MOST_AT_ONCE:
        return _refused(503, "Files are on their way already. Try again in a few seconds.")
    _on_their_way.add(token)
    try:
        async with asyncio.timeout(SECONDS_TO_SEND):
            body = await _bounded_body(request)
    except (TimeoutError, ClientDisconnect):
        return _refused(408, "The file took too long to arrive. Try again.")
    finally:
        _on_their_way.discard(token)
    if body is None:
        return _refused(413, _TOO_LARGE)
    asked = request.query_params
    problem = inbox.put(asked.get("name", ""), body, first=asked.get("part", "0") == "0")
    return _refused(413, problem) if problem else JSONResponse({"words": ""})


async def _bounded_body(request: Request) -> bytes | None:
    """Return the body of a request; None as soon as it is too large."""
    said = request.headers.get("content-length", "0")
    if not said.isdigit() or len(said) > 12 or int(said) > MOST_FILE_BYTES:
        return None
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > MOST_FILE_BYTES:
            return None
    return bytes(found)


def _refused(status: int, words: str) -> Response:
    # What the client goes on sending is not read: the connection ends here.
    return JSONResponse({"words": words}, status, headers={"Connection": "close"})
