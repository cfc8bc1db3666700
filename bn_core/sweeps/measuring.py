"""What is noted of nets while they train: when they learned, when they broke, how they ended."""

import numpy as np

from bn_core.sweeps.stability_map import DIVERGED, LEARNED, NOT_LEARNED

Array = np.ndarray

WINDOW = 10
"""Steps that a smoothed loss averages."""


class LossHistory:
    """The losses of K nets, step by step, against an absolute ``level``.

    The level does not depend on the initial loss: a dead net is often a little below that.
    """

    def __init__(self, replicas: int, level: float) -> None:
        self.level, self.steps = level, 0
        self._last = np.full((WINDOW, replicas), np.nan)
        self.learned_at = np.full(replicas, np.inf)
        self.diverged_at = np.full(replicas, np.inf)

    @property
    def finite(self) -> Array:
        """Which nets had finite losses at every step, (K,)."""
        return np.isinf(self.diverged_at)

    def note(self, losses: Array) -> Array:
        """Take in the losses of one more step, (K,); return which nets have just diverged."""
        self._last[self.steps % WINDOW] = losses
        self.steps += 1
        broken = self.finite & ~np.isfinite(losses)
        self.diverged_at[broken] = self.steps
        with np.errstate(invalid="ignore", over="ignore"):
            reached = self.finite & (self.smoothed() < self.level)
        self.learned_at[reached & np.isinf(self.learned_at)] = self.steps
        return broken

    def smoothed(self) -> Array:
        """Return the mean of the last ten losses, or of all so far where there are fewer, (K,)."""
        with np.errstate(invalid="ignore", over="ignore"):
            return self._last[: max(1, min(self.steps, WINDOW))].mean(axis=0)

    def final_loss(self) -> Array:
        """Return the smoothed loss, infinite where a net diverged, (K,)."""
        return np.where(self.finite, self.smoothed(), np.inf)

    def fate(self) -> Array:
        """Return what became of each net, (K,)."""
        learned = self.final_loss() < self.level
        return np.where(~self.finite, DIVERGED, np.where(learned, LEARNED, NOT_LEARNED))
