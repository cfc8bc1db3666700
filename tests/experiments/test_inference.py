"""Experiments on inference: running averages that lag, are not used, or come from elsewhere."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from bn_core.config import Config
from bn_core.experiments import adabn, forgot_eval, lag, run
from bn_core.experiments.base import Trainer
from bn_core.experiments.statistics import batch_norms, recomputed
from bn_core.results import HeatMaps, Metric, Result, Verdict

Outcome = tuple[Result, Verdict]


@pytest.fixture(scope="module")
def lagging() -> Outcome:
    return run("lag", seeds=3)


@pytest.fixture(scope="module")
def forgotten() -> Outcome:
    return run("eval", seeds=3)


@pytest.fixture(scope="module")
def adapted() -> Outcome:
    return run("adabn", seeds=3)


def invented(values: dict[str, float]) -> Result:
    """Return a finding of two seeds with made-up measures."""
    return Result((), tuple(Metric(key, key, np.full(2, value)) for key, value in values.items()))


def small_trainee() -> Trainer:
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
    changed = [
        dataclasses.replace(metric, values=np.array(values.get(metric.key, metric.values)))
        for metric in lagging[0].measures
    ]
    assert lag.EXPERIMENT.decide(Result((), tuple(changed))).kind == kind


def test_a_net_without_an_error_has_a_finite_ratio():
    ratio = lag.error_ratio(np.array([1.0, 0.5]), np.array([1.0, 1.0]), 500)
    np.testing.assert_allclose(ratio, [1.0, 501.0])


def test_recomputed_statistics_are_those_of_the_data():
    trainee = small_trainee()
    kept = [norm.running_mean for norm in batch_norms(trainee)]
    inputs = trainee.dataset.train_inputs.double().numpy()
    weight = trainee.net.linears[0].weight.detach().double().numpy()
    values = inputs @ weight
    with recomputed(trainee):
        first = batch_norms(trainee)[0]
        assert first.running_mean is not None and first.running_variance is not None
        np.testing.assert_allclose(first.running_mean, values.mean(axis=1), atol=1e-4)
        np.testing.assert_allclose(first.running_variance, values.var(axis=1, ddof=1), rtol=1e-4)
    assert all(
        norm.running_mean is mean for norm, mean in zip(batch_norms(trainee), kept, strict=True)
    )


def test_batches_in_training_mode_decide_what_is_predicted(forgotten: Outcome):
    finding, verdict = forgotten
    assert verdict.kind == "holds"
    assert (finding["before eval"].values >= 0.95).all()
    assert (finding["before sorted"].values <= 0.2).all()
    assert (finding["before 2"].values <= 0.6).all()
    assert (finding["before 50"].values >= 0.9).all()


def test_layer_norm_does_not_see_the_batch(forgotten: Outcome):
    finding, _ = forgotten
    right = finding["layer eval"].values
    for key in ("layer sorted", "layer 50", "layer 10", "layer 2"):
        np.testing.assert_allclose(finding[key].values, right, atol=1e-6)


def test_right_answers_against_a_batch_norm_reference():
    trainee = small_trainee()
    chosen = torch.arange(0, 500, 10)
    x = trainee.dataset.validation_inputs[chosen].double().numpy()[None]
    for layer in trainee.net.hidden:
        x = x @ layer.linear.weight.detach().double().numpy()
        x = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
        x = np.maximum(x, 0)
    output = trainee.net.output
    assert output.bias is not None
    logits = x @ output.weight.detach().double().numpy() + output.bias.detach().double().numpy()
    labels = trainee.dataset.validation_labels[chosen].numpy()
    right = (logits.argmax(axis=2) == labels).sum(axis=1)
    np.testing.assert_allclose(forgot_eval.right_answers(trainee, chosen), right, atol=1e-4)


def test_forgetting_eval_is_judged_by_the_numbers():
    good = {"before eval": 0.97, "before sorted": 0.12, "before 50": 0.96, "before 2": 0.4}
    assert forgot_eval.judge(invented(good)).kind == "holds"
    assert forgot_eval.judge(invented(good | {"before sorted": 0.9})).kind == "fails"
    assert forgot_eval.judge(invented(good | {"before eval": 0.3})).kind == "fails"
    assert forgot_eval.judge(invented(good | {"before sorted": math.nan})).kind == "fails"


def test_new_statistics_mend_levels_and_not_content(adapted: Outcome):
    finding, verdict = adapted
    assert verdict.kind == "depends"
    assert (finding["affine old"].values <= 0.5).all()
    assert (finding["affine new"].values >= 0.9).all()
    assert (finding["pixel new"].values > finding["pixel old"].values + 0.1).all()
    assert (finding["noise new"].values < 0.9).all()
    assert (finding["inverse new"].values <= 0.2).all()
    (images,) = (part for part in finding.panels if isinstance(part, HeatMaps))
    assert len(images.fields) == len(adabn.DOMAINS)


def test_domains_change_images_as_described():
    x = torch.randn(200, 64, generator=torch.Generator().manual_seed(1))
    exact = x.double().numpy()
    np.testing.assert_allclose(adabn.changed(x, "affine", 0), 0.4 * exact + 1.5, atol=1e-5)
    upside_down = exact.min() + exact.max() - exact
    np.testing.assert_allclose(adabn.changed(x, "inverse", 0), upside_down, atol=1e-5)
    noise = (adabn.changed(x, "noise", 0) - x).numpy()
    assert abs(noise.mean()) < 0.05 and abs(noise.std() - 1) < 0.05
    moved = adabn.changed(x, "pixel", 0).double().numpy()
    for pixel in range(64):
        slope, _ = np.polyfit(exact[:, pixel], moved[:, pixel], 1)
        assert 0.5 <= slope <= 2.0
        assert abs(np.corrcoef(exact[:, pixel], moved[:, pixel])[0, 1] - 1) < 1e-6
    assert torch.equal(adabn.changed(x, "pixel", 0), adabn.changed(x, "pixel", 0))


def test_adaptation_is_judged_by_the_numbers():
    good = dict.fromkeys(
        [f"{domain} {kind}" for domain in adabn.DOMAINS for kind in ("old", "new")], 0.95
    )
    assert adabn.judge(invented(good)).kind == "holds"
    assert adabn.judge(invented(good | {"inverse new": 0.0})).kind == "depends"
    assert adabn.judge(invented(good | {"affine new": 0.5})).kind == "fails"
    assert adabn.judge(invented(good | {"affine new": math.nan})).kind == "fails"
