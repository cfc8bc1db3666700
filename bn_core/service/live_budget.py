"""How often a run in training is measured for the display alone, beside what its record holds."""

SECONDS_BETWEEN = 0.1
"""Measurements for the display are at least so far apart."""
SHARE = 0.1
"""They take at most this share of the time that is the run's own."""
_MOST_SAVED = 0.05
"""Seconds of measuring that may be saved up."""


class LiveBudget:
    """Time that a run may spend on measurements for the display: a tenth of its own.

    A run's own time is its share of the worker's, so that one that trains at a slow pace by itself
    is measured as often as the page draws, and one of many far less often.
    """

    def __init__(self) -> None:
        self._saved, self._seen_at, self._taken_at = 0.0, 0.0, float("-inf")

    def start(self, now: float) -> None:
        """Begin to save from now; the time a run rested before is not its own."""
        self._seen_at = now

    def due(self, now: float, share: float) -> bool:
        """Return whether to measure now; ``share`` is the run's of the worker's time."""
        gained = SHARE * share * max(now - self._seen_at, 0.0)
        self._saved, self._seen_at = min(self._saved + gained, _MOST_SAVED), now
        if self._saved < 0 or now - self._taken_at < SECONDS_BETWEEN:
            return False
        self._taken_at = now
        return True

    def charge(self, seconds: float) -> None:
        """Take what a measurement cost; until it is saved again there is no other."""
        self._saved -= seconds
