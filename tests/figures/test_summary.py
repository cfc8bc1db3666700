"""The table and the sentences hold the record's numbers and no others."""

import dataclasses

import numpy as np

from bn_core.figures.summary import Range, ending_words, rows
from bn_core.records import Ending, Record
from tests.figures.invented import make_record, with_divergence


def test_rows_are_medians_in_which_a_lost_seed_is_the_worst() -> None:
    record = with_divergence(make_record(), 1, (2,), 31)
    snapshot = record.snapshots[-1].arms[1]
    assert snapshot is not None
    snapshot.validation_loss[:] = (0.3, 0.5, np.nan)
    # The net that is gone would have been the best, had it been asked.
    snapshot.validation_accuracy[:] = (0.9, 0.8, 0.99)
    row = rows(record)[1]
    assert (row.arm, row.label, row.finite_seeds, row.seeds) == ("before", "BN before", 2, 3)
    loss, share = row.validation_loss, row.validation_accuracy
    np.testing.assert_allclose([loss.median, loss.low, loss.high], [0.5, 0.3, np.inf], rtol=1e-6)
    np.testing.assert_allclose([share.median, share.low, share.high], [0.8, 0, 0.9], rtol=1e-6)
    last = record.train_loss[-2:, 1, :2].mean(axis=0)
    np.testing.assert_allclose(row.train_loss.median, last.max(), rtol=1e-6)
    assert row.state == "training; 1 of 3 seeds diverged"
    assert loss.words(".3f") == "1 of 3 diverged; the other 2: 0.300 to 0.500"
    assert share.words(".0%") == "1 of 3 diverged; the other 2: 80 % to 90 %"


def test_most_seeds_lost_leave_no_finite_loss() -> None:
    record = with_divergence(make_record(), 1, (0, 2), 31)
    row = rows(record)[1]
    assert row.validation_loss.median == np.inf and row.validation_accuracy.median == 0
    last = float(record.train_loss[-2:, 1, 1].mean())
    assert row.train_loss.words(".3f") == f"2 of 3 diverged; the third: {last:.3f}"


def test_ends_that_read_alike_are_said_once() -> None:
    assert Range(0.0031, 0.0029, 0.0034, 0, 3).words(".3f") == "0.003"
    assert Range(0.0031, 0.0029, 0.0044, 0, 3).words(".3f") == "0.003 (0.003 to 0.004)"


def test_a_seed_lost_after_the_newest_snapshot_is_lost() -> None:
    record = with_divergence(make_record(), 1, (0,), 39)
    record = dataclasses.replace(record, snapshots=record.snapshots[:-2])
    assert rows(record)[1].validation_loss.high == np.inf


def test_time_is_per_step_taken() -> None:
    record = with_divergence(make_record(), 0, (0, 1, 2), 20)
    record.seconds[:] = (0.02, 0.08, 0.04)
    assert np.allclose([row.milliseconds_per_step for row in rows(record)], [1, 2, 1])
    assert np.isnan(rows(make_record(trained=0))[0].milliseconds_per_step)


def test_an_arm_that_is_gone_is_said_to_have_diverged() -> None:
    row = rows(with_divergence(make_record(), 0, (0, 1, 2), 13))[0]
    assert row.state == "diverged at step 13" and row.finite_seeds == 0
    for found in (row.train_loss, row.validation_loss, row.validation_accuracy):
        assert found.words(".3f") == "diverged"
    assert row.validation_accuracy.median == 0


def test_before_the_first_step_there_is_no_training_loss() -> None:
    row = rows(make_record(trained=0))[0]
    assert np.isnan(row.train_loss.median) and row.train_loss.words(".3f") == "-"


def test_every_case_has_rows_and_words(any_record: Record) -> None:
    assert len(rows(any_record)) == len(any_record.comparison.arms)
    for kind in ("finished", "stopped", "diverged", "failed"):
        ended = dataclasses.replace(any_record, ending=Ending(kind, 40, "the worker was lost"))
        assert ending_words(ended).endswith(".")


def test_endings_in_words() -> None:
    record = with_divergence(make_record(), 2, (2,), 31)
    told = "BN after: seed 12 diverged at step 31; layer 4 (its weights) went non-finite first."
    assert ending_words(record) == f"40 of 100 steps trained. {told}"
    finished = ending_words(record.ended(Ending("finished", 100)))
    assert finished.startswith("Finished: No norm, BN before and BN after trained for 100 steps.")
    failed = ending_words(make_record().ended(Ending("failed", 40, "Out of memory.")))
    assert failed == "Failed after 40 steps: Out of memory."
    out = dataclasses.replace(record.divergences[0], layer=6)
    words = ending_words(dataclasses.replace(record, divergences=(out,)))
    assert "the output layer (its weights) went" in words


def test_many_lost_seeds_of_a_net_are_one_sentence() -> None:
    record = with_divergence(make_record(), 0, (0, 1, 2), 13)
    first, second, third = record.divergences
    earlier = dataclasses.replace(third, step=9, layer=2)
    words = ending_words(dataclasses.replace(record, divergences=(first, second, earlier)))
    assert words.count("diverged") == 1
    assert words.endswith(
        "No norm: 3 of 3 seeds diverged at steps 9 to 13; "
        "layer 4 (its weights) or layer 2 (its weights) went non-finite first."
    )
