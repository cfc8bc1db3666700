"""Connections that hold up a server end, and when there are too many a sentence says so."""

import asyncio
import contextlib
import http.client
import socket
import time
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from pages.shared.security_connections import MOST_CONNECTIONS, ConnectionLimits, most_connections
from pages.shared.security_files import ResponseInParts
from tests.edge.serving import bare_server

LARGE = b"x" * 64_000_000
_handed_over: list[int] = []
_waiting: list[str] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once; /wait never ends, /large is 64 MB and counts what it hands over."""

    async def count(message: Message) -> None:
        await send(message)
        _handed_over.append(len(message.get("body", b"")))

    request = Request(scope, receive)
    if request.url.path == "/wait":
        _waiting.append("")
        while not await request.is_disconnected():
            await asyncio.sleep(0.05)
        return
    if request.url.path == "/large":
        await ResponseInParts(LARGE)(scope, receive, count)
        return
    answer: Response = PlainTextResponse("here")
    await answer(scope, receive, send)


def limits(most: int = 50, seconds_idle: float = 0.5) -> ConnectionLimits:
    return ConnectionLimits(most, seconds_idle, seconds_unread=0.5, seconds_between_checks=0.05)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def get(port: int, path: str = "/") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_an_unfinished_request_ends(begun: bytes) -> None:
    with bare_server(app, limits()) as port:
        start = time.monotonic()  # before the server can have begun to count
        client = connect(port)
        client.sendall(begun)
        assert client.recv(100) == b""
        assert time.monotonic() - start > 0.4
        client.close()


def test_a_request_that_trickles_in_ends() -> None:
    with bare_server(app, limits()) as port, connect(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        client.settimeout(0.1)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                client.sendall(b"X-A: b\r\n")
                if client.recv(100) == b"":
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return
        raise AssertionError("the connection stayed open for a minute")


def test_a_second_request_that_never_ends_is_no_way_around() -> None:
    with bare_server(app, limits()) as port, connect(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHos")
        received = b""
        while part := client.recv(1000):
            received += part
        assert received.count(b"200 OK") == 1


def test_a_connection_in_use_stays_open() -> None:
    with bare_server(app, limits(seconds_idle=2.0)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.connect()
        assert connection.sock is not None
        own, start = connection.sock.getsockname(), time.monotonic()
        while time.monotonic() - start < 2.5:
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"here"
            assert connection.sock is not None and connection.sock.getsockname() == own
            time.sleep(0.1)
        connection.close()


def test_a_client_that_does_not_read_costs_a_part_and_not_the_whole() -> None:
    _handed_over.clear()
    patient = ConnectionLimits(50, seconds_unread=60)
    with bare_server(app, patient) as port, connect(port) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        before, now = -1, 0
        while now == 0 or now != before:
            time.sleep(0.3)
            before, now = now, sum(_handed_over)
    assert now < len(LARGE) / 4, "only what the system holds for a socket"


def test_a_client_that_does_not_read_is_left() -> None:
    _handed_over.clear()
    with bare_server(app, limits()) as port, connect(port) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(1, socket.MSG_PEEK)
        deadline = time.monotonic() + 30
        while sum(_handed_over) < len(LARGE):  # what is sent after the end is dropped at once
            assert time.monotonic() < deadline, "the server still waits for the client"
            time.sleep(0.05)
        received = 0
        with contextlib.suppress(ConnectionError):
            while part := client.recv(1_000_000):
                received += len(part)
    assert received < len(LARGE) / 4


def test_a_client_that_reads_gets_all_however_large() -> None:
    with bare_server(app, limits()) as port:
        assert get(port, "/large") == (200, LARGE.decode())


def test_idle_connections_make_room_for_newcomers() -> None:
    with bare_server(app, limits(most=8)) as port:
        idle = [connect(port) for _ in range(40)]
        assert get(port) == (200, "here")
        for client in idle:
            client.close()


def test_beyond_the_limit_a_sentence_says_so_and_later_there_is_room() -> None:
    _waiting.clear()
    with bare_server(app, limits(most=8)) as port:
        busy = [connect(port) for _ in range(8)]
        for client in busy:
            client.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        deadline = time.monotonic() + 30
        while len(_waiting) < len(busy) and time.monotonic() < deadline:
            time.sleep(0.01)  # until then they count as idle and would be closed
        status, text = get(port)
        assert status == 503
        assert "as many connections as it can hold. Try again" in text
        for client in busy:
            client.close()
        deadline = time.monotonic() + 30
        while get(port)[0] != 200:
            assert time.monotonic() < deadline, "connections are refused though all have left"


def test_the_number_of_connections_fits_the_descriptors() -> None:
    assert most_connections(1024) == 206
    assert most_connections(10) == 16
    assert most_connections(1_000_000) == MOST_CONNECTIONS


def test_the_body_of_an_answer_does_not_wait_until_the_client_has_confirmed_its_head() -> None:
    at_once: list[int] = []

    class Noting(ConnectionLimits):
        def add(self, protocol: Any) -> None:
            taken = protocol.transport.get_extra_info("socket")
            at_once.append(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            super().add(protocol)

    with bare_server(app, Noting(50)) as port:
        assert get(port) == (200, "here")
    assert len(at_once) == 1 and at_once[0] != 0
