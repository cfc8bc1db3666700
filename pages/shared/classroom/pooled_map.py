"""A stability map that a class measures together: each student one cell or one line of it.

The server trains every cell itself; a line is computed as the page and the command of the map do
it, so a map of lines is theirs bit for bit. Cells alone agree with it up to rounding.
"""

import random
from typing import Any, Literal

import numpy as np

from bn_core.classroom import ClassError, Classroom
from bn_core.comparison import Comparison
from bn_core.sweeps.axis import values_text
from bn_core.sweeps.reading import fates
from bn_core.sweeps.stability_map import UNKNOWN, LineResult, StabilityMap
from bn_core.sweeps.sweep import Cell, Line, Sweep
from pages.shared.classroom.pooled_work import Computed, Computes, PooledWork
from pages.shared.classroom.submitted_links import check_same

Unit = Literal["cell", "line"]
MOST_LEVELS = 2
"""Levels of a class's map: where a third would refine it depends on the first two."""

Job = tuple[int, int]
"""A part, and which of its nets."""


class PooledMap(PooledWork[Job]):
    """The cells of a sweep, handed out coarse to fine; parts are numbered in that order.

    Cells of one level come in a random order, so that the map fills evenly.
    """

    def __init__(
        self,
        classroom: Classroom,
        sweep: Sweep,
        unit: Unit = "cell",
        computes: Computes | None = None,
    ) -> None:
        """Errors: ``ClassError`` for a map that a class cannot measure together."""
        if sweep.two_layers:
            raise ClassError("The Lab has no two-layer net to open a cell in: choose other axes.")
        if sweep.levels > MOST_LEVELS:
            raise ClassError("A class measures at most 24 x 24 cells: choose a smaller map.")
        if sweep.problem():
            raise ClassError(sweep.problem())
        super().__init__(classroom, sweep.comparison((0, 0)), computes)
        self.sweep, self.map = sweep, StabilityMap.empty(sweep)
        self.parts = _cells(sweep) if unit == "cell" else _lines(sweep)
        self.most_at_once = 8 if unit == "cell" else 4
        self.most_each = len(self.parts)
        self._found: set[Job] = set()

    def next_part(self) -> int:
        """Return the next part that nobody has. Errors: ``ClassError`` if all are given out."""
        free = self.left()
        if not free:
            raise ClassError("All of the map is given out.")
        return free[0]

    def left(self) -> list[int]:
        """Return the parts that nobody has, in the order in which they are handed out."""
        return [part for part in range(len(self.parts)) if part not in self._taken]

    def train_rest(self) -> None:
        """Train what no student has asked for."""
        with self._lock:
            for part in self.left():
                self._enqueue(part)

    @property
    def is_complete(self) -> bool:
        """Whether all of the map is measured, but for what could not be."""
        return all(self.is_done(n) or n in self.failed for n in range(len(self.parts)))

    def words(self) -> str:
        """Return how much of the map is given out and measured, as a sentence."""
        total, taken = len(self.parts), len(self._taken)
        done = sum(map(self.is_done, self._taken))
        return f"{done} of {total} parts are measured, {taken - done} are being trained."

    def part_of(self, comparison: Comparison) -> int:
        """Return the part with the cell of a student's run. Errors: ``ClassError``."""
        sweep = self.sweep
        place = [
            _index(values, getattr(comparison.base, axis.name), axis.spec.label)
            for axis, values in ((sweep.x, sweep.x_values), (sweep.y, sweep.y_values))
        ]
        cell = place[0], place[1]
        check_same(comparison, sweep.comparison(cell))
        return next(n for n, lines in enumerate(self.parts) if cell in lines[0].cells)

    def jobs_of(self, part: int) -> list[Job]:
        """Return the part's line of each net."""
        return [(part, arm) for arm in range(len(self.sweep.arms))]

    def part_with(self, job: Job) -> int:
        """Return the part that a job belongs to."""
        return job[0]

    def begin(self, job: Job) -> Computed:
        """Train the cells of one net. Errors: ``PoolFull``."""
        part, arm = job
        return self._computes("sweep line", line=self.parts[part][arm])

    def take(self, job: Job, result: LineResult) -> None:
        """Put what was measured into the map."""
        self.map = self.map.extended(result)
        self._found.add(job)

    def is_done(self, part: int) -> bool:
        """Return whether all nets of a part are trained."""
        return self._found.issuperset(self.jobs_of(part))

    def name_of(self, part: int) -> str:
        """Return the values of a part's cells in words."""
        cells = self.parts[part][0].cells
        sweep, said = self.sweep, list[str]()
        for at, axis, values in ((0, sweep.x, sweep.x_values), (1, sweep.y, sweep.y_values)):
            texts = values_text(values)
            ends = dict.fromkeys(texts[cell[at]] for cell in (cells[0], cells[-1]))
            said.append(f"{axis.spec.label.lower()} {' to '.join(ends)}")
        return f"{'Cell' if len(cells) == 1 else 'Line'} with {', '.join(said)}"

    def comparison_of(self, part: int) -> Comparison:
        """Return what the Lab trains for a cell, or for the middle one of a line."""
        cells = self.parts[part][0].cells
        return self.sweep.comparison(cells[len(cells) // 2])

    def known(self) -> dict[str, Any]:
        """Return the axes, and each net's measured cells as a digit each, row by row from below.

        The digit is the place of the cell's fate in ``FATE_WORDS``.
        """
        sweep = self.sweep
        x = {"label": sweep.x.spec.label, "values": values_text(sweep.x_values)}
        y = {"label": sweep.y.spec.label, "values": values_text(sweep.y_values)}
        nets = [
            {"label": arm.label, "fates": self._digits(place)}
            for place, arm in enumerate(sweep.arms)
        ]
        total, left = len(self.parts), len(self.left())
        return {"kind": "map", "x": x, "y": y, "nets": nets, "total": total, "left": left}

    def _digits(self, arm: int) -> str:
        measured = np.where(self.map.known(arm), fates(self.map, arm), UNKNOWN)
        return "".join(map(str, measured.ravel().tolist()))

    def told(self, student: str) -> dict[str, Any]:
        """Return a student's last part with its cells, as their places in the digits of a net."""
        found = super().told(student)
        if found:
            columns = self.sweep.shape[1]
            cells = self.parts[found["part"]][0].cells
            found["cells"] = [y * columns + x for x, y in cells]
        return found


def _lines(sweep: Sweep) -> list[tuple[Line, ...]]:
    """Return the lines of all levels, those of all nets with the same cells together."""
    together: dict[tuple[Cell, ...], list[Line]] = {}
    for level in range(sweep.levels):
        for line in sweep.lines(level):
            together.setdefault(line.cells, []).append(line)
    return [tuple(lines) for lines in together.values()]


def _cells(sweep: Sweep) -> list[tuple[Line, ...]]:
    """Return each cell as a line of its own, level by level, in a random order that is fixed."""
    ordered: dict[Cell, None] = {}
    for level in range(sweep.levels):
        cells = sorted(sweep.cells_of(level) - ordered.keys())
        random.Random(level).shuffle(cells)
        ordered |= dict.fromkeys(cells)
    arms = range(len(sweep.arms))
    return [tuple(Line(sweep, arm, (cell,)) for arm in arms) for cell in ordered]


def _index(values: tuple[Any, ...], value: Any, label: str) -> int:
    """Return where a value stands on an axis. Errors: ``ClassError``."""
    if value not in values:
        texts = ", ".join(values_text(values))
        raise ClassError(f"{label}: the class's map has {texts}; this run has {value:g}.")
    return values.index(value)
