"""Where nets begin: the scale of the weights, the first paper's Figure 1, the gain of tanh."""

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch

from bn_core.config import Config
from bn_core.experiments import figure1, gain, initialization_scale, run
from bn_core.experiments.base import Trainer, make_trainer
from bn_core.probing import statistics
from bn_core.results import Result, Verdict
from bn_core.training import Batches
from tests.reference import torch_net
from tests.results import with_values


@pytest.fixture(scope="module")
def scales() -> tuple[Result, Verdict]:
    return run("init", seeds=2, quick=True)


@pytest.fixture(scope="module")
def first_figure() -> tuple[Result, Verdict]:
    return run("figure1")


@pytest.fixture(scope="module")
def gains() -> tuple[Result, Verdict]:
    return run("gain", seeds=2)


def test_the_range_of_scales_that_learn_goes_as_far_as_all_do():
    scales = np.array([0.01, 0.1, 1.0, 5.0, 20.0])
    accuracy = np.array(
        [
            [0.9, 0.9, 0.9, 0.9, 0.9],
            [0.1, 0.9, 0.9, 0.9, 0.1],
            [0.9, 0.1, 0.9, 0.0, 0.9],  # what lies beyond a scale that fails does not count
            [0.9, 0.9, 0.79, 0.9, 0.9],
        ]
    )
    found = initialization_scale.learning_range(scales, accuracy)
    np.testing.assert_allclose(found, [2000, 50, 1, 0])
    ratio = initialization_scale.range_ratio(np.array([2000, 50, 0]), np.array([10, 0, 10]))
    np.testing.assert_allclose(ratio, [200, 50, 0])


def test_the_output_layer_keeps_its_scale():
    config = Config(depth=2, width=8, initialization="he", replicas=2)
    own, large = (initialization_scale.scaled_trainer(config, scale).net for scale in (1.0, 20.0))
    assert torch.equal(own.output.weight, large.output.weight)
    for ours, other in zip(own.hidden, large.hidden, strict=True):
        torch.testing.assert_close(20 * ours.weight, other.weight)


@pytest.mark.slow
def test_a_short_run_learns_from_more_scales_with_batch_norm(scales):
    result, verdict = scales
    none, before, layer = result.panels[0].curves
    assert (none.x == before.x).all() and none.x[0] == 0.01 and none.x[-1] == 20
    assert (none.y[:, none.x >= 5] == 0).all(), "diverged counts as the worst"
    assert (none.y[:, none.x <= 0.1] <= 0.2).all() and (layer.y[:, layer.x == 0.01] <= 0.2).all()
    assert (result["before_worst"].values >= 0.6).all()
    assert (result["ratio"].values >= 10).all()
    assert verdict.kind in ("holds", "depends")
    assert result["before_range"].words() in verdict.words


@pytest.mark.slow
def test_figure_1_shows_again_for_every_seed(first_figure):
    result, verdict = first_figure
    assert (result["steps_ratio"].values >= 10).all()
    assert (result["drift_ratio"].values >= 4).all()
    assert verdict.kind == "holds" and result["before_late"].words() in verdict.words
    # The percentiles of a Gaussian are 1.036 standard deviations from its mean.
    np.testing.assert_allclose(result["before_start"].values, 2.0729, rtol=0.04)
    assert (result["none_start"].values < 0.1).all()
    accuracy, none, before = result.panels
    assert [curve.arm for curve in accuracy.curves] == ["none", "before"]
    for panel in (none, before):
        low, middle, high = (curve.y for curve in panel.curves)
        assert (low < middle).all() and (middle < high).all() and low.shape == (1, 201)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({"steps_ratio": 1.0}, ("fails", "holds")),
        ({"steps_ratio": 0.0}, ("fails", "holds")),  # batch norm never reached 90 %
        ({"drift_ratio": 1.5}, ("holds", "fails")),
        ({"drift_ratio": np.nan}, ("holds", "fails")),
        ({"none_final": 0.1}, ("holds", "untested")),
        ({"best": 0.3}, ("untested", "holds")),
    ],
)
def test_steps_and_drift_are_decided_apart(first_figure, values, kinds):
    numbers = {"steps_ratio": 30.0, "drift_ratio": 6.0, "none_final": 0.9, "best": 0.97} | values
    verdict = figure1.EXPERIMENT.decide(with_values(first_figure[0], numbers))
    assert tuple(part.kind for part in verdict.parts) == kinds


def test_a_plain_net_that_never_gets_there_needs_at_least_all_its_steps():
    times = np.arange(0, 30, 10)
    moving = np.linspace(0, 1, 3)[None, :, None, None] + np.array([-1.0, 0.0, 1.0])[:, None]
    shared = {"steps": times, "percentiles": moving, "complete": True}
    partials = {
        "none": shared | {"accuracy": np.array([[0.1, 0.2, 0.3]])},
        "before": shared | {"accuracy": np.array([[0.1, 0.9, 0.95]])},
    }
    result = figure1.summarize(partials)
    np.testing.assert_allclose(result["steps_ratio"].values, [2.0])
    np.testing.assert_allclose(result["drift_ratio"].values, [1.0])
    np.testing.assert_allclose(result["none_drift"].values, [0.5])
    turned = figure1.summarize({"none": partials["before"], "before": partials["none"]})
    np.testing.assert_array_equal(turned["steps_ratio"].values, [0.0])


