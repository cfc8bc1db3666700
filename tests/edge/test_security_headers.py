"""What each request passes before the app: host names, closed routes, headers."""

from dataclasses import dataclass
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket
from streamlit import config

from pages.shared import security
from tests.event_loop import run_apart

METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]


async def _answer(_request: object) -> PlainTextResponse:
    return PlainTextResponse("here")


async def _greet(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Headers


class Client:
    """Asks an app that answers every path, behind the middleware given or that of the server."""

    def __init__(self, *middleware: Middleware) -> None:
        self._app = Starlette(
            routes=[Route("/{path:path}", _answer, methods=METHODS), WebSocketRoute("/ws", _greet)],
            middleware=list(middleware or security.middleware()),
        )

    def ask(self, method: str, path: str, *hosts: str) -> Answer:
        """Send a request with these Host headers and return the answer."""
        path, _, query = path.partition("?")
        start = self._run("http", path, hosts, method, query)
        return Answer(start["status"], Headers(raw=start["headers"]))

    def connects(self, *hosts: str) -> bool:
        """Return whether a WebSocket handshake with these Host headers succeeds."""
        return self._run("websocket", "/ws", hosts, "GET")["type"] == "websocket.accept"

    def _run(
        self, kind: str, path: str, hosts: tuple[str, ...], method: str, query: str = ""
    ) -> dict[str, Any]:
        sent: list[Message] = []
        headers = [(b"host", host.encode()) for host in hosts or ("localhost",)]
        scope = {"type": kind, "path": path, "method": method, "headers": headers}
        scope |= {
            "query_string": query.encode(),
            "root_path": "",
            "scheme": "http",
            "subprotocols": [],
        }

        async def receive() -> Message:
            return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

        async def send(message: Message) -> None:
            sent.append(message)

        run_apart(self._app(scope, receive, send))
        return dict(sent[0])


@pytest.mark.parametrize("path", ["/", "/nothing", "/_stcore/metrics"])
def test_every_response_has_the_headers(path: str) -> None:
    for asked in (
        Client().ask("GET", path),
        Client().ask("POST", path),
        Client().ask("GET", path, "a.example"),
    ):
        policy = asked.headers["Content-Security-Policy"].split("; ")
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'self'" in policy
        assert not any("unsafe-eval" in part.replace("wasm-unsafe-eval", "") for part in policy)
        (scripts,) = (part for part in policy if part.startswith("script-src"))
        assert "unsafe-inline" not in scripts
        assert asked.headers["X-Content-Type-Options"] == "nosniff"
        assert asked.headers["Referrer-Policy"] == "no-referrer"


def test_named_origins_may_frame_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BN_LAB_EMBED_ORIGINS", "https://courses.example.org, https://b.example")
    policy = Client().ask("GET", "/").headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://courses.example.org https://b.example" in policy


@pytest.mark.parametrize("base", ["", "/base"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "OPTIONS"])
def test_uploads_and_metrics_are_closed(method: str, base: str) -> None:
    for path in ("/_stcore/upload_file/session/file", "/_stcore/metrics"):
        assert Client().ask(method, base + path).status == 404


def test_what_would_be_read_is_refused_unread() -> None:
    refused = Client().ask("POST", "/")
    assert refused.status == 405
    assert refused.headers["Connection"] == "close"


def test_one_switch_opens_uploads() -> None:
    opened = Client(Middleware(security.ClosedRoutes, uploads=True))
    assert opened.ask("PUT", "/_stcore/upload_file/session/file").status == 200
    assert opened.ask("PUT", "/other").status == 405
    assert opened.ask("GET", "/_stcore/metrics").status == 404


def answers(host: str, *given: str) -> bool:
    """Return whether a server with these BN_LAB_HOSTS answers to a host, by HTTP and WebSocket."""
    found = Client(Middleware(security.AllowedHosts, hosts=given))
    connects = found.connects(host)
    assert found.ask("GET", "/", host).status == (200 if connects else 421)
    return connects


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch):
    """Return what sets the address the server is bound to; None is Streamlit's default: all."""
    usual = config.get_option

    def bind(address: str | None) -> None:
        monkeypatch.setattr(
            config,
            "get_option",
            lambda key: address if key == "server.address" else usual(key),
        )

    return bind


LOOPBACK = ["localhost", "localhost:8501", "LOCALHOST.", "127.0.0.1:8501", "[::1]", "[::1]:8501"]
FOREIGN = ["a.example", "localhost.a.example", "127.0.0.1.a.example", "a.example:80", "2130706433"]
NO_NAMES = ["", " ", "a@localhost", "localhost/x", "localhost:x", "[::1", "localhost, a.example"]
NUMBERS = ["192.168.1.5", "192.168.1.5:8501", "[2001:db8::1]:8501"]


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "0.0.0.0", None])
def test_loopback_names_pass_and_foreign_ones_do_not(bound, address: str | None) -> None:
    bound(address)
    assert all(answers(host) for host in LOOPBACK)
    assert not any(answers(host) for host in FOREIGN + NO_NAMES)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", None, "192.168.1.5"])
def test_a_server_for_others_answers_to_numbers_and_its_name(bound, address, monkeypatch) -> None:
    bound(address)
    monkeypatch.setattr("socket.gethostname", lambda: "Classroom")
    assert all(answers(host) for host in [*NUMBERS, "classroom:8501", "classroom.local"])
    assert not answers("classroom.a.example")


def test_a_server_for_one_machine_answers_to_no_other_number(bound) -> None:
    bound("127.0.0.1")
    assert not any(answers(host) for host in NUMBERS)


def test_named_hosts_are_the_only_other_ones(bound) -> None:
    bound("0.0.0.0")
    given = ("lab.example.org", "*.school.example", "[2001:db8::1]")
    for host in ("lab.example.org:443", "LAB.example.org.", "a.school.example", "[2001:db8::1]"):
        assert answers(host, *given)
    for host in ("school.example", "xschool.example", "b.example.org", "192.168.1.5"):
        assert not answers(host, *given)
    assert all(answers(host, *given) for host in LOOPBACK)
    assert answers("any.example", "*")


def test_the_configured_address_passes(bound) -> None:
    bound("lab.example.org")
    assert answers("lab.example.org")


def test_a_request_with_two_hosts_is_refused() -> None:
    assert Client().ask("GET", "/", "localhost", "a.example").status == 421
    assert not Client().connects("localhost", "a.example")


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/?embed=lab", "?embed=true"),
        ("/runs?depth=4&embed=lab&lr=1", "?depth=4&embed=true&lr=1"),
        ("//elsewhere.example/?embed=lab", "?embed=true"),  # it stays on this server
        ("/?embed=true", None),
        ("/?embed=labs&title=embed", None),
    ],
)
def test_embed_lab_is_another_name_for_the_compact_layout(path: str, location: str | None) -> None:
    answer = Client().ask("GET", path)
    assert answer.headers.get("location") == location
    assert answer.status == (307 if location else 200)
