"""Experiments on inference: running averages that lag, are not used, or come from elsewhere."""

import math

import numpy as np
import pytest
import torch

from bn_core.config import Config
from bn_core.experiments import adabn, forgot_eval, lag, run
from bn_core.experiments.base import Trainer, error_ratio, make_trainer
from bn_core.experiments.statistics import batch_norms, recomputed
from bn_core.results import HeatMaps, Result, Verdict
from tests.experiments.verdict_cases import decided

Outcome = tuple[Result, Verdict]


@pytest.fixture(scope="module")
def lagging() -> Outcome:
    return run("lag", seeds=3)


@pytest.fixture(scope="module")
def forgotten() -> Outcome:
    return run("eval", seeds=2, quick=True)


@pytest.fixture(scope="module")
def adapted() -> Outcome:
    return run("adabn", seeds=2, quick=True)


def small_trainer() -> Trainer:
    return Trainer(Config(depth=2, width=8, normalization="batch", replicas=2))


def test_slow_averages_lag_behind_and_usual_ones_do_not(lagging: Outcome):
    result, verdict = lagging
    assert (verdict.kind, verdict.settled) == ("depends", True)
    assert verdict.words.startswith("Holds for momentum 0.1; not for momentum 0.001.")
    assert result["slow"].median >= 0.3 and (result["slow"].values >= 0.1).all()
    assert (np.abs(result["usual"].values) <= 0.1).all()


@pytest.mark.parametrize(
    ("slow", "usual", "kind"),
    [
        ((1.0, 1.05, 0.95), (1.0, 1.05, 0.95), "holds"),
        ((9.0, 12.0, 8.0), (1.0, 1.05, 0.95), "depends"),
        ((1.0, 1.05, 0.95), (9.0, 12.0, 8.0), "depends"),  # swapped: not "holds"
        ((9.0, 12.0, 1.2), (1.0, 1.05, 0.95), "depends"),  # one slow seed without a lag
        ((9.0, 12.0, 8.0), (9.0, 12.0, 8.0), "fails"),
    ],
)
def test_lag_is_decided_by_the_numbers(lagging: Outcome, slow, usual, kind: str):
    values = {"slow_ratio": slow, "usual_ratio": usual}
    assert decided(lag.EXPERIMENT, lagging[0], values).kind == kind


def test_a_net_without_an_error_has_a_finite_ratio():
    ratio = error_ratio(np.array([1.0, 0.5]), np.array([1.0, 1.0]), 500)
    np.testing.assert_allclose(ratio, [1.0, 501.0])


def test_recomputed_statistics_are_those_of_the_data():
    trainer = small_trainer()
    kept = [norm.running_mean for norm in batch_norms(trainer)]
    inputs = trainer.dataset.train_inputs.double().numpy()
    weight = trainer.net.linears[0].weight.detach().double().numpy()
    values = inputs @ weight
    with recomputed(trainer):
        first = batch_norms(trainer)[0]
        assert first.running_mean is not None and first.running_variance is not None
        np.testing.assert_allclose(first.running_mean, values.mean(axis=1), atol=1e-4)
        np.testing.assert_allclose(first.running_variance, values.var(axis=1, ddof=1), rtol=1e-4)
    assert all(
        norm.running_mean is mean for norm, mean in zip(batch_norms(trainer), kept, strict=True)
    )


def test_batches_in_training_mode_decide_what_is_predicted(forgotten: Outcome):
    result, verdict = forgotten
    assert verdict.kind in ("holds", "depends")
    assert (result["before_eval"].values >= 0.9).all()
    assert (result["before_sorted"].values <= 0.3).all()
    assert (result["before_2"].values <= 0.6).all()
    assert (result["before_50"].values >= 0.9).all()
    fall = result["before_eval"].values - result["before_sorted"].values
    np.testing.assert_allclose(result["before_fall"].values, fall)


def test_layer_norm_does_not_see_the_batch(forgotten: Outcome):
    result, _ = forgotten
    for key in ("layer_sorted", "layer_50", "layer_10", "layer_2"):
        np.testing.assert_allclose(result[key].values, result["layer_eval"].values, atol=1e-6)
    assert (result["layer_change"].values < 1e-6).all()
    assert (result["before_change"].values > 0.5).all()


def test_right_answers_against_a_batch_norm_reference():
    trainer = make_trainer(Config(depth=2, width=8, normalization="batch", replicas=2))
    chosen = torch.stack([torch.arange(0, 500, 10), torch.arange(3, 500, 10)])
    data, rows = trainer.dataset, torch.arange(2)[:, None]
    x = data.validation_inputs[rows, chosen].double().numpy()
    for layer in trainer.net.hidden:
        x = x @ layer.linear.weight.detach().double().numpy()
        x = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
        x = np.maximum(x, 0)
    output = trainer.net.output
    assert output.bias is not None
    logits = x @ output.weight.detach().double().numpy() + output.bias.detach().double().numpy()
    right = (logits.argmax(axis=2) == data.validation_labels[rows, chosen].numpy()).sum(axis=1)
    np.testing.assert_allclose(forgot_eval.right_answers(trainer, chosen), right, atol=1e-4)


