"""Which entries of an activation share one mean and one variance, or one mean square.

That is the whole difference between the normalizations. The layers cut their tensors by these
rules, and a page that draws the groups asks the same rules; no torch is needed to ask.

An activation (K, N, C) or (K, N, C, S), for K replicas, N examples, C units and S positions, is
seen as (K, ghosts, examples, groups, units, positions): ghosts cut the examples, groups the units.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

OVER_EXAMPLES = (2, 5)
"""Axes of the cut that a mean over the examples and positions of one unit is taken over."""

WITHIN_EXAMPLE = (4, 5)
"""Axes of the cut that a mean over the units and positions of one example is taken over."""


@dataclass(frozen=True)
class Grouping:
    """How activations are cut, and the axes of the cut over which moments are taken."""

    axes: tuple[int, ...]
    groups: int = 1
    ghost_size: int | None = None

    def parts(self, examples: int) -> list[tuple[int, int]]:
        """Return how the batch is taken apart: (examples, ghosts of one size) for each part.

        What is left over joins the last ghost batch, so that none has fewer examples than it
        should: a ghost batch of one or two would have no variance worth the name.
        """
        if self.ghost_size is None or examples < 2 * self.ghost_size:
            return [(examples, 1)]
        ghosts, rest = divmod(examples, self.ghost_size)
        if not rest:
            return [(examples, ghosts)]
        last = self.ghost_size + rest
        return [(examples - last, ghosts - 1), (last, 1)]

    def cut(self, shape: Sequence[int], ghosts: int = 1) -> tuple[int, ...]:
        """Return the shape that (K, N, C) or (K, N, C, S) is seen in; see the module's words.

        Errors: ``ValueError`` if the groups do not divide the units, or the ghosts the examples.
        """
        replicas, examples, units, *rest = shape
        if units % self.groups:
            raise ValueError(f"{units} units cannot be split into {self.groups} equal groups.")
        if examples % ghosts:
            raise ValueError(f"{examples} examples cannot be split into {ghosts} equal ghosts.")
        inside = (self.groups, units // self.groups, math.prod(rest))
        return (replicas, ghosts, examples // ghosts, *inside)

    def labels(self, shape: tuple[int, int, int]) -> np.ndarray:
        """Return the group of each entry of one replica's (N, C, S), counted from 0."""
        labelled: list[np.ndarray] = []
        begun = 0
        for examples, ghosts in self.parts(shape[0]):
            whole = self.cut((1, examples, *shape[1:]), ghosts)
            kept = [1 if axis in self.axes else size for axis, size in enumerate(whole)]
            labels = begun + np.arange(math.prod(kept)).reshape(kept)
            labelled.append(np.broadcast_to(labels, whole).reshape(examples, *shape[1:]))
            begun += math.prod(kept)
        return np.concatenate(labelled)


def grouping(name: str, units: int, *, groups: int = 8, ghost_size: int = 16) -> Grouping:
    """Return the grouping of a normalization by its name in ``Config.normalization``.

    ``groups`` matters to group norm only, ``ghost_size`` to ghost batch norm only.
    """
    match name:
        case "batch" | "renorm":
            return Grouping(OVER_EXAMPLES)
        case "ghost":
            return Grouping(OVER_EXAMPLES, ghost_size=ghost_size)
        case "layer" | "rms":
            return Grouping(WITHIN_EXAMPLE)
        case "group":
            return Grouping(WITHIN_EXAMPLE, groups=groups)
        case "instance":
            return Grouping(WITHIN_EXAMPLE, groups=units)
        case _:
            raise ValueError(f"No normalization is called {name!r}.")


def groups_of(
    name: str, shape: tuple[int, int, int], *, groups: int = 8, ghost_size: int = 16
) -> np.ndarray:
    """Label each entry of a tensor with the group whose mean and variance normalize it.

    ``shape`` is (N, C, S): examples, units, positions (1 for the vectors of an MLP). Integers of
    that shape, counted from 0; -1 everywhere for "none". The layers use the same ``Grouping``.
    """
    if name == "none":
        return np.full(shape, -1)
    return grouping(name, shape[1], groups=groups, ghost_size=ghost_size).labels(shape)
