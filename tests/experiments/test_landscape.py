"""Smoothness along the gradient and internal covariate shift: the runs, the verdicts, the sums."""

import copy

import numpy as np
import pytest
import torch

from bn_core.config import Config
from bn_core.experiments import gradient_ics, landscape, run, shift
from bn_core.experiments.base import Trainer
from bn_core.models import Net
from bn_core.results import Metric, Result, Verdict
from tests.results import with_values

CASES = ("slow", "fast", "small")


@pytest.fixture(scope="module")
def smooth() -> tuple[Result, Verdict]:
    return run("landscape")


@pytest.fixture(scope="module")
def shifts() -> tuple[Result, Verdict]:
    return run("ics")


def test_the_landscape_is_smoother_by_all_three_measures_for_every_seed(smooth):
    finding, verdict = smooth
    assert (finding["range"].values >= 5).all()
    assert (finding["distance"].values >= 4).all()
    assert (finding["beta"].values >= 1.5).all()
    assert verdict.kind == "holds"
    assert finding["range"].words() in verdict.words and "contested" in verdict.words


def test_the_landscapes_panels_have_a_band_of_losses_for_each_arm(smooth):
    band = smooth[0].panels[0].curves
    assert [curve.arm for curve in band] == ["none", "none", "before", "before"]
    for low, high in (band[:2], band[2:]):
        assert (low.y < high.y).all() and low.y.shape == (3, len(low.x))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"range": 1.0, "distance": 1.0, "beta": 1.0}, "fails"),
        ({"range": 0.2}, "fails"),
        ({"range": 4.9}, "depends"),
        ({"beta": 1.2}, "depends"),
        ({"distance": float("nan")}, "fails"),
    ],
)
def test_the_landscapes_verdict_follows_the_numbers(smooth, values, kind):
    assert landscape.judge(with_values(smooth[0], values)).kind == kind


def test_shift_is_measured_by_both_definitions_at_every_layer(shifts):
    finding, _ = shifts
    panels = {panel.id: panel for panel in finding.panels}
    for case in CASES:
        for key in ("cosine", "distance"):
            for curve in panels[f"{key}_{case}"].curves:
                assert curve.y.shape == (3, 24) and np.isfinite(curve.y).all()
        for arm in ("none", "before"):
            assert (np.abs(finding[f"cosine_{case}_{arm}"].values) <= 1 + 1e-6).all()
            assert (finding[f"distance_{case}_{arm}"].values > 0).all()
        # Beta alone sets the mean, and linear maps with norms behind them make no use of beta.
        assert (finding[f"mean_{case}_before"].values < 1e-6).all()


@pytest.mark.parametrize("better", ["none", "before"])
def test_whoever_wins_the_verdict_of_shift_is_that_it_depends(shifts, better):
    keys = [f"cosine_{case}_{arm}" for case in CASES for arm in ("none", "before")]
    values = {key: 0.987 if key.endswith(better) else 0.123 for key in keys}
    verdict = gradient_ics.judge(with_values(shifts[0], values))
    assert verdict.kind == "depends" and "Contested" in verdict.words
    order = ("0.987", "0.123") if better == "none" else ("0.123", "0.987")
    assert verdict.words.index(order[0]) < verdict.words.index(order[1])


def test_shift_that_is_no_number_is_said_as_such(shifts):
    keys = {one.key: float("nan") for one in shifts[0].measures}
    assert gradient_ics.judge(with_values(shifts[0], keys)).kind == "depends"


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
    trainee = Trainer(config)
    trainee.net.double()
    inputs, labels = trainee.batches.next()
    for _ in range(3):  # gamma and beta are no longer 1 and 0
        trainee.step((inputs.double().flip(1), labels.flip(1)))
    return trainee, (inputs.double(), labels)


def test_shifted_gradients_are_those_of_nets_with_some_layers_moved(small):
    trainee, batch = small
    before, old = shift.copied(trainee.net), [Written(trainee.net, k) for k in range(2)]
    trainee.step(batch)
    new = [Written(trainee.net, k) for k in range(2)]
    after = shift.copied(trainee.net)
    generator = shift.shifted_gradients(trainee.net, batch, before)
    while True:
        try:
            next(generator)
        except StopIteration as stop:
            found = stop.value
            break
    first = trainee.net.linears[0].weight.grad
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
    for now, then in zip(trainee.net.parameters(), after, strict=True):
        assert torch.equal(now, then)


def test_what_is_seen_along_the_gradient_is_what_the_reference_net_has_there(small):
    trainee, batch = small
    found = landscape.along_gradient(trainee.net, copy.deepcopy(trainee.net), batch)
    sizes = [0.05 * 8 ** (index / 7) for index in range(8)]
    for replica in range(2):
        net = Written(trainee.net, replica)
        flat = [p for stage in net.stages for p in stage]

        def look(net=net, flat=flat, replica=replica):
            loss = net.loss(batch[0][replica], batch[1][replica])
            return loss.item(), torch.autograd.grad(loss, flat)

        for each in flat:
            each.requires_grad_()
        start, slope = [each.detach().clone() for each in flat], look()[1]
        losses, changes = [], []
        for size in sizes:
            for each, at, way in zip(flat, start, slope, strict=True):
                each.data = at - size * way
            loss, there = look()
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
    trainee = Trainer(Config(normalization="batch", depth=2, width=8, replicas=2))
    kept = copy.deepcopy(trainee.net.state_dict())
    landscape.along_gradient(trainee.net, copy.deepcopy(trainee.net), trainee.batches.next())
    for name, value in trainee.net.state_dict().items():
        assert torch.equal(value, kept[name])
    assert all(parameter.grad is None for parameter in trainee.net.parameters())


@pytest.mark.parametrize("experiment", [landscape, gradient_ics])
def test_a_finding_can_be_made_at_any_moment_and_of_any_part(experiment):
    pieces = {}
    assert experiment.summarize(pieces).measures == ()
    for name in experiment.SPEC.shards[::-1]:
        study = experiment.part(name, 1, True)
        pieces[name] = next(study).partial
        experiment.summarize(pieces)
        for _ in range(40):
            pieces[name] = next(study).partial
        finding = experiment.summarize(pieces)
        assert all(isinstance(one, Metric) for one in finding.measures)
