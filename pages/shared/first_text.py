"""The HTML that a browser is sent: Streamlit's, with styles, preloads, the Lab's words and nets.

Streamlit's own page is empty until its scripts have started and the page's script has run. With the
words and the link's nets in the HTML a reader sees them while that goes on; the app then shows the
same there.
"""

from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from pages.shared.first_nets import first_nets
from pages.shared.lab.events import LinkOpened
from pages.shared.lab.introduction import first_words
from pages.shared.lab.url_state import link_opened
from pages.shared.live.browser_files import BASE, PAGE_STYLES
from pages.shared.preloading import drawing_preloads, preloads

_ROOT = '<div id="root">'
"""Where Streamlit's scripts put the app. Styles before it stand behind those that they add."""
_END = "</head>"
_SCRIPT = '<script type="module" async src="{}"></script>'
_TITLE = "<title>Streamlit</title>"
_NOT_ASKED_FOR = {b"accept-encoding", b"if-none-match", b"if-modified-since", b"range"}
"""Headers of requests for Streamlit's file as it is: packed, in parts, or only if it changed."""
_OF_THE_FILE = ("etag", "last-modified", "accept-ranges")
_MOST_FIELDS = 200


def page_html(html: str, path: str, query: str) -> str:
    """Return Streamlit's page with our title and styles, the Lab's with its words and nets too."""
    if _ROOT not in html:
        return html  # a page of our own
    ours = [f'<link rel="stylesheet" href="./{BASE}/{name}">' for name in PAGE_STYLES]
    drawing = "first_nets.mjs" if _is_lab(path, query) else "diagram.mjs"
    if _is_lab(path, query):
        link = _link(query)
        words = first_words(link.comparison)  # they depend on the comparison that the link names
        ours += [f'<div class="bn-first-words" inert>{words}</div>', first_nets(link)]
        ours += (_SCRIPT.format(f"./{BASE}/{name}") for name in ("first_text.mjs", drawing))
    title = "<title>Batch Norm Lab</title>" + drawing_preloads(drawing)
    head = html.replace(_TITLE, title, 1).replace(_END, preloads() + _END, 1)
    return head.replace(_ROOT, "".join([*ours, _ROOT]), 1)


def _is_lab(path: str, query: str) -> bool:
    """Return whether the page is the Lab in its full layout: the compact one has no such words."""
    folder = config.get_option("server.baseUrlPath").strip("/")
    return path.strip("/") == folder and "embed=true" not in query.lower().split("&")


def _link(query: str) -> LinkOpened:
    try:
        asked = dict(parse_qsl(query, max_num_fields=_MOST_FIELDS))
    except ValueError:  # too many fields
        asked = {}
    return link_opened(asked)


class FirstText:
    """Passes all requests on, and puts styles and first words into the pages that come back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a browser that opens a page with the page that ``page_html`` makes."""
        if not _opens_a_page(scope):
            await self._app(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if name not in _NOT_ASKED_FOR]
        # The file's bytes have to pass here: no server may send it by its path.
        whole = {**scope, "headers": headers, "extensions": {}}
        query = scope.get("query_string", b"").decode("latin-1")
        await self._app(whole, receive, _Rewritten(send, scope["path"], query))


def _opens_a_page(scope: Scope) -> bool:
    reads = scope["type"] == "http" and scope["method"] == "GET"
    return reads and "text/html" in Headers(scope=scope).get("accept", "")


class _Rewritten:
    """Sends a page when all of it is there and rewritten; other responses pass as they come."""

    def __init__(self, send: Send, path: str, query: str) -> None:
        self._send, self._path, self._query = send, path, query
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body = page_html(self._body.decode(), self._path, self._query).encode()
        headers = MutableHeaders(raw=list(start["headers"]))
        for name in _OF_THE_FILE:
            del headers[name]
        headers["Content-Length"] = str(len(body))
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _is_page(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] == 200 and kind.startswith("text/html")
