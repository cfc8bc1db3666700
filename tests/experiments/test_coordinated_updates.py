"""The share of the promised decrease that a step brings: against plain torch, decided, and run."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from bn_core.config import Config
from bn_core.experiments import EXPERIMENTS, coordinated_updates, run
from bn_core.experiments.base import exact_trainer

RATES = (1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)


def replica(trainer, number: int) -> nn.Sequential:
    """Return one net with batch norm as torch has it."""
    modules: list[nn.Module] = []
    for layer in trainer.net.hidden:
        weight = layer.linear.weight[number].detach()
        linear = nn.Linear(*weight.shape, bias=False, dtype=torch.float64)
        linear.weight.data = weight.T.clone()
        modules.append(nn.Sequential(linear, nn.BatchNorm1d(weight.shape[1]).double(), nn.ReLU()))
    inputs, classes = trainer.net.output.linear.weight.shape[1:]
    output = nn.Linear(inputs, classes, dtype=torch.float64)
    output.weight.data = trainer.net.output.linear.weight[number].detach().T.clone()
    output.bias.data.zero_()
    return nn.Sequential(*modules, output)


def test_the_shares_are_those_of_plain_torch():
    config = Config(depth=2, width=8, initialization="he", normalization="batch", replicas=2)
    trainer = exact_trainer(config)
    batch = trainer.batches.first()
    found = coordinated_updates.shares(trainer.net, batch, (0.01, 0.3))
    net, (inputs, labels) = replica(trainer, 1), (batch[0][1], batch[1][1])
    loss = nn.functional.cross_entropy(net(inputs), labels)
    slopes = dict(
        zip(net.parameters(), torch.autograd.grad(loss, list(net.parameters())), strict=True)
    )
    squared = sum(float(one.square().sum()) for one in slopes.values())

    def decrease(rate: float, layers: list[int]) -> float:
        moved = copy.deepcopy(net)
        with torch.no_grad():
            for layer in layers:
                for ours, start in zip(
                    moved[layer].parameters(), net[layer].parameters(), strict=True
                ):
                    ours -= rate * slopes[start]
            return float(loss - nn.functional.cross_entropy(moved(inputs), labels))

    for column, rate in enumerate((0.01, 0.3)):
        joint = decrease(rate, [0, 1, 2]) / (rate * squared)
        single = sum(decrease(rate, [layer]) for layer in range(3)) / (rate * squared)
        assert found["joint"][1, column] == pytest.approx(joint, rel=1e-8)
        assert found["single"][1, column] == pytest.approx(single, rel=1e-8)


def test_measuring_leaves_the_net_as_it_is():
    trainer = exact_trainer(Config(depth=2, width=8, normalization="batch"))
    before = {key: value.clone() for key, value in trainer.net.state_dict().items()}
    coordinated_updates.shares(trainer.net, trainer.batches.first(), (1.0,))
    for key, value in trainer.net.state_dict().items():
        assert torch.equal(value, before[key])


def partials(none: dict[int, float], before: dict[int, float], tiny: float = 1.0) -> dict:
    """Return ended shards of three seeds; by depth the share at each rate but the smallest."""
    jitter = np.array([-0.01, 0.0, 0.01])[:, None]
    found = {}
    for name, shares in (("none", none), ("before", before)):
        rows = {}
        for depth in (2, 5, 10, 20):
            row = np.full((3, len(RATES)), shares.get(depth, 0.5)) + jitter
            row[:, 0] = tiny
            rows |= {f"joint_{depth}": row, f"single_{depth}": row}
        found[name] = {**rows, "complete": True}
    return found


@pytest.mark.parametrize(
    ("none", "before", "kind"),
    [
        ({5: 0.3, 20: 0.3}, {5: 0.7, 20: 0.7}, "holds"),
        ({5: 0.3, 20: 0.4}, {5: 0.7, 20: 0.0}, "depends"),
        ({5: 0.3, 20: 0.4}, {5: 0.3, 20: 0.4}, "fails"),
        ({5: 0.7, 20: 0.4}, {5: 0.3, 20: 0.0}, "fails"),
    ],
)
def test_both_depths_decide(none, before, kind):
    result = coordinated_updates.summarize(partials(none, before))
    np.testing.assert_allclose(result["gain_5"].values, before[5] - none[5], atol=1e-12)
    verdict = EXPERIMENTS["updates"].decide(result)
    assert (verdict.kind, verdict.settled) == (kind, True)


def test_where_the_smallest_step_keeps_no_promise_nothing_is_tested():
    found = partials({5: 0.3, 20: 0.3}, {5: 0.7, 20: 0.7}, tiny=0.5)
    assert EXPERIMENTS["updates"].decide(coordinated_updates.summarize(found)).kind == "untested"


def test_a_loss_that_is_not_finite_is_the_worst_share_and_drawn_at_the_edge():
    found = partials({5: 0.3, 20: 0.3}, {5: 0.7, 20: -np.inf})
    result = coordinated_updates.summarize(found)
    assert EXPERIMENTS["updates"].decide(result).kind == "depends"
    drawn = [curve.y for panel in result.panels for curve in panel.curves]  # type: ignore[union-attr]
    assert all(np.isfinite(y).all() and y.min() >= -1 for y in drawn)


@pytest.mark.slow
def test_five_layers_gain_by_batch_norm_and_twenty_lose():
    result, verdict = run("updates", seeds=3, quick=True)
    for name in ("none", "before"):
        for depth in (5, 20):
            np.testing.assert_allclose(result[f"{name}_{depth}_tiny"].values, 1.0, atol=0.15)
    assert np.median(result["gain_5"].values) > 0.1
    assert (result["before_20"].values < 0.05).all() and (result["gain_20"].values < 0).all()
    assert verdict.kind == "depends"
