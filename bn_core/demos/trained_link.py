"""A comparison trained from start to end in front of a reader who has predicted its outcome."""

import numpy as np

from bn_core.comparison import ARMS, Comparison
from bn_core.records import Record, RecordChunk, StepResult
from bn_core.results import Curve, Metric, Panel, Progress, Result, TaskGenerator
from bn_core.training import Setup, train

_REPORTS = 8
"""How many times the curves are shown while the nets train."""


def trained_link(comparison: Comparison) -> TaskGenerator:
    """Train a comparison to its end; ``facts`` hold its record, as the Lab would have it.

    Errors: ``ValueError`` if the comparison cannot be trained.
    """
    if comparison.problem():
        raise ValueError(comparison.problem())
    setup, steps = Setup.of(comparison), comparison.base.steps
    record, taken = Record(comparison, setup.probe.summary()), list[StepResult]()
    for found in train(comparison, setup):
        taken.append(found)
        partial = None
        if found.step % max(steps // _REPORTS, 1) == 0:
            record, taken = record.extended(RecordChunk.of(taken)), []
            partial = _result(record)
        yield Progress(found.step / steps, f"step {found.step} of {steps}", partial)
        if found.ending is not None:
            record = record.extended(RecordChunk.of(taken)) if taken else record
            record = record.ended(found.ending)
    return _result(record)


def _result(record: Record) -> Result:
    accuracies = [_accuracies(record, arm) for arm in range(len(record.comparison.arms))]
    steps = np.array([snapshot.step for snapshot in record.snapshots])
    named = list(zip(record.comparison.arms, accuracies, strict=True))
    curves = tuple(
        # Only registered nets have a colour of their own.
        Curve(arm.label, steps, found, arm=arm.name if arm.name in ARMS else "", tone=place)
        for place, (arm, found) in enumerate(named)
    )
    panel = Panel(
        "accuracy",
        "Validation accuracy",
        "step",
        "accuracy",
        curves,
        y_range=(-0.03, 1.03),
        help="The same nets as in the Lab, from the link of this question.",
    )
    metrics = tuple(
        Metric(arm.name, f"Accuracy, {arm.label}", found[:, -1], ".1%", "diverged")
        for arm, found in named
        if found.shape[1]
    )
    return Result((panel,), metrics, {"record": record})


def _accuracies(record: Record, arm: int) -> np.ndarray:
    """Return the accuracy of each seed at each snapshot, (K, n); 0 once it has diverged."""
    rows = []
    for snapshot in record.snapshots:
        seen = snapshot.arms[arm]
        if seen is None:
            rows.append(np.zeros(record.configs[arm].replicas))
        else:
            rows.append(np.where(np.isfinite(seen.validation_loss), seen.validation_accuracy, 0.0))
    return np.array(rows).reshape(len(rows), -1).T