def test_percentiles_are_those_of_what_torchs_net_hands_to_its_last_sigmoid():
    config = Config(
        depth=3, width=8, activation="sigmoid", normalization="batch", replicas=2, batch_size=60
    )
    trainer = make_trainer(config)
    trainer.net.double()
    probe = trainer.dataset.train_inputs[:, :41].double()
    before = copy.deepcopy(trainer.net.state_dict())
    found = figure1.percentiles(trainer, probe)
    for replica in range(2):
        enters = torch_net(trainer.net, config, replica)[:-2](probe[replica]).detach().numpy()
        ordered = np.sort(enters, axis=0)
        for at, rank in ((0, 6), (1, 20), (2, 34)):  # 15, 50 and 85 % of the way from 0 to 40
            np.testing.assert_allclose(found[replica, at], ordered[rank], rtol=1e-9)
    for key, value in trainer.net.state_dict().items():
        assert torch.equal(value, before[key])


def test_drift_is_the_path_of_the_median_in_units_of_the_mean_spread():
    seen = np.zeros((1, 3, 3, 2))  # seed, times, percentiles, units
    seen[0, :, 1, 0] = [0.0, 3.0, 1.0]
    seen[0, :, 2] = seen[0, :, 1] + 1
    seen[0, :, 0] = seen[0, :, 1] - [[0], [1], [2]]
    np.testing.assert_allclose(figure1.spread(seen)[0, :, 0], [1, 2, 3])
    np.testing.assert_allclose(figure1.drift(seen), [(3 / 2 + 0) / 2])


@pytest.mark.slow
def test_with_batch_norm_the_gain_moves_the_update_but_not_the_outputs(gains):
    result, verdict = gains
    std, saturated, _, needed = (panel.curves for panel in result.panels)
    none, before = std
    kept = [0, 2, 4, 6]  # gains 0.5, 1, 5/3, 3
    np.testing.assert_allclose(np.median(none.y, axis=0)[kept], [0.012, 0.29, 0.65, 0.84], rtol=0.1)
    assert ((before.y > 0.61) & (before.y < 0.65)).all()
    assert (saturated[0].y[:, [0, 2]] < 0.01).all() and (saturated[0].y[:, 6] > 0.35).all()
    np.testing.assert_allclose(saturated[1].y, 0.03, atol=0.01)
    # Weights c times as large: the gradient falls by c, and so does the step relative to them.
    np.testing.assert_allclose(result["before_update"].values, 2 * math.log10(6), atol=0.01)
    assert (result["none_slowest"].values == np.inf).all() and np.isfinite(needed[0].y).all()
    outputs, learning = verdict.parts
    assert outputs.kind == "holds" and learning.kind in ("fails", "depends")
    assert result["before_update"].words() in verdict.words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"before_steps": 1.2}, "holds"),
        ({"before_ratio": 3.0, "before_steps": 3.0}, "fails"),
        ({"before_ratio": np.nan, "before_steps": np.inf}, "fails"),
        ({"none_ratio": 1.1, "before_steps": 1.2}, "depends"),  # outputs could not be tested
    ],
)
def test_outputs_and_steps_decide_on_the_gain(gains, values, kind):
    assert gain.EXPERIMENT.decide(with_values(gains[0], values)).kind == kind


def test_a_gain_at_which_a_net_never_gets_there_is_the_slowest():
    needed = np.array([[20.0, 30.0, 80.0], [20.0, np.inf, 30.0], [np.inf, np.inf, np.inf]])
    np.testing.assert_array_equal(gain.spread(needed), [4, np.inf, np.inf])


def test_the_update_is_the_rate_times_the_gradient_over_the_weights():
    config = Config(
        depth=3, width=12, activation="tanh", normalization="batch", replicas=2, batch_size=20
    )
    trainer = Trainer(config)
    trainer.net.double()
    inputs, labels = trainer.batches.first()
    doubled = dataclasses.replace(
        trainer.dataset, train_inputs=trainer.dataset.train_inputs.double()
    )
    trainer.batches = Batches(doubled, config)
    twin = copy.deepcopy(trainer.net)
    statistics.losses(twin(inputs.double()), labels).sum().backward()
    found = gain.update(trainer)
    for replica in range(2):
        ratios = []
        for layer in twin.hidden:
            assert layer.linear.weight.grad is not None
            step = 0.1 * layer.linear.weight.grad[replica]
            ratios.append(float(step.std() / layer.linear.weight.detach()[replica].std()))
        assert float(found[replica]) == pytest.approx(math.log10(sorted(ratios)[1]), rel=1e-9)


def test_spread_and_saturation_are_those_of_the_last_hidden_layers_outputs():
    config = Config(depth=2, width=16, activation="tanh", gain=4.0, replicas=2)
    trainer = Trainer(config)
    trainer.net.double()
    probe = trainer.dataset.train_inputs.double()
    trainer.dataset = dataclasses.replace(trainer.dataset, train_inputs=probe)
    std, saturated = gain.last_layer(trainer)
    for replica in range(2):
        outputs = torch_net(trainer.net, config, replica)[:-1](probe[:300]).detach().numpy()
        assert float(std[replica]) == pytest.approx(float(np.std(outputs)), rel=1e-9)
        expected = float((np.abs(outputs) > 0.97).mean())
        assert expected > 0 and float(saturated[replica]) == pytest.approx(expected, rel=1e-6)
