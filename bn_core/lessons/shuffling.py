"""The order in which choices are shown: the same for one reader and question, not the file's."""

import hashlib


def shuffled(id: str, count: int, seed: str) -> list[int]:
    """Return the indices 0 to ``count`` - 1 in an order that ``id`` and ``seed`` determine.

    Sorted by a hash, so that every order is about as likely and needs no random state.
    """

    def place(index: int) -> bytes:
        return hashlib.sha256(f"{seed}/{id}/{index}".encode()).digest()

    return sorted(range(count), key=place)
