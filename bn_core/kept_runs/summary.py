"""From the record of a run to what is kept of it."""

import warnings

import numpy as np

from bn_core.conclusion import conclude
from bn_core.diagnosis import diagnose
from bn_core.kept_runs.run import (
    LONGEST_CONCLUSION,
    LONGEST_LABEL,
    LONGEST_NOTE,
    LONGEST_STATE,
    LONGEST_TITLE,
    MOST_POINTS,
    KeptArm,
    KeptRun,
    clean,
)
from bn_core.kept_runs.text import LONGEST_RUN, serialize
from bn_core.records import Record

Array = np.ndarray

_POINTS_OF_ALL_ARMS = 240
_ROOM_FOR_EDITS = 2 * (LONGEST_TITLE + LONGEST_NOTE)
"""A name and a note come later, and each of their characters may take two in a text."""
_DIGITS = 4


def summarize(record: Record, link: str, kept_at: int) -> KeptRun:
    """Return what is kept of a run; its text fits in ``LONGEST_RUN`` whatever the run.

    ``link`` repeats the run, ``kept_at`` is in seconds since 1970. A seed that diverged counts as
    an infinite loss and an accuracy of 0.
    """
    points = min(MOST_POINTS, _POINTS_OF_ALL_ARMS // len(record.comparison.arms))
    kept = _summary(record, link, kept_at, points)
    while len(serialize(kept)) > LONGEST_RUN - _ROOM_FOR_EDITS and points > 2:
        points = 2 * points // 3
        kept = _summary(record, link, kept_at, points)
    return kept


def _summary(record: Record, link: str, kept_at: int, points: int) -> KeptRun:
    trained, measured = _spaced(record.step, points), _spaced(len(record.snapshots), points)
    losses, states = _train_losses(record, trained), diagnose(record)
    arms = tuple(
        KeptArm(
            name=arm.name,
            label=clean(arm.label, LONGEST_LABEL),
            state=clean(states[i].words, LONGEST_STATE),
            train_loss=losses[:, i],
            **_measured(record, i, measured),
        )
        for i, arm in enumerate(record.comparison.arms)
    )
    return KeptRun(
        link=link,
        kept_at=kept_at,
        steps=record.step,
        ending=record.ending.kind if record.ending else "",
        conclusion=clean(conclude(record), LONGEST_CONCLUSION),
        arms=arms,
        train_steps=trained + 1,
        measured_steps=np.array([record.snapshots[i].step for i in measured], int),
    )


def _spaced(count: int, most: int) -> Array:
    """Return at most ``most`` evenly spaced indices below ``count``, the first and the last too."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def _train_losses(record: Record, indices: Array) -> Array:
    """Return the median over the seeds of the mean over the last steps, (n, A)."""
    window = max(1, record.comparison.base.steps // 50)
    losses = np.where(np.isfinite(record.train_loss), record.train_loss, np.inf)
    means = [losses[max(0, i + 1 - window) : i + 1].mean(axis=0, dtype=np.float64) for i in indices]
    arms = len(record.comparison.arms)
    return _rounded(np.array([_median(mean) for mean in means]).reshape(-1, arms))


def _measured(record: Record, arm: int, indices: Array) -> dict[str, Array]:
    """Return the validation loss and accuracy of one arm, (3, m) each; NaN behind its end."""
    losses, accuracies = np.full((2, 3, len(indices)), np.nan)
    for place, index in enumerate(indices):
        seen = record.snapshots[index].arms[arm]
        if seen is None:
            continue
        lost = ~np.isfinite(seen.validation_loss)
        losses[:, place] = _spread(np.where(lost, np.inf, seen.validation_loss))
        accuracies[:, place] = _spread(np.where(lost, 0, seen.validation_accuracy).clip(0, 1))
    return {"validation_loss": _rounded(losses), "accuracy": _rounded(accuracies)}


def _spread(values: Array) -> tuple[float, float, float]:
    values = values.astype(np.float64)
    return float(_median(values)), float(values.min()), float(values.max())


def _median(values: Array) -> Array:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.median(values, axis=-1)


def _rounded(values: Array) -> Array:
    """Return the values as 32-bit floats of four digits: no picture shows more."""
    texts = [f"{value:.{_DIGITS - 1}e}" for value in np.asarray(values, np.float64).ravel()]
    return np.array([float(text) for text in texts], np.float32).reshape(np.shape(values))
