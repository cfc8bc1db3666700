"""Why normalize at all: gradient descent on features of very different scales."""

from dataclasses import dataclass

import numpy as np

from bn_core.demos.checking import read_table
from bn_core.results import Contours, Curve, Metric, Progress, Result, TaskGenerator

Array = np.ndarray
_MOST_STEPS = 20_000
MOST_SHOWN = 400
_GRID = 41
_NEAR = 0.01
"""A descent has arrived when at most this share of the excess loss is left."""

SCALINGS = {
    "raw": "As they are",
    "min-max": "Min-max",
    "standardized": "Standardized",
}


def scaled(x: Array, scaling: str) -> Array:
    """Return features (N, 2) on another scale.

    min-max: (x - min) / (max - min);  standardized: (x - mean) / std, with the biased std.
    A column of equal values becomes 0.
    """
    match scaling:
        case "min-max":
            return (x - x.min(axis=0)) / np.where(np.ptp(x, axis=0) == 0, 1, np.ptp(x, axis=0))
        case "standardized":
            return _centred(x) / np.where(np.ptp(x, axis=0) == 0, 1, x.std(axis=0))
        case _:
            return x


def _centred(x: Array) -> Array:
    """Return x - mean x; exactly 0 for equal values, where rounding would leave a trace."""
    return np.where(np.ptp(x, axis=0) == 0, 0.0, x - x.mean(axis=0))


@dataclass(frozen=True)
class Descent:
    """Gradient descent on L(w) = 1/(2N) sum_n (w.(x_n - mean x) - (y_n - mean y))^2.

    The offset of the fit is always at its best value, so that two weights remain to be drawn.
    """

    hessian: Array  # (2, 2) = X'X / N, X the centred features
    best: Array  # (2,) the least-squares weights
    rate: float
    path: Array  # (T + 1, 2) from 0
    arrived: int | None
    diverged: bool

    def loss(self, weights: Array) -> Array:
        """Return L(w) - L(best) = 1/2 (w - best)' H (w - best); w: (..., 2)."""
        off = weights - self.best
        # Along a flat valley rounding would make it less than nothing.
        return np.maximum(0.5 * np.einsum("...i,ij,...j", off, self.hessian, off), 0)

    @property
    def condition(self) -> float:
        """The largest eigenvalue of H over the smallest: how long and thin the valley is."""
        small, large = np.linalg.eigvalsh(self.hessian)
        return float(large / small) if small > 1e-12 * large else float("inf")


def descend(x: Array, y: Array, share: float) -> Descent:
    """Descend from w = 0 with ``share`` of the largest stable rate, 2 / lambda_max of H."""
    centred, target = _centred(x), _centred(y)
    hessian, slope = centred.T @ centred / len(x), centred.T @ target / len(x)
    best = np.linalg.pinv(hessian) @ slope
    largest = float(np.linalg.eigvalsh(hessian)[-1])
    rate = share * 2 / largest if largest > 0 else 0.0
    path, off = [np.zeros(2)], -best
    begin = 0.5 * off @ hessian @ off
    arrived, diverged = None, False
    for step in range(1, _MOST_STEPS + 1):
        off = off - rate * (hessian @ off)
        left = 0.5 * off @ hessian @ off
        if step <= MOST_SHOWN:
            path.append(best + off)
        if left <= _NEAR * begin:
            arrived = step
            break
        if left > 100 * begin:
            diverged = True
            break
    return Descent(hessian, best, rate, np.array(path), arrived, diverged)


def why(table: tuple[tuple[float, float, float], ...], share: float, shown: int) -> TaskGenerator:
    """Descend on the reader's table, (N, 3) with two features and a target, at every scale.

    ``shown`` steps of each descent are drawn; where it ends does not depend on them.
    """
    numbers = read_table(table, ("age", "kilometres", "price"))
    if len(numbers) < 3:
        raise ValueError("A fit of two weights and an offset needs at least three rows.")
    if not 0 < share <= 1.2:
        raise ValueError("The learning rate lies between 0 and 1.2 of the largest stable one.")
    yield Progress(0.1, "descending")
    descents = {}
    for scaling in SCALINGS:
        descents[scaling] = descend(scaled(numbers[:, :2], scaling), numbers[:, 2], share)
        yield Progress(0.5, f"descending, {SCALINGS[scaling]}")
    return Result(
        tuple(_contours(scaling, descent, shown) for scaling, descent in descents.items()),
        tuple(m for scaling, descent in descents.items() for m in _metrics(scaling, descent)),
    )


def _contours(scaling: str, descent: Descent, shown: int) -> Contours:
    whole = descent.path[np.isfinite(descent.path).all(axis=1)]
    reach = np.maximum(np.abs(whole - descent.best).max(axis=0), 1e-12) * 1.15
    first, second = (
        np.linspace(b - r, b + r, _GRID) for b, r in zip(descent.best, reach, strict=True)
    )
    weights = np.stack(np.meshgrid(first, second), axis=-1)
    drawn = whole[: shown + 1]
    path = Curve("descent", drawn[:, 0], drawn[None, :, 1], colour="neutral-2")
    best = Curve(
        "least squares", descent.best[:1], descent.best[None, 1:], colour="neutral-3", kind="points"
    )
    return Contours(
        scaling,
        SCALINGS[scaling],
        "weight of age",
        "weight of kilometres",
        first,
        second,
        np.log10(descent.loss(weights) + 1e-12 * descent.loss(np.zeros(2)) + 1e-300),
        (path, best),
        "log₁₀ of the loss above its minimum",
        help=f"Lines of equal loss, and up to {MOST_SHOWN} steps from weight 0. Each picture has "
        "its own units: the weights of rescaled features are other numbers for the same fit.",
    )


def _metrics(scaling: str, descent: Descent) -> tuple[Metric, ...]:
    label = SCALINGS[scaling]
    steps = np.array([np.nan if descent.arrived is None else descent.arrived], float)
    condition = np.array([descent.condition])
    outcome = "diverged" if descent.diverged else f"not within {_MOST_STEPS:,} steps"
    missing = "" if descent.arrived else outcome
    return (
        Metric(
            f"{scaling} steps",
            f"{label}: steps to {_NEAR:.0%} of the excess loss",
            steps,
            ".0f",
            missing,
        ),
        Metric(f"{scaling} condition", f"{label}: condition number", condition, missing="infinite"),
    )
