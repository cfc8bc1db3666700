"""A curve that a reader drew before the run, compared with the median curve of the run.

A sketch is a row of points (step, value), joined by straight lines; T steps, K seeds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bn_core.figures import record_queries as queries
from bn_core.records import Record

Array = np.ndarray

MOST_POINTS = 200
CLOSE = 0.05
"""A mean gap below this share of the axis is called close: a twentieth of its height."""

GRID = 101
"""Places between the ends of both curves at which they are compared."""


class SketchError(ValueError):
    """A drawing that cannot be compared; the message says what to draw."""


@dataclass(frozen=True)
class Sketch:
    """A drawn curve: steps that rise, (P,), and a value at each."""

    steps: Array
    values: Array


@dataclass(frozen=True)
class Stretch:
    """Steps between which the drawing was above or below the run by more than "close"."""

    begin: float
    end: float
    too_high: bool

    @property
    def words(self) -> str:
        """Return its steps."""
        return f"{self.begin:,.0f} to {self.end:,.0f}"


@dataclass(frozen=True)
class Gap:
    """How far a drawing was from a run.

    ``mean`` is the area between the curves over the steps compared, as a share of the axis'
    height: 0 for the same curve, 1 for one at the other end of the axis throughout.
    """

    mean: float
    mean_too_high: float
    mean_too_low: float
    steps: Array  # (G,)
    drawn: Array  # (G,)
    run: Array  # (G,)
    stretches: tuple[Stretch, ...]
    words: str


def read_sketch(points: Sequence[Sequence[float]], last_step: int, top: float) -> Sketch:
    """Return a sketch from points a browser sent, in any order; the last at a step counts.

    Steps are held to 0 to ``last_step`` and values to 0 to ``top``. Errors: ``SketchError``.
    """
    if not isinstance(points, list | tuple) or not 2 <= len(points) <= MOST_POINTS:
        raise SketchError(f"A drawing has 2 to {MOST_POINTS} points: draw from left to right.")
    held: dict[float, float] = {}
    for point in points:
        if not _is_point(point):
            raise SketchError("A drawing is made of points, two finite numbers each.")
        step, value = (float(number) for number in point)
        held[min(max(step, 0.0), float(last_step))] = min(max(value, 0.0), top)
    if len(held) < 2:
        raise SketchError("The points lie above each other: draw from left to right.")
    steps = np.array(sorted(held))
    return Sketch(steps, np.array([held[step] for step in steps]))


def _is_point(point: object) -> bool:
    if not isinstance(point, list | tuple) or len(point) != 2:
        return False
    return all(
        isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
        for number in point
    )


def median_curve(record: Record, arm: int, curve: str) -> tuple[Array, Array]:
    """Return steps (T,) and the median over seeds of one of the curves that can be drawn, (T,).

    A seed that diverged counts as an infinite loss or an accuracy of 0. Errors: ``ValueError``.
    """
    match curve:
        case "training_loss":
            losses = queries.worst_for_lost(record.train_loss[:, arm], np.inf)
            return np.arange(1, record.step + 1), _medians(losses)
        case "validation_loss":
            found = queries.validation_losses(record, arm)
        case "validation_accuracy":
            found = np.nan_to_num(queries.accuracies(record, arm))
        case _:
            raise ValueError(f"There is no curve “{curve}” to draw.")
    return queries.snapshot_steps(record).astype(float), _medians(found)


def _medians(values: Array) -> Array:
    return np.sort(values, axis=1)[:, [(values.shape[1] - 1) // 2, values.shape[1] // 2]].mean(1)


def compare(sketch: Sketch, steps: Array, values: Array, top: float) -> Gap:
    """Return how far a sketch is from a curve, over the steps that both cover.

    gap = mean over the grid of |drawn - run| / top; values beyond ``top``, the end of the axis,
    count as ``top``. Errors: ``SketchError`` if the two do not overlap.
    """
    low, high = max(sketch.steps[0], float(steps[0])), min(sketch.steps[-1], float(steps[-1]))
    if not high > low:
        raise SketchError("The drawing and the run share no steps: draw over the whole width.")
    grid = np.linspace(low, high, GRID)
    drawn = np.interp(grid, sketch.steps, sketch.values)
    run = np.interp(grid, steps, np.minimum(values, top))
    apart = (drawn - run) / top
    stretches = _stretches(grid, apart)
    too_high, too_low = (float(np.maximum(sign * apart, 0).mean()) for sign in (1, -1))
    ends = _end_words(f"step {high:,.0f}", float(drawn[-1]), float(run[-1]), top)
    words = f"{_words(too_high + too_low, stretches)}{ends}"
    return Gap(too_high + too_low, too_high, too_low, grid, drawn, run, stretches, words)


def _stretches(grid: Array, apart: Array) -> tuple[Stretch, ...]:
    """Return the stretches of the grid where the curves are not close, in order."""
    sides = np.where(apart > CLOSE, 1, np.where(apart < -CLOSE, -1, 0))
    edges = np.flatnonzero(np.diff(sides)) + 1
    begins, ends = [0, *edges], [*(edges - 1), len(grid) - 1]
    return tuple(
        Stretch(float(grid[begin]), float(grid[end]), bool(sides[begin] > 0))
        for begin, end in zip(begins, ends, strict=True)
        if sides[begin]
    )


def _end_words(where: str, drawn: float, run: float, top: float) -> str:
    """Return both values where the shorter of the two curves ends."""
    beyond = " or more, beyond the axis" if run >= top else ""
    return f" At {where} you drew {drawn:.2g}; the run has {run:.2g}{beyond}."


def _words(mean: float, stretches: tuple[Stretch, ...]) -> str:
    share = f"on average {mean:.0%} of the axis apart"
    if mean <= CLOSE and not stretches:
        return f"Right: your curve stays close to the run, {share}."
    longest = sorted(stretches, key=lambda one: one.begin - one.end)[:2]
    longest.sort(key=lambda one: one.begin)
    said = " and ".join(
        f"too {'high' if too_high else 'low'} from step {' and from '.join(between)}"
        for too_high in (True, False)
        if (between := [one.words for one in longest if one.too_high is too_high])
    )
    first = "Nearly right" if mean <= 2 * CLOSE else "Not this time"
    where = f": your curve was {said}, {share}" if said else f": {share}"
    return f"{first}{where}."
