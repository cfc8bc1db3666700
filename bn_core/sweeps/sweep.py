"""What a sweep is: a base config, two axes, arms; and into which lines its cells are cut."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bn_core.arms import ARMS, Arm
from bn_core.comparison import MOST_OPERATIONS, Comparison
from bn_core.config import SETTINGS, Config
from bn_core.settings import SettingError
from bn_core.sweeps.axis import RATES_OF_LAYERS, Axis, Value

if TYPE_CHECKING:
    from bn_core.sweeps.stability_map import StabilityMap

SIZES = (8, 24, 72)
"""Cells along each axis at each level: a cell of one level is three by three of the next."""

MOST_SWEPT_ARMS = 4
MOST_SWEPT_SEEDS = 3
MOST_TOTAL_OPERATIONS = 6e12
"""Multiply-adds that a whole sweep may take: some minutes of two cores."""

PER_REPLICA_SETTINGS = ("learning_rate", "weight_decay", "gain")
"""Settings that differ between replicas of one batch, so that a line is trained at once."""

USUAL_BASE: dict[str, object] = {
    "width": 32,
    "depth": 5,
    "initialization": "he",
    "steps": 200,
    "replicas": 1,
}
"""What of a sweep's base differs from the Lab's usual net: small and quick, so that many train."""

Cell = tuple[int, int]
"""Index along x and index along y."""


def usual_base() -> Config:
    """Return the config of a sweep that says nothing else."""
    return Config().changed(USUAL_BASE)


@dataclass(frozen=True)
class Sweep:
    """A grid of nets: ``x`` and ``y`` are swept, everything else is the base's.

    ``size`` cells along each axis, fewer where a setting has fewer whole numbers. ``double``
    computes in float64. With the axes ``rate_1`` and ``rate_2`` the net is the two-layer tanh net
    of Sohl-Dickstein (2024), of which the base gives seed, seeds and steps alone.
    Errors: ``SettingError``.
    """

    base: Config = dataclasses.field(default_factory=usual_base)
    x: Axis = dataclasses.field(default_factory=lambda: Axis.usual("learning_rate"))
    y: Axis = dataclasses.field(default_factory=lambda: Axis.usual("batch_size"))
    arms: tuple[Arm, ...] = (ARMS["none"], ARMS["before"])
    size: int = 24
    double: bool = False

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            raise SettingError(f"The size of a map is one of: {', '.join(map(str, SIZES))}.")
        if self.x.name == self.y.name:
            raise SettingError("The two axes of a map are two different settings.")
        of_layers = {self.x.name, self.y.name} & set(RATES_OF_LAYERS)
        if of_layers and {self.x.name, self.y.name} != set(RATES_OF_LAYERS):
            raise SettingError("The rates of the two layers belong together: choose both of them.")
        names = [arm.name for arm in self.arms]
        if not 1 <= len(names) <= MOST_SWEPT_ARMS or len(set(names)) != len(names):
            raise SettingError(f"A map has 1 to {MOST_SWEPT_ARMS} different nets.")
        if self.two_layers and not set(names) <= {"none", "before"}:
            raise SettingError("The two-layer net comes without normalization and with BN before.")
        if self.base.rate_changes:  # a rate is an axis, not a plan
            object.__setattr__(self, "base", self.base.changed({"rate_changes": ()}))

    @property
    def two_layers(self) -> bool:
        """Whether the net is the two-layer one, which is none of the Lab's."""
        return self.x.name in RATES_OF_LAYERS

    @cached_property
    def x_values(self) -> tuple[Value, ...]:
        """The values of the setting along x, ascending, (X,)."""
        return self.x.values(self.size)

    @cached_property
    def y_values(self) -> tuple[Value, ...]:
        """The values of the setting along y, ascending, (Y,)."""
        return self.y.values(self.size)

    @property
    def shape(self) -> tuple[int, int]:
        """Cells along y and along x."""
        return len(self.y_values), len(self.x_values)

    @property
    def levels(self) -> int:
        """How many times the map is drawn, each time finer."""
        return SIZES.index(self.size) + 1

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that every cell is trained with."""
        return tuple(range(self.base.seed, self.base.seed + self.base.replicas))

    def comparison(self, cell: Cell) -> Comparison:
        """Return what the Lab trains for a cell. Errors: ``ValueError`` for the two-layer net."""
        if self.two_layers:
            raise ValueError("The two-layer net is none of the Lab's.")
        x, y = cell
        changes = {self.x.name: self.x_values[x], self.y.name: self.y_values[y]}
        return Comparison(self.base.changed(changes), self.arms)

    @property
    def along_x(self) -> bool:
        """Whether a line runs along x: that is the axis whose cells are trained at once."""
        return (
            self.two_layers
            or self.x.name in PER_REPLICA_SETTINGS
            or self.y.name not in PER_REPLICA_SETTINGS
        )

    def stride(self, axis: str, level: int) -> int:
        """Return how many cells of an axis, "x" or "y", one cell of a level stands for."""
        count = len(self.x_values if axis == "x" else self.y_values)
        most = max(0, self.levels - 1 - level)
        powers = range(most + 1)
        return 3 ** min(powers, key=lambda k: abs(math.log(count / 3**k / SIZES[level])))

    def indices(self, axis: str, level: int) -> range:
        """Return the indices along an axis at which a level measures: the middles of its cells."""
        stride = self.stride(axis, level)
        count = len(self.x_values if axis == "x" else self.y_values)
        return range(min(stride // 2, count - 1), count, stride)

    def cells_of(self, level: int) -> set[Cell]:
        """Return all cells of the grid of a level."""
        return {(x, y) for x in self.indices("x", level) for y in self.indices("y", level)}

    def problem(self) -> str:
        """Return why this sweep cannot be computed, with what to change; empty if it can."""
        if self.base.replicas > MOST_SWEPT_SEEDS:
            return (
                f"A map is trained with at most {MOST_SWEPT_SEEDS} seeds; the nets have "
                f"{self.base.replicas}. Lower the seeds at once."
            )
        try:
            sizes = self.shape
        except SettingError as error:
            return str(error)
        if min(sizes) < 2:
            return "An axis needs at least two values: widen its range."
        return "" if self.two_layers else self._misfit()

    def _misfit(self) -> str:
        """Return what cannot be trained somewhere on the edges of the map, or is too much."""
        width, height = len(self.x_values), len(self.y_values)
        edges = {(x, y) for x in range(width) for y in (0, height - 1)}
        edges |= {(x, y) for x in (0, width - 1) for y in range(height)}
        most = 0.0
        for cell in sorted(edges):
            try:
                comparison = self.comparison(cell)
            except SettingError as error:
                return str(error)
            if comparison.problem():
                return comparison.problem()
            most = max(most, comparison.operations())
        cells = width * height if self.size != SIZES[-1] else width * height / 3
        share = most * self.base.steps * cells / 2 / MOST_TOTAL_OPERATIONS
        at_once = most * (width if self.along_x else height) / (10 * MOST_OPERATIONS)
        if max(share, at_once) > 1:
            return (
                f"This map is {max(share, at_once):.1f} times heavier than one visitor may "
                "compute. Lower its size, the steps, or the width, depth or batch size of its nets."
            )
        return ""

    def lines(self, level: int, known: "StabilityMap | None" = None) -> Iterator["Line"]:
        """Return the tasks of a level: what it measures and no earlier level has, line by line.

        Which cells these are follows from the sweep; on the third level also from the complete map
        of the levels before, ``known``: there only cells near a change are measured.
        """
        earlier = self.cells_of(level - 1) if level else set()
        for arm in range(len(self.arms)):
            wanted = self.cells_of(level) - earlier
            if refines(level):
                assert known is not None, "what is refined depends on what was found"
                wanted &= known.near_a_change(arm, level)
            across = 1 if self.along_x else 0
            for fixed in sorted({cell[across] for cell in wanted}):
                cells = sorted(cell for cell in wanted if cell[across] == fixed)
                yield Line(self, arm, tuple(cells))


def refines(level: int) -> bool:
    """Return whether a level measures only cells near a change."""
    return level == len(SIZES) - 1


@dataclass(frozen=True)
class Line:
    """One task: the cells of one arm on one line of the grid, trained together.

    A net computes the same alone and in company only up to rounding. So the line is the unit: its
    cells follow from the sweep, never from who computes it, and its numbers repeat bit for bit.
    """

    sweep: Sweep
    arm: int
    cells: tuple[Cell, ...]

    @property
    def label(self) -> str:
        """What is trained, in a few words."""
        axis = self.sweep.y if self.sweep.along_x else self.sweep.x
        values = self.sweep.y_values if self.sweep.along_x else self.sweep.x_values
        fixed = values[self.cells[0][1 if self.sweep.along_x else 0]]
        name = SETTINGS[axis.name].label if axis.name in SETTINGS else axis.spec.label
        return f"{self.sweep.arms[self.arm].label}, {name.lower()} {fixed:.3g}"
