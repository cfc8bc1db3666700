"""Large responses in small parts: a client that does not read costs a part, not the whole."""

import asyncio
import functools
import gzip
import threading
from pathlib import Path

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_BYTES_AT_A_TIME = 16_384
_reading = threading.Lock()


def contents(path: Path, packed: bool) -> bytes:
    """Return a file's bytes, as they are or packed by gzip, read once for all requests."""
    with _reading:  # else all who ask before the first is done would read and pack it too
        return _packed(path) if packed else _unpacked(path)


@functools.cache
def _packed(path: Path) -> bytes:
    body = path.read_bytes()
    return body if path.suffix == ".gz" else gzip.compress(body, 6)


@functools.cache
def _unpacked(path: Path) -> bytes:
    body = path.read_bytes()
    return gzip.decompress(body) if path.suffix == ".gz" else body


class ResponseInParts(Response):
    """A response that hands over its body as the client reads it; bodies may share one buffer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and the parts; the server waits between parts until the client reads."""
        start = {"type": "http.response.start", "status": self.status_code}
        await send(start | {"headers": self.raw_headers})
        body = b"" if scope["method"] == "HEAD" else memoryview(self.body)
        for begin in range(0, len(body), _BYTES_AT_A_TIME):
            part = bytes(body[begin : begin + _BYTES_AT_A_TIME])
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(0)  # a client that reads as fast as it can keeps nobody waiting
        await send({"type": "http.response.body", "body": b""})
