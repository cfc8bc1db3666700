"""What a visitor's browser is to hold of their progress, and what it says it holds."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bn_core.lessons.progress import Progress, ProgressError, parse, serialize

_UNREADABLE = "The progress that this browser holds cannot be read; it begins anew."


@dataclass
class StoredProgress:
    """What the browser is to hold of one visitor's progress."""

    token: str = field(default_factory=lambda: secrets.token_hex(16))
    """Tells the browser's code that another session asks."""
    number: int = 0
    _text: str = field(default_factory=lambda: serialize(Progress()))
    _of: Progress | None = None

    def text_of(self, progress: Progress) -> str:
        """Return progress as text; a new text gets the next number."""
        if progress is not self._of:
            text, self._of = serialize(progress), progress
            self.number += text != self._text
            self._text = text
        return "" if progress == Progress() else self._text

    def take(self, message: Any, progress: Progress) -> tuple[Progress, str]:
        """Return progress with what the browser says it holds, and a sentence if that is none."""
        if not isinstance(message, Mapping) or message.get("token") != self.token:
            return progress, ""
        try:
            return progress.merged(parse(str(message.get("text")))), ""
        except ProgressError:
            return progress, _UNREADABLE
