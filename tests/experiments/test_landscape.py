"""Smoothness along the gradient and internal covariate shift: the runs, the verdicts, the sums."""

import copy

import numpy as np
import pytest
import torch

from bn_core.config import Config
from bn_core.experiments import gradient_ics, landscape, run, shift
from bn_core.experiments.base import Trainer, make_trainer
from bn_core.nets import Net
from bn_core.results import Metric, Result, Verdict
from tests.results import with_values

RATES = ("0.001", "0.003", "0.01")


@pytest.fixture(scope="module")
def smooth() -> tuple[Result, Verdict]:
    return run("landscape")


@pytest.fixture(scope="module")
def shifts() -> tuple[Result, Verdict]:
    return run("ics", seeds=2, quick=True)


@pytest.mark.slow
def test_the_landscape_is_smoother_by_all_three_measures(smooth):
    result, verdict = smooth
    for key in ("range", "distance", "beta"):
        ratio = result[f"{key}_none"].values / result[f"{key}_before"].values
        np.testing.assert_allclose(result[key].values, ratio)
    assert (result["range"].values >= 2).all() and (result["distance"].values >= 2).all()
    assert (result["beta"].values >= 1.5).all()
    assert verdict.kind == "holds" and "contested" in verdict.words


@pytest.mark.slow
def test_the_landscapes_panels_have_a_band_of_losses_for_each_arm(smooth):
    band = smooth[0].panels[0].curves
    assert [curve.arm for curve in band] == ["none", "none", "before", "before"]
    for low, high in (band[:2], band[2:]):
        assert (low.y < high.y).all() and low.y.shape == (3, len(low.x))


MEASURES = {"range": 12.0, "distance": 11.0, "beta": 2.5}
LEARNED = {"accuracy_none": 0.96, "accuracy_before": 0.97}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({}, "holds holds holds"),
        ({"range": 0.2}, "fails holds holds"),
        ({"range": 1.9}, "fails holds holds"),
        ({"beta": 1.2}, "holds holds fails"),
        ({"distance": float("nan")}, "holds fails holds"),
        ({"distance": float("inf")}, "holds holds holds"),  # the plain nets diverged
        ({"distance": 0.0}, "holds fails holds"),  # those with batch norm did
        ({"accuracy_none": 0.1}, "untested untested untested"),  # flat, and learns nothing
        ({"accuracy_before": 0.1}, "untested untested untested"),
    ],
)
def test_the_landscapes_verdict_follows_the_numbers(smooth, values, kinds):
    numbers = MEASURES | LEARNED | values
    verdict = landscape.EXPERIMENT.decide(with_values(smooth[0], numbers))
    assert [part.kind for part in verdict.parts] == kinds.split()


def test_a_net_that_has_diverged_counts_as_not_smooth():
    steps = np.arange(0, 100, 10)
    good = {"steps": steps, "accuracy": np.ones(1), "complete": True}
    smooth = {"low": 0.5, "high": 1.0, "distance": 1.0, "beta": 1.0}
    diverged = dict.fromkeys(smooth, np.inf)
    rows = [
        good | {key: np.full((1, len(steps)), value) for key, value in one.items()}
        for one in (smooth, diverged)
    ]
    plain = landscape.summarize({"none": rows[1], "before": rows[0]})
    worst = landscape.summarize({"none": rows[0], "before": rows[1]})
    for key in MEASURES:
        assert plain[key].values == [np.inf] and worst[key].values == [0.0]


def test_where_loss_or_gradient_is_no_number_it_is_infinite():
    trainer = make_trainer(Config(depth=2, width=8, replicas=2))
    with torch.no_grad():
        trainer.net.linears[0].weight[1] *= 1e30
        trainer.net.linears[1].weight[1] *= 1e30
    batch = trainer.batches.next()
    found = landscape.along_gradient(trainer.net, copy.deepcopy(trainer.net), batch)
    for values in found.values():
        assert np.isfinite(values[0]) and values[1] == np.inf


@pytest.mark.slow
def test_shift_is_measured_by_both_definitions_at_every_layer(shifts):
    result, verdict = shifts
    panels = {panel.id: panel for panel in result.panels}
    for rate in RATES:
        for key in ("angle", "distance"):
            for curve in panels[f"{key}_{rate}"].curves:
                assert curve.y.shape == (2, 24) and np.isfinite(curve.y).all()
                assert (curve.y >= 0).all()
            one, other = (result[f"{key}_{rate}_{arm}"].values for arm in ("none", "before"))
            np.testing.assert_allclose(result[f"{key}_ratio_{rate}"].values, one / other)
        for arm in ("none", "before"):
            assert (result[f"angle_{rate}_{arm}"].values <= 180).all()
            assert (result[f"accuracy_{rate}_{arm}"].values > 0.15).all()
        # Beta alone sets the mean, and linear maps with norms behind them make no use of beta.
        assert "zero to rounding" in result[f"mean_{rate}_before"].words()
        assert (result[f"mean_{rate}_none"].values > 1e-3).all()
    assert [part.name for part in verdict.parts] == [f"rate {rate}" for rate in RATES]


