"""Seeds that a class trains together: each student one, and the accuracies of all are shown."""

import dataclasses
import itertools
from typing import Any

import numpy as np

from bn_core.classroom import ClassError, Classroom
from bn_core.classroom.classroom import MOST_STUDENTS
from bn_core.comparison import Comparison
from bn_core.figures.theme import PALETTES, arm_styles
from bn_core.settings import SettingError
from pages.shared.classroom.pooled_work import Computed, Computes, PooledWork
from pages.shared.classroom.submitted_links import check_same

_FREE = frozenset({"seed", "replicas", "steps"})
"""What may differ in a run that a student submits: of its seeds the first is trained, for as many
steps as those of the others."""


class PooledRuns(PooledWork[int]):
    """The same nets with one seed for each student; the number of a part is its seed."""

    def __init__(
        self, classroom: Classroom, comparison: Comparison, computes: Computes | None = None
    ) -> None:
        """Errors: ``ClassError`` for nets that a class cannot train together."""
        super().__init__(classroom, comparison, computes)
        base = dataclasses.replace(comparison.base, rate_changes=())
        self.comparison = Comparison(base, comparison.arms)
        try:
            self.comparison_of(base.seed + 2 * MOST_STUDENTS)
        except SettingError as problem:
            raise ClassError(f"{problem} Choose a smaller seed in the Lab.") from None
        self.accuracies: dict[int, list[float]] = {}
        """The accuracy of each net by the seed."""

    def next_part(self) -> int:
        """Return the next seed that nobody has. Errors: ``ClassError`` if there are enough."""
        self._check_room()
        return next(s for s in itertools.count(self.comparison.base.seed) if s not in self._taken)

    def part_of(self, comparison: Comparison) -> int:
        """Return the seed of a student's run. Errors: ``ClassError`` if anything else differs."""
        check_same(comparison, self.comparison, _FREE)
        self._check_room()
        return comparison.base.seed

    def _check_room(self) -> None:
        if len(self._taken) >= MOST_STUDENTS:
            raise ClassError("All seeds are given out.")

    def jobs_of(self, part: int) -> tuple[int, ...]:
        """Return the seed: all nets are trained with it in one computation."""
        return (part,)

    def part_with(self, job: int) -> int:
        """Return the seed itself."""
        return job

    def comparison_of(self, part: int) -> Comparison:
        """Return the nets with one seed."""
        base = dataclasses.replace(self.comparison.base, seed=part, replicas=1)
        return Comparison(base, self.comparison.arms)

    def begin(self, job: int) -> Computed:
        """Train the nets with a seed. Errors: ``PoolFull``."""
        return self._computes("trained link", comparison=self.comparison_of(job))

    def take(self, job: int, result: Any) -> None:
        """Take in the accuracy of each net; a net that diverged has none, and counts as 0."""
        found = [float(metric.values[0]) for metric in result.metrics]
        self.accuracies[job] = [0.0 if np.isnan(value) else value for value in found]

    def is_done(self, part: int) -> bool:
        """Return whether a seed's nets are trained."""
        return part in self.accuracies

    def name_of(self, part: int) -> str:
        """Return the seed in words."""
        return f"Seed {part}"

    def known(self) -> dict[str, Any]:
        """Return the trained seeds, and for each net its accuracies in the same order."""
        rows = sorted(self.accuracies.items())
        styles = arm_styles(self.comparison.arms)
        nets = [
            {
                "label": arm.label,
                "light": PALETTES["light"][style.colour[1:]],
                "dark": PALETTES["dark"][style.colour[1:]],
                "accuracies": [round(row[place], 4) for _, row in rows],
            }
            for place, (arm, style) in enumerate(zip(self.comparison.arms, styles, strict=True))
        ]
        return {"kind": "seeds", "seeds": [seed for seed, _ in rows], "nets": nets}
