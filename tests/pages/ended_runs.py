"""Runs and experiments that are over, without the time that they take."""

import numpy as np

from bn_core.comparison import Comparison
from bn_core.records import Ending, Record
from bn_core.results import Result, Verdict
from tests.verdict_records import SUMMARY


class Held:
    """A run of the Lab, or an experiment, that is over."""

    def __init__(self, record: Record | None = None, verdict: Verdict | None = None) -> None:
        self.record, self.verdict, self.failure = record, verdict, ""

    def result(self) -> Result:
        return Result()


def finished(comparison: Comparison) -> Record:
    """Return the record of a run to its end, of which nothing was measured."""
    base = comparison.base
    losses = np.zeros((base.steps, len(comparison.arms), base.replicas), np.float32)
    ending = Ending("finished", base.steps)
    return Record(comparison, SUMMARY, (), losses, np.ones(len(comparison.arms)), (), ending=ending)
