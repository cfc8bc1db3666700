"""Small comparisons to train, and what tests ask of their runs."""

import dataclasses

import numpy as np

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.records import NetStatistics, Record, RecordChunk
from bn_core.training import Request, Setup, train

SMALL = Config(depth=3, width=16, steps=40, batch_size=32, replicas=2)
THREE = ("none", "before", "after")


def small(*, arms: tuple[str, ...] = ("none", "before"), **changes) -> Comparison:
    """Return a comparison that trains in an instant."""
    return Comparison(SMALL.changed(changes), tuple(ARMS[name] for name in arms))


def record_with(
    comparison: Comparison, requests: dict[int, Request], setup: Setup | None = None
) -> Record:
    """Return the record of a run that is asked something before some of its steps."""
    setup = setup or Setup.of(comparison)
    training = train(comparison, setup)
    step_results = [next(training)]
    while True:
        try:
            step_results.append(training.send(requests.get(step_results[-1].step + 1)))
        except StopIteration as stop:
            record = Record(comparison, setup.probe.summary())
            return record.extended(RecordChunk.of(step_results)).ended(stop.value)


def assert_equal_runs(one: Record, other: Record) -> None:
    """Assert that two records are bit-equal but for what was asked of them and for times."""
    same_words = {"comparison": one.comparison}
    assert dataclasses.replace(other, **same_words).fingerprint() == one.fingerprint()


def numbers_of(snapshot: NetStatistics, replica: int) -> dict[str, np.ndarray]:
    """Return what a snapshot says of one replica alone."""
    mixed = {"histogram", "histogram_values", "quantile_values"}  # of all replicas
    mixed |= {"output_gradient", "boundary", "feature_maps"}  # of the first
    arrays = snapshot.arrays().items()
    return {name: array[replica] for name, array in arrays if name not in mixed}
