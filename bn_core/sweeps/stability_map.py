"""What a sweep has measured so far: for each arm, seed and cell how the net fared."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from bn_core.sweeps.sweep import Cell, Line, Sweep, refines

Array = np.ndarray

UNKNOWN, LEARNED, NOT_LEARNED, DIVERGED = range(4)
FATE_WORDS = ("not measured", "learned", "did not learn", "diverged")
"""What became of a net; the place of the word is the number in ``fate``."""

_MOST_RATIO = 1.5
"""Steps to learn that differ by more than this make neighbours different."""


@dataclass(frozen=True)
class LineResult:
    """The measured cells of a line of M cells, with S seeds; every array is (M, S)."""

    arm: int
    cells: tuple[Cell, ...]
    fate: Array
    """LEARNED: finite to the end, its last losses below the level; NOT_LEARNED: finite and above;
    DIVERGED: a loss was not finite."""
    learned_at: Array
    """The first step at which the mean of the last losses was below the level; infinity: never."""
    diverged_at: Array
    """The first step with a loss that was not finite; infinity: none."""
    loss: Array
    """The mean of the last training losses; infinity where a net diverged."""
    accuracy: Array
    """The share of held-out examples classified right; NaN where a net diverged or has none."""
    sick_layer: Array
    """The first layer, from 1, that was not finite in a diverged net, or that put out the same
    for all examples at the end; 0 where there is none."""


FIELDS = ("fate", "learned_at", "diverged_at", "loss", "accuracy", "sick_layer")
_BLANK = {"fate": 0, "learned_at": np.inf, "diverged_at": np.inf, "sick_layer": 0}


@dataclass(frozen=True)
class StabilityMap:
    """The cells of a sweep so far; every array is (arms, S, Y, X), as in ``LineResult``."""

    sweep: Sweep
    fate: Array
    learned_at: Array
    diverged_at: Array
    loss: Array
    accuracy: Array
    sick_layer: Array
    lines: int = 0
    """How many lines it holds."""

    @classmethod
    def empty(cls, sweep: Sweep) -> "StabilityMap":
        """Return the map of a sweep before anything is measured."""
        shape = (len(sweep.arms), len(sweep.seeds), *sweep.shape)
        kinds = {"fate": np.int8, "sick_layer": np.int16}
        arrays: dict[str, Any] = {
            name: np.full(shape, _BLANK.get(name, np.nan), kinds.get(name, np.float64))
            for name in FIELDS
        }
        return cls(sweep, **arrays)

    def extended(self, found: LineResult) -> "StabilityMap":
        """Return the map with one more line."""
        xs, ys = ([cell[i] for cell in found.cells] for i in (0, 1))
        arrays: dict[str, Any] = {name: getattr(self, name).copy() for name in FIELDS}
        for name, array in arrays.items():
            array[found.arm][:, ys, xs] = getattr(found, name).T
        return dataclasses.replace(self, **arrays, lines=self.lines + 1)

    def known(self, arm: int) -> Array:
        """Return which cells of an arm are measured, (Y, X)."""
        return self.fate[arm, 0] != UNKNOWN

    @property
    def is_complete(self) -> bool:
        """Whether every cell is measured that the sweep measures."""
        sweep = self.sweep
        for arm in range(len(sweep.arms)):
            known = self.known(arm)
            for level in range(sweep.levels):
                wanted = sweep.cells_of(level)
                if refines(level):
                    wanted &= self.near_a_change(arm, level)
                if not all(known[y, x] for x, y in wanted):
                    return False
        return True

    def near_a_change(self, arm: int, level: int) -> set[Cell]:
        """Return the cells inside those cells of the level before that differ from a neighbour.

        They differ if for any seed the fates do, or the steps to learn by a factor of 1.5.
        """
        sweep, found = self.sweep, set()
        xs, ys = sweep.indices("x", level - 1), sweep.indices("y", level - 1)
        grid = np.ix_(range(len(sweep.seeds)), ys, xs)
        fate, steps = self.fate[arm][grid], self.learned_at[arm][grid]
        wide, high = sweep.stride("x", level - 1), sweep.stride("y", level - 1)
        for row, column in zip(*np.nonzero(_differs(fate, steps)), strict=True):
            left, top = xs[column] - wide // 2, ys[row] - high // 2
            found |= {(left + i, top + j) for i in range(wide) for j in range(high)}
        return found

    def filled(self, arm: int) -> dict[str, Array]:
        """Return each array of an arm, (S, Y, X), with every cell filled that has a measured one.

        A cell that is not measured itself has the values of the middle of the finest coarser cell
        around it that is.
        """
        rows, columns, measured = self._sources(arm)
        found = {name: getattr(self, name)[arm][:, rows, columns] for name in FIELDS}
        found["fate"] = np.where(measured, found["fate"], UNKNOWN)
        return found

    def _sources(self, arm: int) -> tuple[Array, Array, Array]:
        """Return from which row and column each cell takes its values, and whether any, (Y, X)."""
        sweep, known = self.sweep, self.known(arm)
        rows, columns = np.indices(sweep.shape)
        found = known.copy()
        for level in reversed(range(sweep.levels)):
            ys, xs = (_middles(sweep, axis, level) for axis in ("y", "x"))
            coarse = known[np.ix_(ys, xs)] & ~found
            rows = np.where(coarse, ys[:, None], rows)
            columns = np.where(coarse, xs[None, :], columns)
            found |= coarse
        return rows, columns, found


def _middles(sweep: Sweep, axis: str, level: int) -> Array:
    """Return for each index along an axis the middle of the cell of a level that it lies in."""
    stride, indices = sweep.stride(axis, level), sweep.indices(axis, level)
    count = len(sweep.x_values if axis == "x" else sweep.y_values)
    return np.minimum(np.arange(count) // stride * stride + stride // 2, indices[-1])


def _differs(fate: Array, steps: Array) -> Array:
    """Return which cells of a grid (S, Y, X) differ from one of their eight neighbours, (Y, X)."""
    _, height, width = fate.shape
    found = np.zeros((height, width), bool)
    low, high = np.log(np.minimum(steps, 1e9)), np.log(_MOST_RATIO)
    for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = np.s_[:, : height - down, max(0, -across) : width - max(0, across)]
        there = np.s_[:, down:, max(0, across) : width + min(0, across)]
        apart = (fate[here] != fate[there]) | (np.abs(low[here] - low[there]) > high)
        any_seed = apart.any(axis=0)
        found[here[1:]] |= any_seed
        found[there[1:]] |= any_seed
    return found


def nothing(line: Line) -> LineResult:
    """Return the arrays of a line before anything is measured."""
    shape = len(line.cells), len(line.sweep.seeds)
    return LineResult(
        line.arm,
        line.cells,
        fate=np.zeros(shape, np.int8),
        learned_at=np.full(shape, np.inf),
        diverged_at=np.full(shape, np.inf),
        loss=np.full(shape, np.nan),
        accuracy=np.full(shape, np.nan),
        sick_layer=np.zeros(shape, np.int16),
    )
