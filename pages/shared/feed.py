"""Feeds: a live view fetches each picture from here as soon as it has drawn the last one.

So a page's script runs again only when something beside the pictures changes, a slow browser never
falls behind, and a picture costs the server a tenth of what a run of the script would.
"""

import asyncio
import math
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bn_core.figures.serialize import to_bytes

SECONDS_TO_WAIT = 2.0
"""How long a request waits for news before it is answered without."""
_SECONDS_BETWEEN_LOOKS = 0.03
_feeds: "WeakValueDictionary[str, Feed]" = WeakValueDictionary()
_drawing = asyncio.Semaphore(1)
"""One picture at a time: threads that compute would only keep each other, and the server's own
thread, from the processor."""

Part = tuple[Hashable, Callable[[], dict[str, Any]]]
"""A chart of a picture: what it depends on, and what makes it."""


class Feed(ABC):
    """What one live view of one visitor shows, and whether there is news.

    The token is the key to it: nobody can guess it, and no other visitor is told.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(16)
        self._number = 0
        self._shown: Hashable = None
        self._made: dict[str, tuple[Hashable, int, bytes]] = {}
        _feeds[self.token] = self

    @abstractmethod
    def seen(self) -> None:
        """Note that somebody looks."""

    @abstractmethod
    def go_to(self, step: int | None) -> None:
        """Show an earlier step from now on; None is the newest."""

    @abstractmethod
    def depends_on(self) -> Hashable:
        """Return what the picture depends on: while it is equal, there is no news."""

    @abstractmethod
    def words(self) -> dict[str, Any]:
        """Return what a picture says beside its charts."""

    @abstractmethod
    def parts(self) -> Mapping[str, Part]:
        """Return the charts in page order."""

    @abstractmethod
    def restless(self) -> bool:
        """Return whether the picture will change by itself."""

    @abstractmethod
    def page_state(self) -> str:
        """Return what the rest of the page shows; with another state its script runs again."""

    @abstractmethod
    def seconds_between(self) -> float:
        """Return how long a view waits between two pictures at least."""

    def has_news(self, have: int) -> bool:
        """Return whether a view that drew picture number ``have`` lacks something."""
        return have != self._number or self.depends_on() != self._shown

    def picture(self, have: int) -> bytes:
        """Return the picture of now, with those charts that changed since number ``have``."""
        shown = self.depends_on()
        if shown != self._shown:
            self._shown, self._number = shown, self._number + 1
        have = have if have <= self._number else 0
        parts = self.parts()
        for name, (state, make) in parts.items():
            if name not in self._made or self._made[name][0] != state:
                made = to_bytes(make() | {"number": self._number})
                self._made[name] = (state, self._number, made)
        fresh = [made for name in parts for _, number, made in [self._made[name]] if number > have]
        charts = [orjson.Fragment(made) for made in fresh]
        drawn = {"number": self._number, "charts": charts, "order": list(parts)}
        return to_bytes(self.about() | self.words() | drawn)

    def about(self) -> dict[str, Any]:
        """Return what a view needs to know when there is no news either."""
        return {
            "state": self.page_state(),
            "rest": not self.restless(),
            "pause": 1000 * self.seconds_between(),
        }


async def answer(request: Request) -> Response:
    """Answer a view: with a picture if there is news, or becomes some while it waits."""
    feed = _feeds.get(request.path_params["token"])
    if feed is None:
        return Response(status_code=404)
    asked = request.query_params
    if "at" in asked:
        feed.go_to(_whole(asked["at"]))
    have = _whole(asked.get("have", "")) or 0
    state = feed.page_state()
    feed.seen()
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while not feed.has_news(have) and feed.restless() and time.monotonic() < deadline:
        if feed.page_state() != state:
            break
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
    if not feed.has_news(have):
        return _json(to_bytes(feed.about()))
    async with _drawing:
        return _json(await run_in_threadpool(feed.picture, have))


def route() -> Route:
    """Return the route by which views fetch their pictures."""
    return Route("/lab-files/feed/{token}", answer)


def _whole(text: str) -> int | None:
    with suppress(ValueError):
        if len(text) < 12 and math.isfinite(float(text)):
            return int(text)
    return None


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