@pytest.mark.parametrize(
    ("fall", "changed", "kind"),
    [
        ((0.84, 0.86, 0.85), {}, "holds"),
        ((0.0, 0.01, -0.01), {}, "fails"),
        ((0.84, 0.86, math.nan), {}, "depends"),
        ((0.84, 0.86, 0.85), {"layer_change": np.full(3, 0.85)}, "untested"),  # layer norm too
        ((0.0, 0.01, -0.01), {"before_eval": np.full(3, 0.1)}, "untested"),
        ((0.84, 0.86, 0.85), {"layer_eval": np.full(3, 0.1)}, "untested"),
    ],
)
def test_forgetting_eval_is_decided_by_the_numbers(forgotten: Outcome, fall, changed, kind: str):
    values = {"before_fall": fall} | changed
    assert decided(forgot_eval.EXPERIMENT, forgotten[0], values).kind == kind


@pytest.mark.slow
def test_new_statistics_adapt_to_other_levels_and_not_to_other_content():
    _, verdict = run("adabn", seeds=3)
    assert (verdict.kind, verdict.settled) == ("depends", True)
    said = "Holds for paler and brighter and each pixel rescaled; not for noisy and inverted."
    assert verdict.words.startswith(said)


def test_a_short_run_moves_the_net_to_each_domain(adapted: Outcome):
    result, _ = adapted
    assert (result["affine_old"].values <= 0.6).all()
    assert (result["affine_regained"].values > 0.9).all()
    assert (result["inverse_new"].values <= 0.2).all()
    (images,) = (part for part in result.panels if isinstance(part, HeatMaps))
    assert [field.values.shape for field in images.fields] == [(8, 8)] * len(adabn.DOMAINS)


def test_what_is_regained_is_a_share_of_what_was_lost():
    clean, old, new = np.array([[0.9, 0.9, 0.9], [0.5, 0.5, 0.9], [0.7, 0.3, 0.9]])
    np.testing.assert_allclose(adabn.regained(clean, old, new), [0.5, -0.5, np.nan])


def test_domains_change_images_as_described():
    x = torch.randn(2, 200, 64, generator=torch.Generator().manual_seed(1))
    exact = x.double().numpy()
    np.testing.assert_allclose(adabn.changed(x, "affine", 0), 0.4 * exact + 1.5, atol=1e-5)
    for images, turned in zip(exact, adabn.changed(x, "inverse", 0), strict=True):
        np.testing.assert_allclose(turned, images.min() + images.max() - images, atol=1e-5)
    noise = (adabn.changed(x, "noise", 0) - x).numpy()
    assert abs(noise.mean()) < 0.05 and abs(noise.std() - 1) < 0.05
    moved = adabn.changed(x, "pixel", 0)
    for pixel in range(64):
        there, here = moved[0, :, pixel].double().numpy(), exact[0, :, pixel]
        slope, _ = np.polyfit(here, there, 1)
        assert 0.5 <= slope <= 2.0
        assert abs(np.corrcoef(here, there)[0, 1] - 1) < 1e-6
    assert torch.equal(moved[1], adabn.changed(x[1:], "pixel", 1)[0]), "each seed draws its own"
    assert not torch.allclose(moved[0], adabn.changed(x[:1], "pixel", 1)[0])


@pytest.mark.parametrize(
    ("content", "lost", "kind"),
    [
        ((1.0, 0.95, 0.97), 0.4, "holds"),
        ((0.0, 0.1, 0.05), 0.4, "depends"),
        ((1.0, 0.95, 0.97), 0.01, "depends"),  # noise and inversion cost nothing: not tested
    ],
)
def test_adaptation_is_decided_by_the_numbers(adapted: Outcome, content, lost: float, kind: str):
    values = {f"{domain}_regained": (1.0, 0.97, 0.98) for domain in ("affine", "pixel")}
    values |= {f"{domain}_lost": np.full(3, 0.4) for domain in ("affine", "pixel")}
    values |= {f"{domain}_regained": content for domain in ("noise", "inverse")}
    values |= {f"{domain}_lost": np.full(3, lost) for domain in ("noise", "inverse")}
    verdict = decided(adabn.EXPERIMENT, adapted[0], values)
    assert verdict.kind == kind
    untested = [part.name for part in verdict.parts if part.kind == "untested"]
    assert untested == (["noisy", "inverted"] if lost < 0.1 else [])
