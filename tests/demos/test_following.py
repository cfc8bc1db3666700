"""Following running averages, against nets of torch's own modules."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from bn_core.config import Config
from bn_core.demos.following import following
from bn_core.experiments import _ended
from bn_core.experiments.base import Trainer
from bn_core.results import Result
from tests.demos.trained_nets import SEEDS, as_torch, curve
from tests.reference import torch_net


def follow(**changes) -> Result:
    usual = {"momentum": 0.1, "cumulative": False, "batch_size": 32, "rate": 0.1, "steps": 25}
    return _ended(following(**usual | changes))


@pytest.mark.parametrize(("momentum", "cumulative"), [(0.1, False), (0.01, False), (0.3, True)])
def test_statistics_and_losses_are_those_of_torchs_net_at_every_step(momentum, cumulative):
    steps = 12
    found = follow(momentum=momentum, cumulative=cumulative, steps=steps)
    config = Config(
        depth=3,
        initialization="he",
        normalization="batch",
        bn_momentum=momentum,
        bn_cumulative=cumulative,
        batch_size=32,
        learning_rate=0.1,
        replicas=3,
    )
    ours = Trainer(config)
    net = torch_net(ours.net, config, 0).double()
    last = [module for module in net if isinstance(module, nn.BatchNorm1d)][-1]
    assert last.running_mean is not None and last.running_var is not None
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    entered: list[torch.Tensor] = []
    last.register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0].detach()))
    for step in range(steps):
        inputs, labels = (part[0] for part in ours.batches.next())
        asked = copy.deepcopy(net).eval()
        expected_loss = nn.functional.cross_entropy(asked(inputs.double()), labels)
        loss = nn.functional.cross_entropy(net(inputs.double()), labels)
        x = entered[-1][:, 0]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        exact = {
            ("mean", "this batch"): x.mean(),
            ("variance", "this batch"): x.var(correction=0),
            ("mean", "running average"): last.running_mean[0],
            ("variance", "running average"): last.running_var[0],
            ("loss", "training mode"): loss,
            ("loss", "eval mode"): expected_loss,
        }
        for (name, label), value in exact.items():
            one = curve(found, name, label)
            assert one.x[step] == step + 1
            np.testing.assert_allclose(
                one.y[0, step], value.item(), rtol=2e-4, atol=2e-5, err_msg=f"{step} {name} {label}"
            )


def test_statistics_of_all_data_and_accuracies_are_those_of_torchs_net():
    found = follow(steps=10)
    config = Config(depth=3, initialization="he", normalization="batch", batch_size=32, replicas=3)
    ours = Trainer(config)
    data = ours.dataset
    for step in range(1, 11):
        ours.step()
        if step % 5:
            continue
        at = step // 5 - 1
        for replica in SEEDS:
            net = as_torch(ours, replica)
            with torch.no_grad():
                answers = net.eval()(data.validation_inputs.double()).argmax(dim=1)
                right = (answers == data.validation_labels).double().mean().item()
                shown = curve(found, "accuracy", "running averages").y[replica, at]
                assert abs(shown - right) <= 0.0021
                norms = [module for module in net if isinstance(module, nn.BatchNorm1d)]
                for norm in norms:
                    norm.reset_running_stats()
                    norm.momentum = None
                net.train()(data.train_inputs.double())
                answers = net.eval()(data.validation_inputs.double()).argmax(dim=1)
                right = (answers == data.validation_labels).double().mean().item()
            shown = curve(found, "accuracy", "recomputed (PreciseBN)").y[replica, at]
            assert abs(shown - right) <= 0.0021
            if replica == 0:
                mean, variance = norms[-1].running_mean, norms[-1].running_var
                assert mean is not None and variance is not None
                of_all = [curve(found, name, "all training data") for name in ("mean", "variance")]
                assert of_all[0].x[at] == step
                np.testing.assert_allclose(of_all[0].y[0, at], mean[0], rtol=1e-3, atol=1e-4)
                np.testing.assert_allclose(of_all[1].y[0, at], variance[0], rtol=1e-3)


def test_slow_averages_lag_far_behind_and_usual_ones_do_not():
    slow = follow(momentum=0.001, rate=0.2, steps=100)
    lost = slow["precise"].values - slow["running"].values
    assert lost.shape == (3,) and (lost >= 0.1).all() and np.median(lost) >= 0.2
    assert (slow["precise"].values >= 0.9).all()
    assert (slow["gap"].values > 0.1).all()
    usual = follow(momentum=0.1, rate=0.2, steps=100)
    assert (np.abs(usual["precise"].values - usual["running"].values) <= 0.05).all()
    assert (np.abs(usual["gap"].values) < slow["gap"].values).all()


def test_what_is_known_so_far_is_part_of_what_is_known_in_the_end():
    task, parts = following(0.1, False, 32, 0.1, 60), []
    try:
        while True:
            parts.append(next(task))
    except StopIteration as stop:
        whole = stop.value
    shares = [part.share for part in parts]
    assert shares == sorted(shares) and shares[-1] == 1.0 and shares[0] > 0
    (early,) = (part.partial for part in parts if part.partial is not None)
    for one, other in zip(early.panels, whole.panels, strict=True):
        for short, long in zip(one.curves, other.curves, strict=True):
            np.testing.assert_array_equal(short.y, long.y[:, : short.y.shape[1]])


def test_a_net_that_breaks_is_followed_to_its_end():
    found = follow(rate=30.0, batch_size=2, steps=30)
    assert all(measure.words() for measure in found.metrics)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": 0}, "Between 1 and 1,000 steps"),
        ({"steps": 1001}, "Between 1 and 1,000 steps"),
        ({"momentum": -0.1}, "Momentum"),
        ({"momentum": 1.5}, "Momentum"),
        ({"momentum": math.nan}, "Momentum"),
        ({"batch_size": 0}, "Batch size"),
        ({"batch_size": 513}, "Batch size"),
        ({"rate": 0.0}, "Learning rate"),
        ({"rate": math.inf}, "Learning rate"),
    ],
)
def test_following_refuses_what_is_beyond_its_limits(changes, words):
    with pytest.raises(ValueError, match=words):
        follow(**changes)
