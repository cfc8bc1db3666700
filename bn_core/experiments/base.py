"""What experiments share: the shape of an experiment, and its progress."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bn_core.results import ExperimentSpec, Progress, Result, TaskGenerator, Verdict
from bn_core.training import Trainer

__all__ = ["Experiment", "PartialResult", "Trainer", "progress", "steps_to_reach", "whole"]

Array = np.ndarray
PartialResult = dict[str, Any]
"""What one part of an experiment brings: plain numbers and arrays; "whole" once it has ended."""


@dataclass(frozen=True)
class Experiment:
    """An experiment: what it is, how its parts run, what they add up to, what that says.

    ``part(name, seeds, quick)`` yields progress, with the piece so far as ``partial``, and returns
    the piece. ``conclude`` makes the finding of the pieces there are, whole or not; ``judge``
    reads nothing but the finding.
    """

    about: ExperimentSpec
    part: Callable[[str, int, bool], TaskGenerator]
    conclude: Callable[[Mapping[str, PartialResult]], Result]
    judge: Callable[[Result], Verdict]


def steps_to_reach(level: float, steps: Array, values: Array) -> Array:
    """Return for each seed the first step at which ``values`` (R, T) reach a level; else NaN."""
    reached = values >= level
    first = np.where(reached.any(axis=1), steps[reached.argmax(axis=1)], np.nan)
    return first.astype(float)


def progress(done: int, total: int, words: str, piece: PartialResult | None = None) -> Progress:
    """Return how far a part is, with its piece so far."""
    return Progress(done / max(total, 1), words, piece)


def whole(piece: PartialResult) -> PartialResult:
    """Return a piece marked as complete."""
    return piece | {"whole": True}