SHIFTS = {f"{key}_ratio_{rate}": 3.0 for rate in RATES for key in ("angle", "distance")}
LEARN = {f"accuracy_{rate}_{arm}": 0.9 for rate in RATES for arm in ("none", "before")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({}, "holds holds holds"),
        ({"angle_ratio_0.001": 1.0, "distance_ratio_0.001": 0.8}, "fails holds holds"),
        ({"angle_ratio_0.003": 0.3, "distance_ratio_0.003": 0.3}, "holds fails holds"),
        ({"distance_ratio_0.01": 1.0}, "holds holds depends"),
        ({"angle_ratio_0.01": float("nan")}, "holds holds depends"),
        ({"accuracy_0.001_none": 0.1}, "untested holds holds"),
        ({"accuracy_0.01_before": 0.1}, "holds holds untested"),
    ],
)
def test_the_verdict_on_shift_is_decided_rate_by_rate(shifts, values, kinds):
    verdict = gradient_ics.EXPERIMENT.decide(with_values(shifts[0], SHIFTS | LEARN | values))
    assert [part.kind for part in verdict.parts] == kinds.split()
    assert "contested" in verdict.words and "zero to rounding" in verdict.words


def test_an_angle_is_that_of_its_cosine_and_rounding_beyond_one_is_none():
    cosines = np.array([1.0, 1.0000001, 0.5, 0.0, -1.0, np.nan])
    np.testing.assert_allclose(gradient_ics.angle(cosines), [0, 0, 60, 90, 180, np.nan])


def test_the_shift_of_a_net_leaves_out_the_first_layer_and_no_step():
    rows = np.arange(12.0).reshape(1, 3, 4)
    rows[:, :, 0] = 1e6
    found = gradient_ics.typical({"angle_0.01": rows}, "angle", 0.01)
    np.testing.assert_allclose(found, [6.0])
    rows[0, 1] = np.nan
    assert np.isnan(gradient_ics.typical({"angle_0.01": rows}, "angle", 0.01)).all()


def test_drift_is_the_mean_over_units_of_moves_by_spread():
    draw = torch.Generator().manual_seed(7)
    both = torch.rand(2, 2, 3, 6, generator=draw, dtype=torch.float64) + 0.1
    found = shift.drift((both[0, 0], both[0, 1]), (both[1, 0], both[1, 1]))
    (mean, std), (new_mean, new_std) = both.numpy()
    np.testing.assert_allclose(found[0], (abs(new_mean - mean) / std).mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found[1], (abs(new_std - std) / std).mean(axis=1), rtol=1e-12)


