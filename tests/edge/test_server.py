"""The app as it is started: nothing is asked outside, and foreign origins are refused at once."""

import gzip
import hashlib
import http.client
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import plotly
import pytest

from bn_core.figures import plotly_js
from pages.shared.live.browser_files import BASE, PLOTLY
from tests.edge.serving import Served, app_started

HANDSHAKE = (
    "GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin}\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: streamlit\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

MOST_BYTES_OF_HEADERS = 4096
"""nginx takes no more of a server's answer unless it is told to."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with app_started(tmp_path_factory.mktemp("served")) as started:
        yield started


def handshake(port: int, origin: str) -> str:
    """Open a WebSocket and return the first line of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(HANDSHAKE.format(port=port, origin=origin).encode())
        return connection.recv(200).decode().partition("\r\n")[0]


def ask(port: int, method: str, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_foreign_origin_is_refused_at_once_and_nobody_is_asked(served: Served) -> None:
    for number in range(5):
        assert " 403 " in handshake(served.port, f"http://a{number}.example")
        assert ask(served.port, "GET", "/_stcore/health", Origin="http://a.example") == 200
    assert " 101 " in handshake(served.port, f"http://127.0.0.1:{served.port}")
    assert served.asked_outside.read_text() == "", "at the start or at a handshake"


def test_what_is_not_used_is_closed(served: Served) -> None:
    assert ask(served.port, "PUT", "/_stcore/upload_file/a/b") == 404
    assert ask(served.port, "GET", "/_stcore/metrics") == 404
    assert ask(served.port, "POST", "/_stcore/agent/run") == 405
    assert ask(served.port, "GET", "/", Host="a.example") == 421
    assert ask(served.port, "GET", f"/{BASE}/{PLOTLY}") == 200


def answer(port: int, path: str, kind: str = "*/*") -> tuple[dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    asked = {"Accept": kind, "Accept-Encoding": "gzip"}
    connection.request("GET", path, headers=asked)
    response = connection.getresponse()
    headers, body = {name.lower(): value for name, value in response.getheaders()}, response.read()
    connection.close()
    assert response.status == 200, path
    return headers, body


def test_a_page_names_the_files_it_will_need_and_a_browser_keeps_them(served: Served) -> None:
    headers, page = answer(served.port, "/", "text/html")
    links = re.findall(r"<link [^>]+>", page.decode())
    loaded = [link for link in links if "fetchpriority" in link or "stylesheet" in link]
    named = [re.findall(r'href="\./([^"]+)"', link)[0] for link in loaded]
    assert {f"{BASE}/{name}" for name in (PLOTLY, "live.mjs", "lab.css")} <= set(named)
    assert any(path.startswith("static/js/BidiComponent.") for path in named)
    assert (
        sum(len(name) + len(value) + 4 for name, value in headers.items()) < MOST_BYTES_OF_HEADERS
    )
    for path in named:
        headers, body = answer(served.port, f"/{path}")
        assert "immutable" in headers["cache-control"]
        kind = "text/css" if path.endswith(".css") else "text/javascript"
        assert headers["content-type"].startswith(kind)
        if path.startswith(BASE):
            assert headers["content-encoding"] == "gzip" and gzip.decompress(body)


def test_plotly_is_the_file_of_its_own_package_in_the_version_that_checks_the_figures() -> None:
    code = plotly_js.source()
    assert hashlib.sha256(code.encode()).hexdigest() == plotly_js.SHA256
    whole = (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_text("utf-8")
    versions = [
        re.search(r"plotly\.js (?:\(.*\) )?v([\d.]+)", text[:200]) for text in (code, whole)
    ]
    assert [found and found[1] for found in versions] == [plotly_js.VERSION] * 2


@pytest.mark.slow
def test_an_unfinished_request_to_the_app_ends(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        assert connection.recv(100) == b""
