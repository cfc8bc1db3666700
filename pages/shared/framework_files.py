"""Streamlit's own scripts, styles and fonts: answered from memory, and packed after a while.

Streamlit reads each of the hundred files of a first page in several turns of several threads, and
sends it unpacked. A page's first text waits for all of them.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from mimetypes import guess_type
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pages.shared.security_files import ResponseInParts, contents

_ROOT = Path(st.__file__).parent / "static"
_PACKED_KINDS = {".js", ".css"}
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
SECONDS_BEFORE_PACKING = 10.0
"""A server that has just started has better things to do."""


def framework_files() -> dict[str, Path]:
    """Return the files whose names change with their contents, by the paths that ask for them."""
    folders = [_ROOT / "static" / name for name in ("js", "css", "media")]
    found = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    return {f"/{path.relative_to(_ROOT).as_posix()}": path for path in found if path.is_file()}


class FrameworkFiles:
    """Answers what asks for one of ``files``; all other requests pass.

    A file that was asked for is packed ``wait`` seconds later, for those who ask then.
    """

    def __init__(
        self,
        app: ASGIApp,
        files: Mapping[str, Path] | None = None,
        wait: float = SECONDS_BEFORE_PACKING,
    ) -> None:
        self._app, self._wait = app, wait
        self._files = framework_files() if files is None else files
        self._packed: set[Path] = set()
        self._packing: dict[Path, asyncio.Task[None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or pass the request on."""
        reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        path = self._files.get(scope["path"]) if reads else None
        if path is None:
            await self._app(scope, receive, send)
            return
        takes_packed = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        packed = takes_packed and path in self._packed
        if path.suffix in _PACKED_KINDS and path not in self._packing:
            self._packing[path] = asyncio.create_task(self._pack(path))
        headers = _HEADERS | ({"Content-Encoding": "gzip"} if packed else {})
        kind = "text/javascript" if path.suffix == ".js" else guess_type(path.name)[0]
        body = contents(path, packed)
        await ResponseInParts(body, media_type=kind, headers=headers)(scope, receive, send)

    async def _pack(self, path: Path) -> None:
        await asyncio.sleep(self._wait)
        await run_in_threadpool(partial(contents, path, packed=True))
        self._packed.add(path)
