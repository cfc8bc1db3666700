"""Noise behind batch norm, and its place: the runs, the verdicts, the noise by its formulas."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from bn_core.config import Config
from bn_core.datasets.loading import load_per_seed
from bn_core.experiments import noisy, placement, run
from bn_core.experiments.base import Trainer
from bn_core.experiments.jitter import Jitter, noisy_trainer, unit_jumps
from bn_core.probing import captured_inputs
from bn_core.randomness import generator
from bn_core.results import Result, Verdict
from tests.results import with_values

NAN = float("nan")


@pytest.fixture(scope="module")
def noise() -> tuple[Result, Verdict]:
    return run("noisy")


@pytest.fixture(scope="module")
def places() -> tuple[Result, Verdict]:
    return run("placement")


@pytest.mark.slow
def test_with_noise_inputs_jump_more_than_a_plain_nets_yet_training_is_fast(noise):
    result, verdict = noise
    jumps = {name: result[f"jump_{name}"].values for name in noisy.SPEC.shards}
    steps = {name: result[f"steps_{name}"].values for name in noisy.SPEC.shards}
    assert (jumps["noisy"] > jumps["none"]).all()
    assert (jumps["before"] < 1e-3).all()
    assert (steps["noisy"] <= steps["none"] / 2).all()
    assert (steps["before"] <= steps["none"] / 2).all()
    assert (steps["none-noisy"] > steps["none"]).all()
    assert verdict.kind == "fails"
    assert result["jump_noisy"].words() in verdict.words and "Contested" in verdict.words
    colours = [curve.colour for curve in result.panels[0].curves]
    assert colours == ["none", "before", "neutral-1", "neutral-2"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"lost": 1.0}, "holds"),
        ({"lost": 0.2}, "fails"),
        ({"lost": -0.5}, "fails"),
        ({"lost": NAN}, "fails"),
        ({"gain": 1.5}, "untested"),  # batch norm itself is no faster
        ({"gain": 0.0}, "untested"),  # batch norm itself never trains
        ({"unstable": 0.9}, "untested"),  # the noise does not do what it should
        ({"steps_none": np.inf}, "untested"),
    ],
)
@pytest.mark.slow
def test_the_verdict_on_noise_follows_the_numbers(noise, values, kind):
    numbers = {"lost": 1.0, "gain": 6.0, "unstable": 1.6, "steps_none": 130.0} | values
    assert noisy.EXPERIMENT.decide(with_values(noise[0], numbers)).kind == kind


def test_the_share_of_the_advantage_that_is_lost():
    plain = np.array([80.0, 80.0, 80.0, 80.0, np.inf, 20.0, 80.0])
    normalized = np.array([20.0, 20.0, 20.0, 20.0, 20.0, 20.0, np.inf])
    with_noise = np.array([20.0, 40.0, 80.0, np.inf, 80.0, 20.0, 40.0])
    lost = noisy.advantage_lost(plain, normalized, with_noise, 320)
    np.testing.assert_allclose(lost, [0.0, 0.5, 1.0, 2.0, 0.5, NAN, NAN])


@pytest.mark.slow
def test_each_placement_is_measured_for_three_activations_at_three_rates(places):
    result, _ = places
    needed, final = result.panels[-2:]
    for panel in (needed, final):
        assert [curve.arm for curve in panel.curves] == ["none", "before", "after"]
        assert all(curve.y.shape == (3, len(panel.categories)) for curve in panel.curves)
    for activation in ("relu", "tanh", "sigmoid"):
        for place in ("before", "after"):
            assert (result[f"final_{activation}_{place}"].values >= 0.9).all()
            assert np.isfinite(result[f"steps_{activation}_{place}"].values).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("relu", "tanh", "sigmoid", "kind"),
    [
        (2.0, 2.0, 2.0, "holds"),
        (0.5, 2.0, 2.0, "depends"),
        (0.5, 0.5, 0.5, "fails"),
        (1.0, 1.0, 1.0, "fails"),
        (0.0, 0.0, 0.0, "fails"),
        (NAN, 2.0, 2.0, "depends"),
    ],
)
def test_the_verdict_on_the_place_follows_the_numbers(places, relu, tanh, sigmoid, kind):
    values = {"ratio_relu": relu, "ratio_tanh": tanh, "ratio_sigmoid": sigmoid}
    verdict = placement.EXPERIMENT.decide(with_values(places[0], values))
    assert verdict.kind == kind
    assert verdict.parts[0].name == "ReLU" and "Contested" in verdict.words


@pytest.mark.slow
def test_where_no_net_learns_the_place_could_not_be_tested(places):
    verdict = placement.EXPERIMENT.decide(with_values(places[0], {"best": 0.3}))
    assert verdict.kind == "untested"


@pytest.mark.slow
def test_a_place_that_never_gets_there_is_the_worst_and_is_counted(places):
    steps = np.array([30.0, np.inf, np.inf])
    result = with_values(places[0], {})
    changed = [
        dataclasses.replace(one, values=steps) if one.key == "steps_relu_after" else one
        for one in result.metrics
    ]
    verdict = placement.EXPERIMENT.decide(Result((), tuple(changed)))
    assert "never (30 to 30; 2 of 3: never) after" in verdict.words


def test_the_noise_has_the_papers_distributions():
    jitter = Jitter([generator(seed, "dropout", 3, 1) for seed in range(2)])
    nothing, one = torch.zeros(2, 400, 500), torch.ones(2, 400, 500)
    shift = jitter(nothing)  # s 0 + m
    mu = shift.mean(dim=1)
    assert float(mu.min()) > -0.52 and float(mu.max()) < 0.52
    assert float(mu.std()) == pytest.approx(1 / 12**0.5, abs=0.02)
    within = shift - mu.unsqueeze(1)
    assert float(within.abs().max()) < 0.12
    assert float(within.std()) == pytest.approx(0.2 / 12**0.5, rel=0.02)
    again = Jitter([generator(seed, "dropout", 3, 1) for seed in range(2)])
    stretch = again(one) - shift  # the same draws
    sigma = stretch.mean(dim=1)
    assert float(sigma.min()) > 0.97 and float(sigma.max()) < 1.28
    assert float(sigma.mean()) == pytest.approx(1.125, abs=0.01)
    assert float((stretch - sigma.unsqueeze(1)).std()) == pytest.approx(0.1, rel=0.02)
    assert not torch.equal(shift[0], shift[1]), "replicas draw for themselves"


def test_noise_is_never_the_same_twice_and_none_in_evaluation():
    jitter = Jitter([generator(0, "dropout", 0, 1)])
    x = torch.ones(1, 4, 3)
    assert not torch.equal(jitter(x), jitter(x))
    jitter.train(False)
    assert torch.equal(jitter(x), x)


def test_noise_stands_between_norm_and_activation_and_nowhere_else():
    config = Config(depth=2, width=8, normalization="batch", activation="tanh", replicas=1)
    trainer, plain = noisy_trainer(config), Trainer(config)
    inputs = trainer.batches.first()[0]
    layer, usual = trainer.net.hidden[0], plain.net.hidden[0]
    assert layer.extra is not None and layer.activation is not None and usual.norm is not None
    with captured_inputs(layer.extra) as normalized, captured_inputs(layer.activation) as shifted:
        out = layer(inputs)
    torch.testing.assert_close(normalized[0], usual.norm(usual.linear(inputs)).detach())
    assert not torch.allclose(shifted[0], normalized[0])
    torch.testing.assert_close(out.detach(), torch.tanh(shifted[0]))
    with trainer.net.evaluation_mode(statistics="batch"):
        quiet = trainer.net(inputs)
    torch.testing.assert_close(quiet, plain.net(inputs))


def test_each_replica_has_the_noise_and_the_data_of_its_own_seed():
    config = Config(depth=2, width=8, normalization="batch", seed=3, replicas=2)
    alone = config.changed({"seed": 4, "replicas": 1})
    trainers = [noisy_trainer(one, load_per_seed(one)) for one in (config, alone)]
    for _ in range(3):
        together, single = (trainer.step() for trainer in trainers)
        assert torch.equal(together[1:], single)


def test_a_jump_is_the_mean_over_units_of_moves_of_the_mean_by_std():
    activation = nn.Tanh()
    values = torch.randn(
        3, 2, 50, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    with unit_jumps(activation) as jumps:
        for batch in values[:2]:
            activation(batch)
        activation.eval()
        activation(values[2])
    first, second = values[:2].numpy()
    expected = abs(second.mean(1) - first.mean(1)) / first.std(1)
    assert len(jumps) == 1
    np.testing.assert_allclose(jumps[0], expected.mean(axis=1), rtol=1e-12)


@pytest.mark.parametrize("experiment", [noisy, placement])
def test_a_result_can_be_made_at_any_moment_and_of_any_shard(experiment):
    partials = {}
    assert experiment.summarize(partials).metrics == ()
    for name in experiment.SPEC.shards[::-1]:
        task = experiment.EXPERIMENT.shard(name, 1, 0, True)
        partials[name] = next(task).partial
        experiment.summarize(partials)
        for _ in range(30):
            partials[name] = next(task).partial
        assert experiment.summarize(partials).metrics == ()
