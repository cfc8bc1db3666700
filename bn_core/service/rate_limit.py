"""How often one visitor may have nets built."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """So many a second for as long as one likes, and ``burst`` at once after a rest."""

    per_second: float = 4.0
    burst: float = 8.0


class TokenBuckets:
    """One bucket of tokens for each visitor: each placing of a run takes one."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, visitor: str) -> bool:
        """Take a token of a visitor; return whether there was one."""
        now = self._clock()
        level = self._level(visitor, now)
        allowed = level >= 1
        self._buckets[visitor] = (level - allowed, now)
        return allowed

    def give_back(self, visitor: str) -> None:
        """Put a token back that was not used."""
        level, since = self._buckets.get(visitor, (self._rate.burst, self._clock()))
        self._buckets[visitor] = (level + 1, since)

    def forget_full(self) -> None:
        """Drop the visitors whose bucket is full again."""
        now = self._clock()
        full = [v for v in self._buckets if self._level(v, now) >= self._rate.burst]
        for visitor in full:
            del self._buckets[visitor]

    def _level(self, visitor: str, now: float) -> float:
        level, since = self._buckets.get(visitor, (self._rate.burst, now))
        return min(self._rate.burst, level + (now - since) * self._rate.per_second)
