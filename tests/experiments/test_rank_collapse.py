"""Directions of outputs: known matrices, and what depth does to them."""

import functools

import numpy as np
import pytest

from bn_core import experiments
from bn_core.experiments.rank_collapse import (
    directions,
    mean_cosine,
    normalized,
    outputs_by_layer,
)
from bn_core.results import Result, Verdict
from tests.experiments.verdict_cases import decided


@functools.cache
def measured() -> tuple[Result, Verdict]:
    return experiments.run("rank", seeds=3, quick=True)


RANDOM = np.random.default_rng(0)


def test_orthogonal_outputs_have_as_many_directions_as_there_are():
    assert directions(np.eye(7)) == pytest.approx(7)
    assert mean_cosine(np.eye(7)) == pytest.approx(0)


def test_multiples_of_one_output_have_one_direction():
    outputs = np.outer([1.0, 2.0, 3.0], RANDOM.normal(size=5))
    assert directions(outputs) == pytest.approx(1) and mean_cosine(outputs) == pytest.approx(1)


def test_neither_size_nor_rotation_matters():
    outputs = RANDOM.normal(size=(6, 9))
    rotation = np.linalg.qr(RANDOM.normal(size=(9, 9)))[0]
    assert directions(1000 * outputs @ rotation) == pytest.approx(directions(outputs))


def test_norms_take_their_moments_over_examples_or_units():
    values = RANDOM.normal(3, 5, size=(40, 30))
    batch, layer = normalized(values, "before"), normalized(values, "layer")
    assert np.allclose(batch.mean(0), 0) and np.allclose(batch.std(0), 1, atol=1e-5)
    assert np.allclose(layer.mean(1), 0) and np.allclose(layer.std(1), 1, atol=1e-5)
    assert normalized(values, "none") is values


def test_nets_differ_in_the_norm_alone():
    plain, normed = (outputs_by_layer("linear", arm, 3, depth=1)[0] for arm in ("none", "before"))
    assert np.allclose(normalized(plain, "before"), normed)


def test_batch_norm_keeps_directions_that_are_lost_without_it():
    result, verdict = measured()
    assert verdict.kind == "holds" and len(verdict.parts) == 2
    assert result["relu_none_last"].median < 1.1 < 4 < result["relu_before_last"].median
    assert result["relu_layer_last"].median < 1.2, "layer norm does not keep them"
    assert result["relu_none_cosine"].median > 0.95 > 0.5 > result["relu_before_cosine"].median
    assert result["linear_none_early"].median > 1.5, "ten linear layers have not collapsed"


def test_nets_that_keep_their_directions_would_speak_against_the_claim():
    experiment = experiments.EXPERIMENTS["rank"]
    result, _ = measured()
    alike = {f"{name}_ratio": [1.0, 1.05, 0.97] for name in ("relu", "linear")}
    assert decided(experiment, result, alike).kind == "fails"
    assert decided(experiment, result, {"linear_ratio": [1.0, 1.05, 0.97]}).kind == "depends"
    nothing_to_lose = {f"{name}_none_first": [1.0, 1.1, 1.0] for name in ("relu", "linear")}
    assert decided(experiment, result, nothing_to_lose).kind == "untested"
