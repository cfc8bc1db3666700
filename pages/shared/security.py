"""What every request passes: the host's name, closed routes, and the headers of each response."""

import base64
import hashlib
import ipaddress
import re
import socket
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, net_util

from pages.shared import environment, security_connections
from pages.shared.embedding import EmbedName
from pages.shared.security_messages import AllowedMessages

UPLOADS = False
"""Whether Streamlit's upload endpoint is open: it bounds neither a visitor's files nor all."""

_UPLOAD_PATH = "/_stcore/upload_file"
_METRICS_PATH = "/_stcore/metrics"
_FILES_PATH = re.compile(r"/lab-files/files/[\w-]{16,40}\Z", re.ASCII)
_CLASS_PATH = re.compile(
    r"/lab-files/class/[A-Za-z0-9]{1,12}/(students|answers|parts|teacher)\Z", re.ASCII
)
_READING = ("GET", "HEAD", "OPTIONS")

_WRONG_HOST = (
    "This server does not answer to this host name. Open it under its own address; whoever runs it "
    "can add the name to BN_LAB_HOSTS.\n"
)


def prepare() -> None:
    """Check the environment, close the look-up of the external address, bound connections."""
    environment.read_or_exit()
    # Streamlit asks an outside service, on the event loop, for every foreign Origin: up to 2 s each
    # in which nobody is served. Without an answer the origin is refused all the same.
    net_util.get_external_ip = lambda: None
    security_connections.install()


def middleware() -> list[Middleware]:
    """Return what ``st.App`` puts before its own middleware."""
    found = environment.read_or_exit()
    return [
        Middleware(SecurityHeaders, embed_origins=found.embed_origins),
        Middleware(AllowedHosts, hosts=found.hosts),
        Middleware(ClosedRoutes, uploads=UPLOADS),
        Middleware(EmbedName),
        Middleware(AllowedMessages),
    ]


class SecurityHeaders:
    """Adds the headers that tell a browser what pages of this server may load and who frames them.

    ``embed_origins`` are the origins, beside the server's own, whose pages may frame the app.
    """

    def __init__(self, app: ASGIApp, embed_origins: Iterable[str] = ()) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": content_policy(embed_origins),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def content_policy(embed_origins: Iterable[str] = ()) -> str:
    """Return the Content-Security-Policy: everything comes from this server.

    Streamlit's page has one script in its HTML, known by its hash, reads messages with WebAssembly
    and loads components from blobs; Streamlit and plotly write styles while they run.
    """
    scripts = " ".join(["'self'", "blob:", "'wasm-unsafe-eval'", *_hashes_of_page_scripts()])
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "frame-src 'none'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            " ".join(["frame-ancestors 'self'", *embed_origins]),
        ]
    )


def _hashes_of_page_scripts() -> list[str]:
    page = Path(st.__file__).parent / "static" / "index.html"
    scripts = re.findall(r"<script>(.*?)</script>", page.read_text("utf-8"), re.DOTALL)
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


class AllowedHosts:
    """Refuses requests whose Host is not this server's: a foreign name may point to its address.

    Allowed are the loopback names, ``server.address``, ``browser.serverAddress`` and ``hosts``.
    Without ``hosts``, a server that is reached from other machines also answers to addresses in
    numbers, which no foreign name server can give out, and to its machine's name.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._given = tuple(name.strip("[]").rstrip(".").lower() for name in hosts)
        bound = config.get_option("server.address")
        own = (bound, config.get_option("browser.serverAddress"))
        self._names = {"localhost", *self._given, *(str(name).lower() for name in own if name)}
        self._open = not self._given and not (bound and is_loopback(str(bound)))
        if self._open:
            machine = socket.gethostname().lower()
            self._names |= {machine, f"{machine.partition('.')[0]}.local"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self.allows(Headers(scope=scope).getlist("host")):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "host name"})
        else:
            await PlainTextResponse(_WRONG_HOST, 421)(scope, receive, send)

    def allows(self, given: list[str]) -> bool:
        """Return whether a request with these Host headers is meant for this server."""
        name = _host_name(given[0]) if len(given) == 1 else None
        if not name:
            return False
        if name in self._names or "*" in self._given or is_loopback(name):
            return True
        if any(pattern[:2] == "*." and name.endswith(pattern[1:]) for pattern in self._given):
            return True
        return self._open and _address(name) is not None


def _host_name(host: str) -> str | None:
    """Return the name in a Host header, without its port; None if it is none."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+(:\d*)?|\[[0-9A-Fa-f:.]+\](:\d*)?", host):
        return None
    return (urlsplit(f"//{host}").hostname or "").rstrip(".").lower()


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def is_loopback(name: str) -> bool:
    """Return whether a host's name or address leads to the machine that asks."""
    address = _address(name.strip("[]"))
    return name == "localhost" or (address is not None and address.is_loopback)


class ClosedRoutes:
    """Closes what nothing here uses: metrics, Streamlit's uploads, all methods but reading.

    A reader's own files are posted to one route, which knows whose they are.
    """

    def __init__(self, app: ASGIApp, uploads: bool = False) -> None:
        self._app = app
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = self._refusal(scope["path"], scope["method"]) if scope["type"] == "http" else 0
        if not status:
            await self._app(scope, receive, send)
            return
        # What the client goes on sending is not read: the connection ends here.
        headers = {"Connection": "close", "Allow": ", ".join(_READING)}
        await PlainTextResponse("There is nothing here.\n", status, headers)(scope, receive, send)

    def _refusal(self, path: str, method: str) -> int:
        """Return the status to refuse with, 0 if the request may pass."""
        if _METRICS_PATH in path:
            return 404
        if _UPLOAD_PATH in path:
            return 0 if self._uploads else 404
        if method == "POST" and (_FILES_PATH.search(path) or _CLASS_PATH.search(path)):
            return 0  # bounded where it is taken: ``own_data.inbox``, ``classroom.routes``
        return 0 if method in _READING else 405
