"""A drawn curve against the median curve of a run: area, side and words."""

import numpy as np
import pytest

from bn_core.lessons.sketches import (
    MOST_POINTS,
    SketchError,
    compare,
    median_curve,
    read_sketch,
)
from bn_core.training import run
from tests.runs import small

STEPS = np.arange(1, 101, dtype=float)
FALLING = 2.0 - 0.01 * STEPS  # 1.99 to 1


def drawn(*points: tuple[float, float]):
    return read_sketch(list(points), last_step=100, top=2.5)


def test_the_same_curve_has_no_gap():
    gap = compare(drawn((1, 1.99), (100, 1.0)), STEPS, FALLING, 2.5)
    assert gap.mean == pytest.approx(0, abs=1e-12) and gap.stretches == ()
    assert gap.words.startswith("Right")


def test_the_gap_is_the_area_between_the_curves():
    gap = compare(drawn((1, 2.49), (100, 1.5)), STEPS, FALLING, 2.5)
    assert gap.mean == pytest.approx(0.2), "half a nat of 2.5, everywhere"
    assert gap.mean_too_high == pytest.approx(0.2) and gap.mean_too_low == 0
    assert [one.too_high for one in gap.stretches] == [True]
    assert "too high from step 1 to 100" in gap.words
    assert "you drew 1.5; the run has 1" in gap.words


def test_curves_that_cross_are_too_low_and_too_high():
    gap = compare(drawn((1, 1.0), (100, 2.0)), STEPS, FALLING, 2.5)
    assert [one.too_high for one in gap.stretches] == [False, True]
    assert gap.mean_too_low == pytest.approx(gap.mean_too_high, rel=0.02)
    assert "too low" in gap.words and "too high" in gap.words


def test_only_steps_that_both_cover_are_compared():
    gap = compare(drawn((50, 1.5), (100, 1.0)), STEPS, FALLING, 2.5)
    assert gap.steps[0] == 50 and gap.mean == pytest.approx(0, abs=1e-12)
    with pytest.raises(SketchError, match="share no steps"):
        compare(drawn((0, 1.0), (1, 1.0)), STEPS[50:], FALLING[50:], 2.5)


def test_a_run_beyond_the_axis_counts_as_its_end():
    diverged = np.where(STEPS < 10, 2.0, np.inf)
    gap = compare(drawn((1, 2.5), (100, 2.5)), STEPS, diverged, 2.5)
    assert np.isfinite(gap.mean) and gap.mean < 0.05
    assert "beyond the axis" in compare(drawn((1, 1), (100, 1)), STEPS, diverged, 2.5).words


def test_points_come_in_any_order_and_stay_on_the_axes():
    sketch = drawn((100, 9.0), (-5, -1.0), (50, 1.0), (50, 2.0))
    assert sketch.steps.tolist() == [0, 50, 100]
    assert sketch.values.tolist() == [0.0, 2.0, 2.5]


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(1, 1)],
        [(1, 1), (1, 2)],
        [(1, 1), (2, float("nan"))],
        [(1, 1), (float("inf"), 1)],
        [(1, 1), (2, "x")],
        [(1, 1), (2, True)],
        [(1, 1), (2, 3, 4)],
        [(1, 1), None],
        "points",
        None,
        {1: 1},
        [(n, 1) for n in range(MOST_POINTS + 1)],
    ],
)
def test_what_is_no_drawing_is_refused_in_a_sentence(points):
    with pytest.raises(SketchError, match="raw"):
        read_sketch(points, last_step=100, top=2.5)


def test_the_curve_of_a_run_is_its_median_over_seeds():
    record = run(small(steps=30))
    steps, losses = median_curve(record, 0, "training_loss")
    assert steps.tolist() == list(range(1, 31))
    assert losses == pytest.approx(np.median(record.train_loss[:, 0], axis=1))
    steps, accuracy = median_curve(record, 1, "validation_accuracy")
    assert len(steps) == len(record.snapshots) == len(accuracy)
    last = record.snapshots[-1].arms[1]
    assert last is not None
    assert accuracy[-1] == pytest.approx(np.median(last.validation_accuracy))
    with pytest.raises(ValueError, match="no curve"):
        median_curve(record, 0, "learning_rate")
