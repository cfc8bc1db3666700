"""Progress on stderr: a bar where somebody watches, a line now and then where nobody does."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

BAR_WIDTH = 30
SECONDS_BETWEEN_BARS = 0.1
SECONDS_BETWEEN_LINES = 10.0


class ProgressBar:
    """Shows a share from 0 to 1; as a context manager it removes its bar at the end."""

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock = clock
        self.stream = sys.stderr if stream is None else stream
        self.is_terminal = self.stream.isatty()
        self._interval = SECONDS_BETWEEN_BARS if self.is_terminal else SECONDS_BETWEEN_LINES
        self._shown_at = clock()
        self._length = 0

    def show(self, share: float, text: str) -> None:
        """Show how much is done, unless something was shown a moment ago."""
        now = self.clock()
        if now - self._shown_at < self._interval:
            return
        self._shown_at = now
        line = f"{100 * share:3.0f} % {text}"
        if self.is_terminal:
            filled = round(BAR_WIDTH * min(max(share, 0.0), 1.0))
            self._draw(f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {line}")
        else:
            self.stream.write(line + "\n")
            self.stream.flush()

    def _draw(self, line: str) -> None:
        self.stream.write("\r" + line.ljust(self._length))
        self.stream.flush()
        self._length = len(line)

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._length:
            self._draw("")
            self.stream.write("\r")
            self.stream.flush()
