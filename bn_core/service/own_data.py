"""The data that visitors have opened: each belongs to its visitor, for a while, within limits.

The page's process keeps the bytes and sends them, once, to each worker that needs them.
"""

import hmac
import secrets
import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from bn_core.datasets import own
from bn_core.datasets.own import OwnData
from bn_core.service.executor import PoolFull


class DataNotHere(PoolFull):
    """The data of a task are not here, or are another visitor's; the message says what to do."""


@dataclass(frozen=True)
class DataLimits:
    """How much of visitors' data is kept, and for how long."""

    sets_per_visitor: int = 3
    """A further one takes the place of the one used longest ago."""
    bytes: int = 256 * 2**20
    """Of all visitors together."""
    lease: float = 1800.0
    """Seconds after which data are forgotten that no page has asked for and no task uses."""
    evict: float = 60.0
    """Seconds after which data not asked for may make room for those of another visitor."""


@dataclass
class _Kept:
    data: OwnData
    renewed: dict[str, float] = field(default_factory=dict)
    """When each visitor whose data these are last asked for them."""


class OwnDataStore:
    """Data by the hash of their content, and whose they are. May be called from any thread."""

    def __init__(self, limits: DataLimits | None = None) -> None:
        self.limits = limits or DataLimits()
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._key = secrets.token_bytes(32)

    def keep(self, visitor: str, data: OwnData, in_use: Collection[str] = ()) -> str:
        """Keep data for a visitor and return their name. Errors: ``PoolFull``.

        ``in_use`` are the names of data that tasks need: these make no room for others.
        """
        now = time.monotonic()
        with self._lock:
            if data.name not in self._kept:
                self._make_room(visitor, len(data.body), in_use, now)
                data = own.from_body(data.body, data.source)  # whose arrays lie in the very bytes
                own.hold(data)
                self._kept[data.name] = _Kept(data)
            self._kept[data.name].renewed[visitor] = now
            return data.name

    def renew(self, visitor: str) -> None:
        """Note that a page of a visitor is in use."""
        now = time.monotonic()
        with self._lock:
            for kept in self._kept.values():
                if visitor in kept.renewed:
                    kept.renewed[visitor] = now

    def of_visitor(self, visitor: str) -> list[OwnData]:
        """Return the data of a visitor, oldest first."""
        with self._lock:
            return [kept.data for kept in self._kept.values() if visitor in kept.renewed]

    def proof(self, name: str) -> str:
        """Return what proves to this server that its bearer has opened the data of a name."""
        return hmac.digest(self._key, name.encode(), "sha256").hex()

    def admit(self, visitor: str, name: str, proof: str) -> bool:
        """Give data that are still here to a visitor with their proof; return whether they are.

        So a page that was loaded anew, with another visitor's name, goes on with its reader's data.
        """
        if not hmac.compare_digest(proof.encode(), self.proof(name).encode()):
            return False
        with self._lock:
            kept = self._kept.get(name)
            theirs = sum(visitor in one.renewed for one in self._kept.values())
            if kept is None or theirs >= self.limits.sets_per_visitor:
                return kept is not None and visitor in kept.renewed
            kept.renewed[visitor] = time.monotonic()
        return True

    def problem(self, visitor: str, names: Iterable[str]) -> str:
        """Return what to do where data are not here or another visitor's; empty if all are."""
        with self._lock:
            for name in names:
                if name not in self._kept or visitor not in self._kept[name].renewed:
                    return own.missing(name)
        return ""

    def body(self, name: str) -> bytes | None:
        """Return the bytes of data, if they are here."""
        with self._lock:
            kept = self._kept.get(name)
        return None if kept is None else kept.data.body

    def expire(self, in_use: Collection[str]) -> None:
        """Forget data whose lease has ended, but for those that tasks need."""
        now = time.monotonic()
        with self._lock:
            for name in [n for n in self._kept if n not in in_use]:
                renewed = self._kept[name].renewed
                for visitor in [v for v, at in renewed.items() if now - at > self.limits.lease]:
                    del renewed[visitor]
                if not renewed:
                    self._drop(name)

    def names(self) -> set[str]:
        """Return the names of all data that are kept."""
        return set(self._kept)

    def bytes(self) -> int:
        """Return the size of all data that are kept."""
        return sum(len(kept.data.body) for kept in self._kept.values())

    def _make_room(self, visitor: str, size: int, in_use: Collection[str], now: float) -> None:
        own_names = [n for n, kept in self._kept.items() if visitor in kept.renewed]
        idle = [n for n in own_names if n not in in_use]
        if len(own_names) >= self.limits.sets_per_visitor:
            if not idle:
                raise PoolFull(
                    f"You have {len(own_names)} data sets in use, the most for one visitor. Close "
                    "a run of one of them, or try again later."
                )
            self._give_up(idle[0], visitor)
        resting = [
            (max(kept.renewed.values()), name)
            for name, kept in self._kept.items()
            if name not in in_use and now - max(kept.renewed.values()) > self.limits.evict
        ]
        for _, name in sorted(resting):
            if self.bytes() + size <= self.limits.bytes:
                break
            self._drop(name)
        if self.bytes() + size > self.limits.bytes:
            raise PoolFull(
                "The server holds as much data of its visitors as it can. Try again in some "
                "minutes, or with a smaller file."
            )

    def _give_up(self, name: str, visitor: str) -> None:
        renewed = self._kept[name].renewed
        del renewed[visitor]
        if not renewed:
            self._drop(name)

    def _drop(self, name: str) -> None:
        del self._kept[name]
        own.let_go(name)
