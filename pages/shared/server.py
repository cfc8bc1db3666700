"""The server's own business: the pool of workers, and the files the browser needs."""

import asyncio
import functools
import importlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import orjson
import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit.runtime.pages_manager import PagesManager

from bn_core.figures.theme import PALETTES
from bn_core.service.executor import Executor
from bn_core.service.pool import Pool
from pages.shared import environment
from pages.shared.expired_sessions import free_expired_sessions
from pages.shared.live.browser_files import BASE, FILES, KINDS
from pages.shared.security_files import ResponseInParts, contents

_FOR_GOOD = "public, max-age=31536000, immutable"
_SECONDS_FOR_PICTURES = 20
_SECONDS_BETWEEN_LOOKS = 0.2
_SECONDS_BETWEEN_NEWS = 1.0


@functools.cache
def pool() -> Executor:
    """Return what runs this server's tasks, started: a pool of local worker processes."""
    asked = environment.read()
    started = Pool(workers=asked.workers, places=asked.places)
    started.start()
    return started


def _import_the_lab() -> None:
    """Import what the Lab's script needs, while the first browser still starts."""
    for name in ("bar", "feed", "introduction", "notices", "toolbar", "url_state"):
        importlib.import_module(f"pages.shared.lab.{name}")


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Start the workers with the server, so that the first page finds them ready."""
    # Else the first link into a room finds a folder "pages" and shows its file without the map.
    PagesManager.uses_pages_directory = False
    pool()
    importing = asyncio.create_task(asyncio.to_thread(_import_the_lab))
    going_on = [
        asyncio.create_task(free_expired_sessions()),
        asyncio.create_task(_keep_classes_going()),
    ]
    yield
    for task in going_on:
        task.cancel()
    await importing
    await asyncio.to_thread(pool().close)


async def _keep_classes_going() -> None:
    """Once a second, send classes what is new of their runs, for as long as the server runs."""
    from pages.shared.classroom import going_on  # what it imports imports this module

    while True:
        await asyncio.sleep(_SECONDS_BETWEEN_NEWS)
        await asyncio.to_thread(going_on.go_on)


def routes() -> list[Route]:
    """Return the routes of what the browser fetches once: scripts, styles, colours, pictures."""
    return [
        Route("/lab-files/palettes.json", _palettes),
        Route("/lab-files/pictures.json", _pictures),
        Route("/lab-files/health", _health),
        *(Route(f"/{BASE}/{name}", _sender(name)) for name in FILES),
    ]


def _sender(name: str) -> Callable[[Request], Response]:
    """Return what answers with a file, packed if the browser can unpack it."""

    def send(request: Request) -> Response:
        headers = {"Cache-Control": _FOR_GOOD, "Vary": "Accept-Encoding"}
        packed = "gzip" in request.headers.get("accept-encoding", "")
        if packed:
            headers["Content-Encoding"] = "gzip"
        body = contents(FILES[name], packed)
        return ResponseInParts(body, media_type=KINDS[Path(name).suffix], headers=headers)

    return send


def _palettes(_request: Request) -> Response:
    return Response(orjson.dumps(PALETTES), media_type="application/json")


async def _pictures(_request: Request) -> Response:
    """Answer with the data sets' pictures, once a worker has drawn them.

    Waiting holds no thread: sixty such requests would hold up every file.
    """
    deadline = time.monotonic() + _SECONDS_FOR_PICTURES
    while not (pictures := pool().wait_for_thumbnails(0)) and time.monotonic() < deadline:
        if pool().problem():
            break
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
    body = {name: asdict(picture) for name, picture in pictures.items()}
    content = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(content, media_type="application/json")


async def _health(_request: Request) -> Response:
    """Answer at once with how each worker is, judged by its last heartbeat."""
    health = pool().health()
    content = orjson.dumps(asdict(health))
    status = 200 if health.ok else 503
    headers = {"Cache-Control": "no-store"}
    return Response(content, status, headers=headers, media_type="application/json")
