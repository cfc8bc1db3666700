"""A way between browser and server that a test can cut."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType


class Proxy:
    """Hands on what comes to its port; while it is cut, every connection is closed."""

    def __init__(self, target: int) -> None:
        self._target, self._cut = target, False
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def cut(self) -> None:
        """Close all connections, and every new one at once."""
        self._cut = True
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def mend(self) -> None:
        """Hand on new connections again."""
        self._cut = False

    def _accept(self) -> None:
        with self._listener, suppress(OSError):  # the listener was shut down
            while True:
                browser, _ = self._listener.accept()
                if self._cut:
                    browser.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [browser, server]
                self._start(_join, browser, server)

    def _start(self, work: Callable[..., None], *ends: socket.socket) -> None:
        thread = threading.Thread(target=work, args=ends, daemon=True)
        self._threads.append(thread)
        thread.start()


def _join(browser: socket.socket, server: socket.socket) -> None:
    """Hand on both ways until one of them ends."""
    with browser, server:
        answers = threading.Thread(target=_hand_on, args=(server, browser), daemon=True)
        answers.start()
        _hand_on(browser, server)
        answers.join()


def _hand_on(source: socket.socket, goal: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            goal.sendall(data)
    for end in (source, goal):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