class Written:
    """A net of one replica written out: stages of (weight, bias, gamma, beta), tanh in between."""

    def __init__(self, net: Net, replica: int) -> None:
        self.stages: list[list[torch.Tensor]] = []
        for linear, norm in zip(net.linears, [*net.norms, None], strict=True):
            stage = [linear.weight] if linear.bias is None else [linear.weight, linear.bias]
            if norm is not None and norm.gamma is not None and norm.beta is not None:
                stage += [norm.gamma, norm.beta]
            self.stages.append([each[replica].detach().clone() for each in stage])

    def loss(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        for weight, *norm in self.stages[:-1]:
            x = x @ weight
            x = (x - x.mean(0)) / (((x - x.mean(0)) ** 2).mean(0) + 1e-5).sqrt()
            x = torch.tanh(x * norm[0] + norm[1])
        x = x @ self.stages[-1][0] + self.stages[-1][1]
        return (x.exp().sum(1).log() - x[torch.arange(len(x)), labels]).mean()


@pytest.fixture
def small() -> tuple[Trainer, tuple[torch.Tensor, torch.Tensor]]:
    config = Config(
        depth=3, width=8, activation="tanh", normalization="batch", replicas=2, batch_size=16
    )
    trainer = Trainer(config)
    trainer.net.double()
    inputs, labels = trainer.batches.next()
    for _ in range(3):  # gamma and beta are no longer 1 and 0
        trainer.step((inputs.double().flip(1), labels.flip(1)))
    return trainer, (inputs.double(), labels)


def test_shifted_gradients_are_those_of_nets_with_some_layers_moved(small):
    trainer, batch = small
    before, old = shift.copied(trainer.net), [Written(trainer.net, k) for k in range(2)]
    trainer.step(batch)
    new = [Written(trainer.net, k) for k in range(2)]
    after = shift.copied(trainer.net)
    generator = shift.shifted_gradients(trainer.net, batch, before)
    while True:
        try:
            next(generator)
        except StopIteration as stop:
            found = stop.value
            break
    first = trainer.net.linears[0].weight.grad
    assert first is not None, "no layer lies below the first, so its gradient does not shift"
    torch.testing.assert_close(found[0], first, rtol=1e-9, atol=1e-12)
    for replica in range(2):
        for layer in range(4):
            mixed = copy.deepcopy(old[replica])
            mixed.stages[:layer] = new[replica].stages[:layer]
            weight = mixed.stages[layer][0].requires_grad_()
            loss = mixed.loss(batch[0][replica], batch[1][replica])
            expected = torch.autograd.grad(loss, [weight])[0]
            torch.testing.assert_close(found[layer][replica], expected, rtol=1e-9, atol=1e-12)
    for now, then in zip(trainer.net.parameters(), after, strict=True):
        assert torch.equal(now, then)


def test_what_is_seen_along_the_gradient_is_what_the_reference_net_has_there(small):
    trainer, batch = small
    found = landscape.along_gradient(trainer.net, copy.deepcopy(trainer.net), batch)
    sizes = [0.05 * 8 ** (index / 7) for index in range(8)]
    for replica in range(2):
        net = Written(trainer.net, replica)
        flat = [p for stage in net.stages for p in stage]

        def loss_and_gradient(net=net, flat=flat, replica=replica):
            loss = net.loss(batch[0][replica], batch[1][replica])
            return loss.item(), torch.autograd.grad(loss, flat)

        for each in flat:
            each.requires_grad_()
        start, slope = [each.detach().clone() for each in flat], loss_and_gradient()[1]
        losses, changes = [], []
        for size in sizes:
            for each, at, way in zip(flat, start, slope, strict=True):
                each.data = at - size * way
            loss, there = loss_and_gradient()
            losses.append(loss)
            moved = sum(((a - b) ** 2).sum() for a, b in zip(there, slope, strict=True))
            changes.append(float(moved) ** 0.5)
        length = float(sum((each**2).sum() for each in slope)) ** 0.5
        betas = [change / size / length for change, size in zip(changes, sizes, strict=True)]
        assert float(found["low"][replica]) == pytest.approx(min(losses), rel=1e-9)
        assert float(found["high"][replica]) == pytest.approx(max(losses), rel=1e-9)
        assert float(found["distance"][replica]) == pytest.approx(max(changes), rel=1e-9)
        assert float(found["beta"][replica]) == pytest.approx(max(betas), rel=1e-6)


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_measuring_a_step_changes_nothing_of_the_step(norm):
    config = Config(normalization=norm, initialization="xavier", replicas=2, batch_size=16)
    plain, measured = (shift.deep_linear(config, 5) for _ in range(2))
    rows = {key: [] for key in ("cosine", "distance", "mean", "std")}
    for _ in range(3):
        plain.step()
        assert sum(1 for _ in shift.measured_step(measured, 2, rows)) == 5
    for ours, theirs in zip(
        measured.net.state_dict().values(), plain.net.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs)
    assert np.array(rows["cosine"]).shape == (3, 2, 5) and np.array(rows["mean"]).shape == (3, 2)


def test_looking_along_the_gradient_leaves_the_net_as_it_was():
    trainer = Trainer(Config(normalization="batch", depth=2, width=8, replicas=2))
    kept = copy.deepcopy(trainer.net.state_dict())
    landscape.along_gradient(trainer.net, copy.deepcopy(trainer.net), trainer.batches.next())
    for name, value in trainer.net.state_dict().items():
        assert torch.equal(value, kept[name])
    assert all(parameter.grad is None for parameter in trainer.net.parameters())


@pytest.mark.parametrize("experiment", [landscape, gradient_ics])
def test_a_result_can_be_made_at_any_moment_and_of_any_shard(experiment):
    partials = {}
    assert experiment.summarize(partials).metrics == ()
    for name in experiment.SPEC.shards[::-1]:
        task = experiment.EXPERIMENT.shard(name, 1, 0, True)
        partials[name] = next(task).partial
        experiment.summarize(partials)
        for _ in range(40):
            partials[name] = next(task).partial
        result = experiment.summarize(partials)
        assert all(isinstance(one, Metric) for one in result.metrics)
