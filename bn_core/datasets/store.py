"""Loaded data sets of a process, by the hash of their content: each is loaded and held once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from bn_core.datasets.dataset import Dataset

MOST_BYTES = 256 * 2**20
"""Bytes of data sets that one process keeps; the ones used longest ago are dropped first."""


class DatasetStore:
    """A bounded cache of data sets: requests lead to content hashes, hashes to data.

    Two requests for equal data share one copy. All methods may be called from any thread.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.RLock()  # one data set may be put together from others
        self._hash_of: dict[Hashable, str] = {}
        self._held: OrderedDict[str, Dataset] = OrderedDict()

    def load(self, request: Hashable, make: Callable[[], Dataset]) -> Dataset:
        """Return what ``make`` returns for a request, from memory if it is still held."""
        with self._lock:
            held = self.get(self._hash_of.get(request, ""))
            return held or self._keep(request, make())

    def get(self, content_hash: str) -> Dataset | None:
        """Return the data set with a content hash, or None if it is not held."""
        found = self._held.get(content_hash)
        if found is not None:
            self._held.move_to_end(content_hash)
        return found

    def forget(self, chosen: Callable[[Hashable], bool]) -> None:
        """Drop the data of the requests that are chosen."""
        with self._lock:
            dropped = {h for request, h in self._hash_of.items() if chosen(request)}
            self._hash_of = {r: h for r, h in self._hash_of.items() if h not in dropped}
            for content_hash in dropped:
                self._held.pop(content_hash, None)

    def bytes(self) -> int:
        """Return the size of all data held."""
        return sum(dataset.bytes() for dataset in self._held.values())

    def __len__(self) -> int:
        return len(self._held)

    def _keep(self, request: Hashable, dataset: Dataset) -> Dataset:
        dataset = self._held.setdefault(dataset.content_hash, dataset)
        self._hash_of[request] = dataset.content_hash
        while len(self._held) > 1 and self.bytes() > self._most_bytes:
            dropped, _ = self._held.popitem(last=False)
            self._hash_of = {r: h for r, h in self._hash_of.items() if h != dropped}
        return dataset
