"""Experiments on batches: small ones, unfair ones, and the noise that they bring."""

import math

import numpy as np
import pytest
import torch

from bn_core.config import Config
from bn_core.experiments import batch_noise, noniid, run, small_batches
from bn_core.experiments.base import make_trainer
from bn_core.results import Result, Verdict
from tests.experiments.verdict_cases import decided

Outcome = tuple[Result, Verdict]


@pytest.fixture(scope="module")
def small() -> Outcome:
    return run("small", seeds=2, quick=True)


@pytest.fixture(scope="module")
def pairs() -> Outcome:
    return run("noniid", seeds=2, quick=True)


@pytest.fixture(scope="module")
def noise() -> Outcome:
    return run("noise", seeds=2, quick=True)


@pytest.mark.slow
def test_batches_of_two_ruin_batch_norm_and_spare_group_norm():
    result, verdict = run("small", seeds=3)
    assert verdict.kind == "holds"
    assert (result["before_2"].values <= 0.5).all()
    assert (result["group_2"].values >= 0.9).all()
    assert (result["before_32"].values >= 0.9).all()
    assert result["renorm_2"].median > result["before_2"].median


@pytest.mark.slow
def test_a_fall_is_the_accuracy_at_32_less_that_at_2(small: Outcome):
    result, verdict = small
    for name in ("before", "group"):
        fall = result[f"{name}_32"].values - result[f"{name}_2"].values
        np.testing.assert_array_equal(result[f"{name}_fall"].values, fall)
    assert verdict.kind != "fails"
    assert all(curve.kind == "points" for curve in result.panels[0].curves)  # type: ignore[union-attr]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "group", "at_32", "kind"),
    [
        ((0.74, 0.73, 0.75), (0.0, 0.03, -0.03), 0.97, "holds"),
        ((0.74, 0.73, 0.75), (0.7, 0.73, 0.69), 0.97, "depends"),  # group norm fails as well
        ((0.01, 0.0, -0.01), (0.0, 0.01, -0.01), 0.97, "depends"),  # neither does
        ((0.01, 0.0, -0.01), (0.7, 0.73, 0.69), 0.97, "fails"),
        ((0.74, 0.73, math.nan), (0.0, 0.03, -0.03), 0.97, "depends"),
        ((0.01, 0.0, -0.01), (0.0, 0.01, -0.01), 0.1, "untested"),  # no net trains
    ],
)
def test_small_batches_are_decided_by_the_numbers(
    small: Outcome, before, group, at_32: float, kind: str
):
    values = {"before_fall": before, "group_fall": group}
    values |= {f"{name}_32": np.full(3, at_32) for name in ("before", "group")}
    assert decided(small_batches.EXPERIMENT, small[0], values).kind == kind


def test_pairs_of_classes_open_a_gap_that_renormalization_closes(pairs: Outcome):
    result, verdict = pairs
    assert verdict.kind in ("holds", "depends")
    assert (result["gap"].values > 0.05).all() and (result["gain"].values > 0).all()
    assert (result["layer"].values >= 0.9).all() and (result["paired"].values >= 0.9).all()
    gap = result["paired"].values - result["before"].values
    np.testing.assert_allclose(result["gap"].values, gap, atol=1e-6)


