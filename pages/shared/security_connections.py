"""Bounds on connections, and their options, for which Streamlit hands uvicorn no settings.

A connection on which no request is under way ends after some seconds, one whose client does not
read ends as well, and beyond a limit the one idle longest makes room, or the newcomer is refused.
What is written to a connection is sent at once.
"""

import asyncio
import contextlib
import functools
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

MOST_CONNECTIONS = 2000
_DESCRIPTORS_EACH = 4
"""A session's socket, and three that its script's thread opens for an event loop."""
_DESCRIPTORS_BESIDE = 200
"""For workers, files and libraries."""
_at_shutdown: list[Callable[[], None]] = []
_FULL = "This server has as many connections as it can hold. Try again in a few seconds.\n"


@dataclass
class ConnectionLimits:
    """Watches the connections of a server and closes those that hold it up."""

    most: int
    """How many connections there may be at a time."""
    seconds_idle: float = 10.0
    """How long a request's head may take, and how long a connection may stay unused."""
    seconds_unread: float = 30.0
    """How long a client may leave what was sent to it unread."""
    seconds_between_checks: float = 2.0
    _watched: dict[int, "_Watched"] = field(default_factory=dict)
    _checks: bool = False

    def add(self, protocol: Any) -> None:
        """Watch a new connection; if there are too many, close another or refuse this one."""
        if len(protocol.connections) > self.most and not self._close_one_idle():
            if len(protocol.connections) > self.most + self.most // 4:
                protocol.transport.abort()
                return
            protocol.app, protocol.ws_protocol_class = _refuse, None
        self._watched[id(protocol.transport)] = _Watched(protocol)
        if not self._checks:
            self._checks = True
            protocol.loop.call_later(self.seconds_between_checks, self._check, protocol.loop)

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        for key, watched in list(self._watched.items()):
            if watched.ended(loop.time(), self):
                del self._watched[key]
        self._checks = bool(self._watched)
        if self._checks:
            loop.call_later(self.seconds_between_checks, self._check, loop)

    def _close_one_idle(self) -> bool:
        """Close the connection that has been idle longest; return whether there was one."""
        idle = [key for key, watched in self._watched.items() if watched.is_idle()]
        if idle:
            longest = min(idle, key=lambda key: self._watched[key].idle_since)
            self._watched.pop(longest).transport.abort()
        return bool(idle)


class _Watched:
    """One connection, and since when it has made no progress."""

    def __init__(self, protocol: Any) -> None:
        self.protocol, self.transport = protocol, protocol.transport
        self.idle_since: float = protocol.loop.time()
        self._last_request: Any = None
        self._unread, self._unread_since = 0, 0.0

    def is_idle(self) -> bool:
        """Return whether this is open, with no request under way, and no WebSocket."""
        cycle = self.protocol.cycle
        is_http = self.transport.get_protocol() is self.protocol
        is_open = not self.transport.is_closing()
        return is_open and is_http and (cycle is None or cycle.response_complete)

    def ended(self, now: float, limits: ConnectionLimits) -> bool:
        """Close the connection if its time is over; return whether it is over for good."""
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or unread != self._unread:
            self._unread, self._unread_since = unread, now
        elif now - self._unread_since > limits.seconds_unread:
            self.transport.abort()  # to close it would be to wait until it is read
            return True
        if self.transport.is_closing():
            return unread == 0
        if not self.is_idle() or self.protocol.cycle is not self._last_request:
            self.idle_since, self._last_request = now, self.protocol.cycle
        elif now - self.idle_since > limits.seconds_idle:
            self.transport.close()
        return False


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Connection": "close", "Retry-After": "5"}
    await PlainTextResponse(_FULL, 503, headers)(scope, receive, send)


@functools.cache
def install() -> None:
    """Have every HTTP connection that uvicorn takes in this process watched."""
    # The class is patched because uvicorn has taken it already when Streamlit imports the app.
    watch(AutoHTTPProtocol, ConnectionLimits(most_connections(_descriptors())))


def watch(protocol_class: Any, limits: ConnectionLimits) -> None:
    """Have ``limits`` watch each connection that one of uvicorn's HTTP protocol classes takes."""
    made: Callable[..., None] = protocol_class.connection_made
    stop: Callable[..., None] = protocol_class.shutdown

    def connection_made(self: Any, transport: Any) -> None:
        made(self, transport)
        send_at_once(transport)
        limits.add(self)

    def shutdown(self: Any) -> None:
        stop(self)
        for end_responses in _at_shutdown:
            end_responses()

    protocol_class.connection_made = connection_made
    protocol_class.shutdown = shutdown


def at_shutdown(end_responses: Callable[[], None]) -> None:
    """Have a function called when the server is to stop, perhaps more than once.

    uvicorn waits until every response has ended, and a stream of events has no end of its own.
    """
    _at_shutdown.append(end_responses)


def send_at_once(transport: asyncio.BaseTransport) -> None:
    """Have the system send what is written to a TCP connection without waiting for more.

    asyncio does so itself, but not for the socket that Streamlit has opened, as that names no
    protocol. Then the body of every answer, written after its head, waits until the client has
    confirmed the head: 40 ms on Linux.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def most_connections(descriptors: int) -> int:
    """Return how many connections fit in a number of file descriptors."""
    fit = (descriptors - _DESCRIPTORS_BESIDE) // _DESCRIPTORS_EACH
    return min(max(fit, 16), MOST_CONNECTIONS)


def _descriptors() -> int:
    """Return how many descriptors this process may open, after asking for what it needs."""
    try:
        import resource
    except ImportError:  # Windows, where sockets are not counted among the files
        return MOST_CONNECTIONS * _DESCRIPTORS_EACH // 4
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS * _DESCRIPTORS_EACH + _DESCRIPTORS_BESIDE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    aim = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (aim, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
