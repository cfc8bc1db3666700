"""Gradient descent on a reader's table, against the closed form and numpy's least squares."""

import math
import re
from functools import cache

import numpy as np
import pytest

from bn_core.demos.why import SCALINGS, descend, scaled, why
from bn_core.experiments import _ended
from bn_core.results import Contours, Result

CARS = (
    (3.0, 40_000.0, 14_500.0),
    (5.0, 90_000.0, 9_800.0),
    (1.0, 12_000.0, 21_000.0),
    (8.0, 120_000.0, 5_200.0),
    (2.0, 60_000.0, 15_200.0),
    (10.0, 98_000.0, 4_300.0),
)
SHARES = (0.05, 0.25, 0.5, 0.75, 0.99)


@cache
def found(table=CARS, share=0.75) -> Result:
    return _ended(why(table, share, 400))


def features(scaling: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the cars' features at a scale, by another route, and the target."""
    numbers = np.array(CARS)
    x = numbers[:, :2]
    if scaling == "min-max":
        low, high = np.quantile(x, 0, axis=0), np.quantile(x, 1, axis=0)
        x = (x - low) / (high - low)
    if scaling == "standardized":
        x = np.stack([(column - np.mean(column)) / np.std(column) for column in x.T], axis=1)
    return x, numbers[:, 2]


def with_offset(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return least squares' weights of a fit that has an offset of its own."""
    solution = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y, rcond=None)[0]
    return solution[:2]


@pytest.mark.parametrize("scaling", SCALINGS)
def test_features_are_rescaled_as_said(scaling):
    x, _ = features(scaling)
    np.testing.assert_allclose(scaled(np.array(CARS)[:, :2], scaling), x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("scaling", SCALINGS)
def test_every_step_is_that_of_the_closed_form(scaling, share):
    x, y = features(scaling)
    descent = descend(x, y, share)
    hessian = np.cov(x.T, bias=True)
    best = with_offset(x, y)
    np.testing.assert_allclose(descent.hessian, hessian, rtol=1e-12)
    np.testing.assert_allclose(descent.best, best, rtol=1e-6)
    rate = 2 * share / np.linalg.eigvalsh(hessian)[-1]
    assert math.isclose(descent.rate, rate, rel_tol=1e-12)
    values, vectors = np.linalg.eigh(hessian)
    for step in (0, 1, 2, 7, len(descent.path) - 1):
        if step < len(descent.path):
            power = vectors @ np.diag((1 - rate * values) ** step) @ vectors.T
            np.testing.assert_allclose(
                descent.path[step], best - power @ best, rtol=1e-6, atol=1e-9 * np.abs(best).max()
            )


@pytest.mark.parametrize("scaling", SCALINGS)
def test_the_first_step_goes_down_the_gradient_of_the_loss(scaling):
    x, y = features(scaling)
    descent = descend(x, y, 0.5)

    def loss(weights: np.ndarray) -> float:
        rest = (x - x.mean(axis=0)) @ weights - (y - y.mean())
        return float((rest**2).mean() / 2)

    for weights in (np.zeros(2), descent.best * 1.3, descent.path[-1]):
        excess = loss(weights) - loss(descent.best)
        rounding = 1e-9 * loss(np.zeros(2))
        np.testing.assert_allclose(descent.loss(weights), excess, rtol=1e-6, atol=rounding)
    sizes = np.abs(descent.best) * 1e-6
    slope = [
        (loss(np.eye(2)[i] * sizes[i]) - loss(-np.eye(2)[i] * sizes[i])) / (2 * sizes[i])
        for i in range(2)
    ]
    np.testing.assert_allclose(descent.path[1], -descent.rate * np.array(slope), rtol=1e-5)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("scaling", SCALINGS)
def test_steps_to_one_percent_are_counted(scaling, share):
    x, y = features(scaling)
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    first = vectors.T @ with_offset(x, y)
    factor = 1 - 2 * share * values / values[-1]
    steps = np.arange(20_001)
    left = (values * first**2 * np.abs(factor) ** (2 * steps[:, None])).sum(axis=1)
    arrived = np.flatnonzero(left <= 0.01 * left[0])
    measure = found(share=share)[f"{scaling} steps"]
    if len(arrived):
        assert measure.median == arrived[0]
    else:
        assert np.isnan(measure.median) and measure.words() == "not within 20,000 steps"


def test_condition_numbers_are_numpys():
    result = found()
    for scaling in SCALINGS:
        exact = np.linalg.cond(np.cov(features(scaling)[0].T, bias=True))
        np.testing.assert_allclose(result[f"{scaling} condition"].median, exact, rtol=1e-6)
    raw, standardized = (result[f"{s} condition"].median for s in ("raw", "standardized"))
    assert raw > 1e6 * standardized


def test_a_rate_above_the_largest_stable_one_is_said_to_diverge():
    result = found(share=1.05)
    for scaling in SCALINGS:
        assert result[f"{scaling} steps"].words() == "diverged"
        assert np.isfinite(result[f"{scaling} condition"].median)


def test_a_rate_at_the_edge_neither_arrives_nor_diverges():
    assert found(share=1.0)["raw steps"].words() == "not within 20,000 steps"


def test_pictures_hold_the_path_and_the_minimum():
    result = found()
    assert [part.id for part in result.panels] == list(SCALINGS)
    for part in result.panels:
        assert isinstance(part, Contours)
        descent = descend(*features(part.id), 0.75)
        path, best = part.curves
        shown = len(path.x)
        np.testing.assert_allclose(np.column_stack([path.x, path.y[0]]), descent.path[:shown])
        np.testing.assert_allclose([best.x[0], best.y[0, 0]], descent.best)
        assert part.x.min() < min(path.x.min(), best.x[0])
        assert part.x.max() > max(path.x.max(), best.x[0])
        down, across = 3, 17
        height = descent.loss(np.array([part.x[across], part.y[down]]))
        np.testing.assert_allclose(part.heights[down, across], np.log10(height), rtol=1e-6)


def test_fewer_steps_drawn_change_no_number():
    short, long = (_ended(why(CARS, 0.75, shown)) for shown in (1, 400))
    assert [m.words() for m in short.metrics] == [m.words() for m in long.metrics]
    first, second = short.panels[0].curves[0], long.panels[0].curves[0]
    assert len(first.x) == 2 and len(second.x) > 2
    np.testing.assert_array_equal(first.y[0], second.y[0, :2])


@pytest.mark.parametrize(
    "table",
    [
        ((1, 2, 1), (2, 4, 2), (3, 6, 5)),  # one feature is twice the other
        ((1, 1, 5), (1, 2, 1), (1, 3, 9)),  # one feature never varies
        ((0.1, 0.3, 0.7),) * 7,  # nothing varies
        ((1, 5, 3), (2, 1, 3), (4, 4, 3)),  # the target never varies
        ((1e6, -1e6, 1e6), (1, 2, 3), (1e-6, 0, 0)),
        ((0, 0, 0),) * 3,
    ],
)
@pytest.mark.parametrize("share", [0.75, 1.05])
def test_degenerate_tables_are_drawn_and_told(table, share):
    result = found(table, share)
    for part in result.panels:
        assert isinstance(part, Contours)
        assert np.isfinite(part.heights).all() and np.isfinite(part.curves[0].y).all()
    for measure in result.metrics:
        assert measure.words() and "nan" not in measure.words()


def test_a_feature_that_never_varies_becomes_zero_and_makes_a_valley_without_end():
    flat = np.column_stack([np.full(7, 0.1), np.arange(7.0)])
    for scaling in ("min-max", "standardized"):
        assert (scaled(flat, scaling)[:, 0] == 0).all()
    result = found(tuple((0.1, float(n), float(n)) for n in range(7)))
    for scaling in SCALINGS:
        assert result[f"{scaling} condition"].words() == "infinite"


@pytest.mark.parametrize(
    ("table", "share", "words"),
    [
        ((), 0.5, "The table is empty"),
        (CARS[:2], 0.5, "at least three rows"),
        ((*CARS, (1.0, None, 2.0)), 0.5, "Row 7, column kilometres is empty"),
        ((("old", 1.0, 2.0), *CARS), 0.5, "Row 1, column age holds “old”"),
        ((*CARS, (1.0, 2.0, math.inf)), 0.5, "Row 7, column price is infinite"),
        ((*CARS, (1.0, math.nan, 2.0)), 0.5, "Row 7, column kilometres is empty or not a number"),
        ((*CARS, (1.0, 2e6, 2.0)), 0.5, "Row 7, column kilometres is 2e+06"),
        (CARS * 20, 0.5, "120 rows"),
        (CARS, 0.0, "between 0 and 1.2"),
        (CARS, -1.0, "between 0 and 1.2"),
        (CARS, 1.3, "between 0 and 1.2"),
        (CARS, math.nan, "between 0 and 1.2"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(table, share, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        found(table, share)