def test_each_batch_is_of_one_pair_of_the_replicas_own_split():
    trainer = make_trainer(Config(batch_size=32, replicas=2))
    batches = noniid.PairBatches(trainer.dataset, trainer.config)
    rows = [{row.numpy().tobytes() for row in part} for part in trainer.dataset.train_inputs]
    seen = set()
    for _ in range(60):
        inputs, labels = batches.next()
        assert inputs.shape == (2, 32, 64) and labels.shape == (2, 32)
        for replica in range(2):
            assert all(row.numpy().tobytes() in rows[replica] for row in inputs[replica])
        halves = (labels // 2).numpy()
        assert (halves == halves[:, :1]).all()
        seen |= {int(pair) for pair in halves[:, 0]}
    assert seen == set(range(5))


def test_pairs_of_a_seed_do_not_depend_on_its_company():
    together, alone = (
        noniid.PairBatches(trainer.dataset, trainer.config)
        for trainer in (make_trainer(Config(replicas=3)), make_trainer(Config(seed=2)))
    )
    for _ in range(3):
        for ours, theirs in zip(together.next(), alone.next(), strict=True):
            assert torch.equal(ours[2], theirs[0])


def test_accuracy_as_trained_counts_every_digit_once():
    trainer = make_trainer(Config(depth=2, width=8, normalization="batch", replicas=2))
    data, right = trainer.dataset, np.zeros(2)
    found = noniid.as_trained(trainer)
    trainer.net.double()
    for replica, labels in enumerate(data.validation_labels):
        for pair in range(5):
            chosen = torch.isin(labels, torch.tensor([2 * pair, 2 * pair + 1]))
            inputs = data.validation_inputs[replica, chosen].double()
            with torch.no_grad(), trainer.net.evaluation_mode(statistics="batch"):
                answers = trainer.net(inputs.expand(2, -1, -1))[replica].argmax(dim=1)
            right[replica] += int((answers == labels[chosen]).sum())
    np.testing.assert_allclose(found, right / 500, atol=0.003)


@pytest.mark.parametrize(
    ("gap", "gain", "changed", "kind"),
    [
        (np.linspace(0.098, 0.282, 10), (0.1, 0.15, 0.2), {}, "holds"),
        ((0.1, 0.15, 0.2), (0.0, 0.01, -0.01), {}, "depends"),
        ((0.0, 0.01, -0.01), (0.0, 0.01, -0.01), {}, "fails"),
        ((0.1, 0.15, math.nan), (0.1, 0.15, 0.2), {}, "depends"),
        ((0.0, 0.01, -0.01), (0.0, 0.01, -0.01), {"paired": np.full(3, 0.2)}, "untested"),
        ((0.1, 0.15, 0.2), (0.1, 0.15, 0.2), {"layer": np.full(3, 0.2)}, "untested"),
    ],
)
def test_pairs_are_decided_by_the_numbers(pairs: Outcome, gap, gain, changed, kind: str):
    values = {"gap": gap, "gain": gain} | changed
    assert decided(noniid.EXPERIMENT, pairs[0], values).kind == kind


@pytest.mark.slow
def test_noise_falls_with_the_root_of_the_batch_size():
    result, verdict = run("noise", seeds=3)
    assert verdict.kind == "holds"
    for key in ("trained", "fresh"):
        np.testing.assert_allclose(result[key].values, -0.5, atol=0.1)
        assert (result[f"{key}_ratio"].values > 1.6).all()


def test_a_short_run_finds_noise_that_falls(noise: Outcome):
    result, verdict = noise
    assert verdict.kind in ("holds", "depends")
    for key in ("trained", "fresh"):
        np.testing.assert_allclose(result[key].values, -0.5, atol=0.15)
        assert (result[f"{key}_size"].values > 0.1).all()


def test_noise_of_a_seed_does_not_depend_on_its_company(noise: Outcome):
    alone, _ = run("noise", seeds=1, first_seed=1, quick=True)
    for key in ("trained", "fresh"):
        assert alone[key].values[0] == pytest.approx(noise[0][key].values[1], abs=0.01)


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


@pytest.mark.parametrize(
    ("trained", "fresh", "changed", "kind"),
    [
        ((-0.5, -0.48, -0.49), (-0.46, -0.45, -0.47), {}, "holds"),
        ((-0.5, -0.48, -0.49), (-0.2, -0.21, -0.19), {}, "depends"),
        ((0.1, 0.11, 0.09), (-1.0, -1.01, -0.99), {}, "fails"),
        ((-0.5, -0.48, math.nan), (-0.46, -0.45, -0.47), {}, "depends"),
        ((-0.5, -0.48, -0.49), (-0.46, -0.45, -0.47), {"trained_accuracy": np.zeros(3)}, "depends"),
        (
            (-0.5, -0.48, -0.49),
            (-0.46, -0.45, -0.47),
            {"trained_size": np.zeros(3), "fresh_size": np.zeros(3)},
            "untested",
        ),
    ],
)
def test_noise_is_decided_by_the_numbers(noise: Outcome, trained, fresh, changed, kind: str):
    values = {"trained": trained, "fresh": fresh} | changed
    assert decided(batch_noise.EXPERIMENT, noise[0], values).kind == kind
