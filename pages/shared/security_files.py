"""Large responses in small parts: a client that does not read costs a part, not the whole."""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_BYTES_AT_A_TIME = 16_384


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
        await send({"type": "http.response.body", "body": b""})
