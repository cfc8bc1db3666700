"""Another name for the compact layout: ``?embed=lab`` is what Streamlit calls ``?embed=true``."""

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_OURS, _STREAMLITS = b"embed=lab", b"embed=true"


class EmbedName:
    """Sends who asks for a page with ``embed=lab`` to the same page with ``embed=true``.

    Streamlit keeps the parameter for itself and reads no other value of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts = scope.get("query_string", b"").split(b"&")
        if scope["type"] != "http" or scope["method"] != "GET" or _OURS not in parts:
            await self._app(scope, receive, send)
            return
        query = b"&".join(_STREAMLITS if part == _OURS else part for part in parts)
        # Without a path it leads to the page that was asked for, and to no other server.
        await RedirectResponse("?" + query.decode("latin-1"))(scope, receive, send)
