"""Tells a browser, with the page itself, which files the page will need: they come meanwhile."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.shared.framework_files import framework_files
from pages.shared.live.browser_files import BASE, FILES, PLOTLY

_STYLES = ("lab.css", "diagram.css")
_LATER = {"runs.mjs", "steps.mjs", "upload.mjs"}
"""Modules that other pages than the Lab need."""
_PARTS_OF_STREAMLIT = ("BidiComponent", "_arrayReduce", "serialization", "recordbatch")
"""What Streamlit fetches when a page shows the first component."""


def _links() -> list[str]:
    own = [f"{BASE}/{name}" for name in FILES if name.endswith(".mjs") and name not in _LATER]
    parts = [
        path.removeprefix("/")
        for path in framework_files()
        if path.endswith(".js") and path.rpartition("/")[2].partition(".")[0] in _PARTS_OF_STREAMLIT
    ]
    # All behind the scripts that bring the first text.
    return [
        f"<{BASE}/{PLOTLY}>; rel=preload; as=script; fetchpriority=low",
        *(f"<{BASE}/{name}>; rel=preload; as=style; fetchpriority=low" for name in _STYLES),
        *(f"<{path}>; rel=modulepreload; fetchpriority=low" for path in (*own, *parts)),
    ]


_HEADER = ", ".join(_links())


class Preloading:
    """Adds a ``Link`` header to pages: the drawing code, and the modules of the live view.

    The addresses are relative to the page's, as those that the page itself fetches.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the header to a page that comes back."""

        async def send_with_links(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("Link", _HEADER)
            await send(message)

        await self._app(scope, receive, send_with_links)
