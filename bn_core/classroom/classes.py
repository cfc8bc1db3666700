"""The classes of a server: opened with a short code, forgotten some hours later."""

import secrets
import threading
import time
from collections.abc import Callable

from bn_core.classroom.classroom import Classroom

MOST_CLASSES = 40
SECONDS_UNUSED = 4 * 3600.0
"""A class ends that long after its teacher's browser was last heard of."""
CODE_LENGTH = 6
LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789"
"""No vowels, so that no words come about, and nothing that looks like another."""


class ClassesFull(RuntimeError):
    """No further class fits; the message says so."""


class Classes:
    """All classes, by their codes. ``clock`` returns seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.replica = ""
        """One of ``LETTERS``, with which codes begin; empty if this server is the only one."""
        self._lock = threading.Lock()
        self._classes: dict[str, tuple[Classroom, float]] = {}

    def open(self) -> Classroom:
        """Return a new class. Errors: ``ClassesFull``."""
        with self._lock:
            self._forget()
            if len(self._classes) >= MOST_CLASSES:
                raise ClassesFull(
                    f"{MOST_CLASSES} classes are open on this server, the most it holds. "
                    "Try again later, or run the app on a machine of your own."
                )
            code = self._new_code()
            self._classes[code] = (Classroom(code), self._clock())
            return self._classes[code][0]

    def _new_code(self) -> str:
        while (code := self._random_code()) in self._classes:
            pass
        return code

    def _random_code(self) -> str:
        drawn = "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH - len(self.replica)))
        return self.replica + drawn

    def is_elsewhere(self, code: str) -> bool:
        """Return whether a code was given out by another replica, which may still know it."""
        return bool(self.replica) and not normalized(code).startswith(self.replica)

    def find(self, code: str) -> Classroom | None:
        """Return the class with a code, typed in any case, with or without spaces; else None."""
        with self._lock:
            self._forget()
            found = self._classes.get(normalized(code))
            return found[0] if found else None

    def find_for_teacher(self, code: str, key: str) -> Classroom | None:
        """Return the class if the key is its teacher's, and keep it for some hours more."""
        found = self.find(code)
        if found is None or not found.is_key(key):
            return None
        with self._lock:
            if found.code in self._classes:
                self._classes[found.code] = (found, self._clock())
        return found

    def _forget(self) -> None:
        now = self._clock()
        for code, (classroom, seen) in list(self._classes.items()):
            if classroom.ended or now - seen > SECONDS_UNUSED:
                del self._classes[code]
                if not classroom.ended:
                    classroom.end()


def normalized(code: str) -> str:
    """Return a code as it is written: capital letters without spaces; bounded."""
    return "".join(code[:40].split()).upper()[: CODE_LENGTH + 1]
