"""Normalized inputs: the closed form of gradient descent against descent itself; the verdict."""

import numpy as np
import pytest

from bn_core import experiments
from bn_core.experiments.whitening import (
    FORMS,
    excess,
    features,
    loss_left,
    pixels,
    steps_until,
    transformed,
)
from tests.experiments.verdict_cases import decided


def descent(x: np.ndarray, y: np.ndarray, steps: int) -> np.ndarray:
    """Return the share of the excess loss left after each step of gradient descent from zero."""
    design = np.column_stack([x, np.ones(len(x))])
    hessian, slope = design.T @ design / len(x), design.T @ y / len(x)
    best = np.linalg.lstsq(design, y, rcond=None)[0]
    rate, weights, left = 1 / np.linalg.eigvalsh(hessian)[-1], np.zeros(len(slope)), []
    for _ in range(steps + 1):
        away = weights - best
        left.append(0.5 * away @ hessian @ away)
        weights = weights - rate * (hessian @ weights - slope)
    return np.array(left) / left[0]


@pytest.mark.parametrize("form", FORMS)
def test_the_closed_form_is_gradient_descent(form):
    x, y = features(60, 3)
    x = transformed(x, form)
    walked, fit = descent(x, y, 300), excess(x, y)
    for steps in (0, 1, 7, 50, 300):
        assert loss_left(*fit, steps) == pytest.approx(walked[steps], rel=1e-6, abs=1e-12)


def test_steps_are_the_fewest_that_arrive():
    x, y = features(60, 1)
    fit = excess(transformed(x, "standardized"), y)
    steps = steps_until(*fit, 0.01)
    assert loss_left(*fit, steps) <= 0.01 < loss_left(*fit, steps - 1)


def test_forms_are_what_they_are_called():
    x, _ = features(200, 0)
    assert np.abs(transformed(x, "centred").mean(axis=0)).max() < 1e-12
    standardized = transformed(x, "standardized")
    assert np.allclose(standardized.mean(axis=0), 0) and np.allclose(standardized.std(axis=0), 1)
    whitened = transformed(x, "whitened")
    assert np.allclose(whitened.T @ whitened / len(x), np.eye(x.shape[1]), atol=1e-8)
    assert transformed(x, "raw") is x


def test_pixels_of_one_value_do_no_harm():
    x, y = pixels(300, 0)
    assert (x.std(axis=0) == 0).any(), "some pixels are always dark"
    for form in FORMS:
        shape = transformed(x, form)
        relative, parts = excess(shape, y)
        assert np.isfinite(shape).all() and np.isfinite(parts).all() and relative.min() > 0
    assert steps_until(*excess(transformed(x, "whitened"), y), 0.01) <= 3


def test_standardized_inputs_need_fewer_steps_and_whitened_ones_fewer_still():
    result, verdict = experiments.run("whiten", seeds=3)
    assert verdict.kind == "holds" and len(verdict.parts) == 2
    for name, ratio in (("invented", 100), ("digits", 5)):
        steps = {form: result[f"{name}_{form}"].median for form in FORMS}
        assert steps["raw"] > ratio * steps["standardized"] > ratio * 5 * steps["whitened"]
        assert steps["centred"] > 2 * steps["standardized"]
    assert "Without correlations" in verdict.words


def test_features_of_one_size_would_speak_against_the_claim():
    experiment = experiments.EXPERIMENTS["whiten"]
    result, _ = experiments.run("whiten", seeds=3, quick=True)
    alike = {f"{name}_raw_ratio": [1.0, 1.02, 0.98] for name in ("invented", "digits")}
    assert decided(experiment, result, alike).kind == "fails"
    slow = {"invented_whitened": [50.0, 60.0, 70.0]}
    assert decided(experiment, result, slow).kind == "depends"
