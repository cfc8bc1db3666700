"""Feeds: a live view fetches each update from here as soon as it has drawn the last one.

So a page's script runs again only when something beside the charts changes, a slow browser never
falls behind, and an update costs the server a tenth of what a run of the script would.
"""

import asyncio
import math
import re
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
from bn_core.figures.tables import figure_table, to_csv
from pages.shared.live.schema import Frame, Status

SECONDS_TO_WAIT = 2.0
"""How long a request waits for a change before it is answered without."""
_SECONDS_BETWEEN_CHECKS = 0.02
_NETS = "nets"
TABLE = "table"
"""The name under which the table above the charts is saved."""
_feeds: "WeakValueDictionary[str, Feed]" = WeakValueDictionary()
_drawing = asyncio.Semaphore(1)
"""One update at a time: threads that compute would only keep each other, and the server's own
thread, from the processor."""

Chart = tuple[Hashable, Callable[[], Mapping[str, Any]]]
"""A chart of an update: what it depends on, and what makes a ``ChartUpdate`` but its number."""


class Feed(ABC):
    """What one live view of one visitor shows, and whether there is something new.

    The token is the key to it: nobody can guess it, and no other visitor is told.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(16)
        self._number = 0
        self.clock: Callable[[], float] = time.monotonic
        self._charts_due_at = -math.inf
        self._charts_key: Hashable = None
        self._charts_missing = False
        self._shown: Hashable = None
        self._made: dict[str, tuple[Hashable, int, bytes]] = {}
        _feeds[self.token] = self

    @abstractmethod
    def renew_lease(self) -> None:
        """Note that a browser shows this feed."""

    @abstractmethod
    def show_step(self, step: int | None) -> None:
        """Show an earlier step from now on; None is the newest."""

    @abstractmethod
    def cache_key(self) -> Hashable:
        """Return what the update depends on: while it is equal, there is nothing new."""

    @abstractmethod
    def frame(self) -> Frame:
        """Return what an update says beside its charts."""

    @abstractmethod
    def charts(self) -> Mapping[str, Chart]:
        """Return the charts in page order."""

    @abstractmethod
    def table(self) -> list[list[Any]]:
        """Return the numbers of the table above the charts, a row of names first."""

    @abstractmethod
    def is_live(self) -> bool:
        """Return whether the charts will change by themselves."""

    @abstractmethod
    def rerun_key(self) -> str:
        """Return what the rest of the page shows; with another text its script runs again."""

    @abstractmethod
    def seconds_between(self) -> float:
        """Return how long a view waits between two updates at least."""

    def seconds_between_charts(self) -> float:
        """Return how long charts stay as they are on average; the frame comes with every update."""
        return 0.0

    def charts_key(self) -> Hashable:
        """Return what charts do not wait for: with another value they are drawn at once."""
        return None

    def nets(self) -> Chart | None:
        """Return what of a diagram is sent only when it changes, if the view has one."""
        return None

    def is_stale(self, have: int) -> bool:
        """Return whether a view that drew update number ``have`` lacks something."""
        if self._charts_missing and self._charts_due():
            return True
        return have != self._number or self.cache_key() != self._shown

    def update(self, have: int) -> bytes:
        """Return the update of now, with those charts that changed since number ``have``.

        Charts are drawn more seldom than the frame: see ``seconds_between_charts``.
        """
        shown, due = self.cache_key(), self._charts_due()
        if shown != self._shown or (due and self._charts_missing):
            self._shown, self._number = shown, self._number + 1
        have = have if have <= self._number else 0
        charts = self.charts()
        self._draw(charts, due)
        held = [self._made[name] for name in charts if name in self._made]
        newer = [orjson.Fragment(made) for _, number, made in held if number > have]
        drawn = {"number": self._number, "charts": newer, "order": list(charts)}
        return to_bytes({**self.status(), **self.frame(), **self._newer_nets(have), **drawn})

    def _charts_due(self) -> bool:
        # The update nearest to the time brings them, be it before or after: so their rate is as
        # asked for, though an update comes only every seconds_between.
        early = self.seconds_between() / 2
        due = self.clock() >= self._charts_due_at - early
        return due or self.charts_key() != self._charts_key

    def _draw(self, charts: Mapping[str, Chart], due: bool) -> None:
        """Draw the charts that have changed if it is time; note whether some are left to draw."""
        changed = [name for name in charts if self._has_changed(name, charts[name])]
        self._charts_missing = bool(changed) and not due
        if not due or not changed:
            return
        for name in changed:
            self._make(name, charts[name])
        self._charts_due_at = self._next_due()
        self._charts_key = self.charts_key()

    def _next_due(self) -> float:
        """Return when charts drawn now are due again; time that was missed is not made up for."""
        now, seconds = self.clock(), self.seconds_between_charts()
        planned = self._charts_due_at + seconds
        return planned if now < planned <= now + 1.5 * seconds else now + seconds

    def _newer_nets(self, have: int) -> dict[str, Any]:
        nets = self.nets()
        if nets is None:
            return {}
        if self._has_changed(_NETS, nets):
            self._make(_NETS, nets)
        _, number, made = self._made[_NETS]
        return {"nets": orjson.Fragment(made)} if number > have else {}

    def _has_changed(self, name: str, chart: Chart) -> bool:
        return name not in self._made or self._made[name][0] != chart[0]

    def _make(self, name: str, chart: Chart) -> None:
        state, make = chart
        number = {} if name == _NETS else {"number": self._number}
        self._made[name] = (state, self._number, to_bytes({**make(), **number}))

    def rests(self) -> bool:
        """Return whether nothing will change by itself."""
        return not (self.is_live() or self._charts_missing)

    def csv(self, name: str) -> bytes | None:
        """Return what the view was last sent of a chart, or its table, as CSV; None if unknown."""
        if name == TABLE:
            return to_csv(self.table())
        if name == _NETS or name not in self._made:
            return None
        return to_csv(figure_table(orjson.loads(self._made[name][2])["figure"]))

    def status(self) -> Status:
        """Return what a view needs to know when there is nothing new either."""
        return Status(
            state=self.rerun_key(),
            rest=self.rests(),
            pause=1000 * self.seconds_between(),
        )


async def answer(request: Request) -> Response:
    """Answer a view: with an update if there is something new, or becomes while it waits."""
    feed = _feeds.get(request.path_params["token"])
    if feed is None:
        return Response(status_code=404)
    asked = request.query_params
    if "at" in asked:
        feed.show_step(_whole(asked["at"]))
    have = _whole(asked.get("have", "")) or 0
    state = feed.rerun_key()
    feed.renew_lease()
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while not feed.is_stale(have) and not feed.rests() and time.monotonic() < deadline:
        if feed.rerun_key() != state:
            break
        await asyncio.sleep(_SECONDS_BETWEEN_CHECKS)
    if not feed.is_stale(have):
        return _json(to_bytes(feed.status()))
    async with _drawing:
        return _json(await run_in_threadpool(feed.update, have))


async def answer_csv(request: Request) -> Response:
    """Answer with the numbers of one chart, or of the table, as a file to save."""
    feed, name = _feeds.get(request.path_params["token"]), request.path_params["chart"]
    async with _drawing:
        body = await run_in_threadpool(feed.csv, name) if feed else None
    if body is None:
        return Response(status_code=404)
    safe = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    headers = {
        "Content-Disposition": f'attachment; filename="batch-norm-lab-{safe}.csv"',
        "Cache-Control": "no-store",
    }
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


def routes() -> list[Route]:
    """Return the routes by which views fetch their updates, and the numbers of their charts."""
    return [
        Route("/lab-files/feed/{token}", answer),
        Route("/lab-files/feed/{token}/csv/{chart}", answer_csv),
    ]


def _whole(text: str) -> int | None:
    with suppress(ValueError):
        if len(text) < 12 and math.isfinite(float(text)):
            return int(text)
    return None


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
