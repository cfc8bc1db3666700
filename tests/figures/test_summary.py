"""The table and the sentences hold the record's numbers and no others."""

import dataclasses

import numpy as np

from bn_core.figures.summary import ending_words, rows
from bn_core.records import Ending, Record
from tests.figures.invented import make_record, with_divergence


def test_rows_are_medians_over_finite_seeds() -> None:
    record = with_divergence(make_record(), 1, (2,), 31)
    snapshot = record.snapshots[-1].arms[1]
    assert snapshot is not None
    snapshot.validation_loss[:] = (0.3, 0.5, np.nan)
    snapshot.validation_accuracy[:] = (0.9, 0.8, 0.1)
    row = rows(record)[1]
    assert (row.arm, row.label, row.finite_seeds, row.seeds) == ("before", "BN before", 2, 3)
    loss, share = row.validation_loss, row.validation_accuracy
    np.testing.assert_allclose([loss.median, loss.low, loss.high], [0.4, 0.3, 0.5], rtol=1e-6)
    np.testing.assert_allclose([share.median, share.low, share.high], [0.85, 0.8, 0.9], rtol=1e-6)
    last = record.train_loss[-2:, 1, :2].mean(axis=0)
    np.testing.assert_allclose(row.train_loss.median, np.median(last), rtol=1e-6)
    assert row.state == "training; 1 of 3 seeds diverged"


def test_time_is_per_step_taken() -> None:
    record = with_divergence(make_record(), 0, (0, 1, 2), 20)
    record.seconds[:] = (0.02, 0.08, 0.04)
    assert np.allclose([row.milliseconds_per_step for row in rows(record)], [1, 2, 1])
    assert np.isnan(rows(make_record(trained=0))[0].milliseconds_per_step)


def test_an_arm_that_is_gone_has_no_numbers() -> None:
    row = rows(with_divergence(make_record(), 0, (0, 1, 2), 13))[0]
    assert row.state == "diverged at step 13" and row.finite_seeds == 0
    assert np.isnan([row.train_loss.median, row.validation_loss.low]).all()


def test_every_case_has_rows_and_words(any_record: Record) -> None:
    assert len(rows(any_record)) == len(any_record.comparison.arms)
    for kind in ("finished", "stopped", "diverged", "failed"):
        ended = dataclasses.replace(any_record, ending=Ending(kind, 40, "the worker was lost"))
        assert ending_words(ended).endswith(".")


def test_endings_in_words() -> None:
    record = with_divergence(make_record(), 2, (2,), 31)
    told = "BN after: seed 12 diverged at step 31; layer 4 went non-finite first (its weights)."
    assert ending_words(record) == f"40 of 100 steps so far. {told}"
    finished = ending_words(record.ended(Ending("finished", 100)))
    assert finished.startswith("Finished: No norm, BN before and BN after trained for 100 steps.")
    failed = ending_words(make_record().ended(Ending("failed", 40, "Out of memory.")))
    assert failed == "Failed after 40 steps: Out of memory."
    out = dataclasses.replace(record.divergences[0], layer=6)
    assert "the output layer went" in ending_words(dataclasses.replace(record, divergences=(out,)))
