"""Experiments on batches: small ones, unfair ones, and the noise that they bring."""

import math

import numpy as np
import pytest
import torch

from bn_core.config import Config
from bn_core.experiments import batch_noise, noniid, run, small_batches
from bn_core.experiments.base import Trainer
from bn_core.results import Metric, Result, Verdict

Outcome = tuple[Result, Verdict]


@pytest.fixture(scope="module")
def small() -> Outcome:
    return run("small", seeds=3)


@pytest.fixture(scope="module")
def pairs() -> Outcome:
    return run("noniid", seeds=3)


@pytest.fixture(scope="module")
def noise() -> Outcome:
    return run("noise", seeds=3)


def invented(values: dict[str, float]) -> Result:
    """Return a finding of two seeds with made-up measures."""
    return Result((), tuple(Metric(key, key, np.full(2, value)) for key, value in values.items()))


@pytest.mark.slow
def test_batches_of_two_ruin_batch_norm_and_spare_group_norm(small: Outcome):
    finding, verdict = small
    assert verdict.kind == "holds"
    assert (finding["before 2"].values <= 0.5).all()
    assert (finding["group 2"].values >= 0.9).all()
    assert (finding["before 32"].values >= 0.9).all()
    assert (finding["renorm 2"].values > finding["before 2"].values).all()


def test_small_batches_are_judged_by_the_numbers():
    good = {"before 2": 0.3, "group 2": 0.95, "renorm 2": 0.5, "before 32": 0.97}
    judge = small_batches.judge
    assert judge(invented(good)).kind == "holds"
    assert judge(invented(good | {"before 2": 0.8})).kind == "depends"
    assert judge(invented(good | {"before 2": 0.96})).kind == "fails"
    assert judge(invented(good | {"before 2": math.nan})).kind == "fails"


def test_pairs_of_classes_open_a_gap_that_renormalization_closes(pairs: Outcome):
    finding, verdict = pairs
    assert verdict.kind == "holds"
    assert (finding["gap"].values >= 0.1).all()
    assert (finding["gain"].values >= 0.08).all()
    assert (finding["layer"].values >= 0.9).all()


def test_each_batch_is_of_one_pair():
    trainee = Trainer(Config(batch_size=32, replicas=2))
    batches = noniid.PairBatches(trainee.dataset, trainee.config)
    seen = set()
    for _ in range(60):
        inputs, labels = batches.next()
        assert inputs.shape == (2, 32, 64) and labels.shape == (2, 32)
        halves = (labels // 2).numpy()
        assert (halves == halves[:, :1]).all()
        seen |= {int(pair) for pair in halves[:, 0]}
    assert seen == set(range(5))


def test_accuracy_as_trained_counts_every_digit_once():
    trainee = Trainer(Config(depth=2, width=8, normalization="batch", replicas=2))
    data, labels = trainee.dataset.validation_inputs, trainee.dataset.validation_labels
    right = np.zeros(2)
    trainee.net.double()
    for pair in range(5):
        chosen = torch.isin(labels, torch.tensor([2 * pair, 2 * pair + 1]))
        with torch.no_grad(), trainee.net.evaluation_mode(statistics="batch"):
            logits = trainee.net(data[chosen].double().expand(2, -1, -1))
        right += (logits.numpy().argmax(axis=2) == labels[chosen].numpy()).sum(axis=1)
    trainee.net.float()
    np.testing.assert_allclose(noniid.as_trained(trainee), right / 500, atol=0.003)


def test_pairs_are_judged_by_the_numbers():
    good = {"before": 0.8, "renorm": 0.94, "layer": 0.97, "gap": 0.15, "gain": 0.14}
    assert noniid.judge(invented(good)).kind == "holds"
    assert noniid.judge(invented(good | {"gain": 0.01})).kind == "depends"
    assert noniid.judge(invented(good | {"gap": 0.02})).kind == "fails"
    assert noniid.judge(invented(good | {"gap": math.nan})).kind == "fails"


def test_noise_falls_with_the_root_of_the_batch_size(noise: Outcome):
    finding, verdict = noise
    assert verdict.kind == "holds"
    for key in ("trained", "fresh"):
        np.testing.assert_allclose(finding[key].values, -0.5, atol=0.1)
        assert (finding[f"{key} ratio"].values > 1.6).all()


def test_slope_and_spread_against_numpy():
    state = np.random.RandomState(0)
    sizes = np.array([4.0, 9.0, 30.0, 100.0])
    noise = np.exp(state.normal(size=(3, 4)))
    exact = [np.polyfit(np.log(sizes), np.log(row), 1)[0] for row in noise]
    np.testing.assert_allclose(batch_noise.slopes(sizes, noise), exact, rtol=1e-10)
    power = 3 * sizes[None] ** -0.5
    np.testing.assert_allclose(batch_noise.slopes(sizes, power), [-0.5], rtol=1e-12)
    logits = state.normal(size=(20, 3, 10))
    exact = np.sqrt(logits.var(axis=0, ddof=1).mean(axis=1))
    np.testing.assert_allclose(batch_noise.spread_of(torch.tensor(logits)), exact, rtol=1e-12)


def test_noise_is_judged_by_the_numbers():
    assert batch_noise.judge(invented({"trained": -0.5, "fresh": -0.45})).kind == "holds"
    assert batch_noise.judge(invented({"trained": -0.5, "fresh": -0.2})).kind == "depends"
    assert batch_noise.judge(invented({"trained": 0.1, "fresh": -0.5})).kind == "fails"
    assert batch_noise.judge(invented({"trained": math.nan, "fresh": -0.5})).kind == "fails"
