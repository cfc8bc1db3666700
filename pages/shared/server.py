"""The server's own business: the pool of workers, and the files the browser needs."""

import functools
import gzip
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bn_core.service.pool import Pool

_LOG = logging.getLogger(__name__)
_HERE = Path(__file__).parent


@functools.cache
def pool() -> Pool:
    """Return the pool of this server, started."""
    started = Pool(
        workers=int(os.environ.get("BN_LAB_WORKERS", "2")),
        places=int(os.environ.get("BN_LAB_PLACES", "64")),
    )
    started.start()
    return started


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Start the workers with the server, so that the first page finds them ready."""
    pool()
    yield
    pool().close()


def routes() -> list[Route]:
    """Return the routes of the drawing code: plotly's own script and the live component."""
    return [
        Route("/lab-files/plotly.min.js", _plotly),
        Route("/lab-files/live.mjs", _live),
    ]


def say_what_failed(error: Exception) -> bool:
    """Put a sentence on the page instead of a traceback, and the traceback in the log."""
    _LOG.error("A page failed.", exc_info=error)
    st.error(
        "Something went wrong on this page, and it is our mistake. Reload the page to go on; "
        "the link in the address bar keeps your settings."
    )
    return True


@functools.cache
def _packed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), 6)


def _script(path: Path, request: Request, keep: str) -> Response:
    headers = {"Cache-Control": keep, "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(path.read_bytes(), media_type="text/javascript", headers=headers)
    headers["Content-Encoding"] = "gzip"
    return Response(_packed(path), media_type="text/javascript", headers=headers)


def _plotly(request: Request) -> Response:
    import importlib.util

    spec = importlib.util.find_spec("plotly")
    assert spec is not None and spec.origin is not None, "plotly is among the requirements"
    path = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    return _script(path, request, "public, max-age=604800")


def _live(request: Request) -> Response:
    return _script(_HERE / "live.mjs", request, "no-cache")
