"""Lessons on nets in training and at inference, against nets of torch's own modules."""

import copy
import math
import re

import numpy as np
import pytest
import torch
from torch import nn

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.demos.adapting import adapting, changed
from bn_core.demos.evaluation_modes import forgot_eval
from bn_core.demos.folding import folded, folding, without_norms
from bn_core.demos.following import following
from bn_core.demos.from_lab import MOST_EXAMPLES, MOST_UNITS, from_lab
from bn_core.demos.trained import digits_net, trained
from bn_core.experiments import _ended
from bn_core.experiments.base import Trainer
from bn_core.nets import Linear
from bn_core.normalization.batch_norm import BatchNorm
from bn_core.results import Curve, HeatMaps, Panel, Result
from bn_core.training import ArmTrainer, Batches, Setup
from tests.reference import torch_net

SEEDS = range(3)


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    """The nets that the lessons on inference ask."""
    return _ended(trained(digits_net()))


def as_torch(trainer: Trainer, replica: int) -> nn.Sequential:
    """Return one trained replica as torch's own modules in 64 bits."""
    net = torch_net(trainer.net, trainer.config, replica)
    norms = [module for module in net if isinstance(module, nn.BatchNorm1d)]
    for theirs, ours in zip(norms, trainer.net.norms, strict=True):
        assert isinstance(ours, BatchNorm)
        for target, source in (
            (theirs.weight, ours.gamma),
            (theirs.bias, ours.beta),
            (theirs.running_mean, ours.running_mean),
            (theirs.running_var, ours.running_variance),
        ):
            assert target is not None and source is not None
            target.data.copy_(source[replica].detach())
    return net.double()


def panel(result: Result, name: str) -> Panel:
    (found,) = (part for part in result.panels if part.id == name)
    assert isinstance(found, Panel)
    return found


def curve(result: Result, name: str, label: str) -> Curve:
    (found,) = (one for one in panel(result, name).curves if one.label == label)
    return found


# Following


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


# Forgetting eval()


@pytest.mark.parametrize(("size", "order"), [(50, "sorted"), (500, "shuffled"), (7, "sorted")])
def test_answers_in_both_modes_are_those_of_torchs_net(trainer, size, order):
    found = _ended(forgot_eval(size, order))
    data = trainer.dataset
    labels = data.validation_labels
    inputs = data.validation_inputs.double()
    for replica in SEEDS:
        net = as_torch(trainer, replica)
        with torch.no_grad():
            right = (net.eval()(inputs).argmax(dim=1) == labels).double()
        assert abs(found["eval"].values[replica] - right.mean().item()) <= 0.0021
        by_class = [right[labels == digit].mean().item() for digit in range(10)]
        shown = curve(found, "classes", "with eval()").y[replica]
        np.testing.assert_allclose(shown, by_class, atol=0.021)
        if size == 500:
            batches = [torch.arange(500)]
        elif order == "sorted":
            batches = list(torch.sort(labels, stable=True).indices.split(size))
        with torch.no_grad():
            answers = [net.train()(inputs[chosen]).argmax(dim=1) for chosen in batches]
        right = (torch.cat(answers) == labels[torch.cat(batches)]).double().mean().item()
        assert abs(found["train"].values[replica] - right) <= 0.0041


def test_sorted_batches_ruin_what_shuffled_ones_spare():
    one_class = _ended(forgot_eval(50, "sorted"))
    assert (one_class["eval"].values >= 0.95).all() and len(one_class["eval"].values) == 3
    assert (one_class["train"].values <= 0.2).all()
    assert (_ended(forgot_eval(50, "shuffled"))["train"].values >= 0.9).all()
    assert (_ended(forgot_eval(2, "shuffled"))["train"].values <= 0.6).all()


def test_a_batch_of_one_answers_the_same_to_every_digit():
    found = _ended(forgot_eval(1, "shuffled"))
    np.testing.assert_allclose(found["train"].values, 0.1, atol=0.02)


def test_a_question_leaves_the_nets_as_they_were(trainer):
    before = copy.deepcopy(trainer.net.state_dict())
    for task in (forgot_eval(2, "sorted"), adapting(0.4, 1.5, 1.0, True), folding()):
        _ended(task)
    for name, value in trainer.net.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert _ended(trained(digits_net())) is trainer


@pytest.mark.parametrize(
    ("size", "order"), [(0, "sorted"), (501, "sorted"), (10, "reversed"), (-1, "shuffled")]
)
def test_other_batches_and_orders_are_refused(size, order):
    with pytest.raises(ValueError, match="1 to 500 examples"):
        _ended(forgot_eval(size, order))


# Adapting


def test_new_statistics_undo_a_scale_and_a_shift_and_not_an_inversion():
    affine = _ended(adapting(0.4, 1.5, 0.0, False))
    assert (affine["as trained"].values >= 0.95).all()
    assert (affine["changed"].values <= 0.5).all()
    assert (affine["changed, new statistics"].values >= 0.9).all()
    assert len(affine["changed"].values) == 3
    inverted = _ended(adapting(1.0, 0.0, 0.0, True))
    assert (inverted["changed, new statistics"].values <= 0.2).all()
    noisy = _ended(adapting(1.0, 0.0, 2.0, False))
    assert (noisy["changed, new statistics"].values < 0.9).all()


def test_images_left_alone_are_expected_loss_as_before():
    same = _ended(adapting(1.0, 0.0, 0.0, False))
    np.testing.assert_array_equal(same["changed"].values, same["as trained"].values)


@pytest.mark.parametrize("invert", [False, True])
def test_accuracies_on_changed_images_are_those_of_torchs_net(trainer, invert):
    found = _ended(adapting(0.7, -0.5, 0.5, invert))
    data, labels = trainer.dataset.validation_inputs, trainer.dataset.validation_labels
    inputs = changed(data, 0.7, -0.5, 0.5, invert).double()
    for replica in SEEDS:
        net = as_torch(trainer, replica)
        with torch.no_grad():
            old = (net.eval()(inputs).argmax(dim=1) == labels).double().mean().item()
            for norm in (module for module in net if isinstance(module, nn.BatchNorm1d)):
                norm.reset_running_stats()
                norm.momentum = None
            net.train()(inputs)
            new = (net.eval()(inputs).argmax(dim=1) == labels).double().mean().item()
        assert abs(found["changed"].values[replica] - old) <= 0.0021
        assert abs(found["changed, new statistics"].values[replica] - new) <= 0.0021
    states = panel(found, "accuracy")
    columns = [measure.values for measure in found.metrics]
    np.testing.assert_array_equal(states.curves[0].y, np.stack(columns, axis=1))
    assert states.categories == tuple(measure.key for measure in found.metrics)


def test_images_are_changed_as_written():
    x = torch.linspace(-1, 2, 5 * 64).reshape(5, 64)
    np.testing.assert_allclose(changed(x, 0.4, 1.5, 0, False), 0.4 * x + 1.5, atol=1e-6)
    np.testing.assert_allclose(changed(x, 2.0, 0.0, 0, True), 2 * (1 - x), atol=1e-6)
    drawn = (changed(torch.zeros(500, 64), 1, 0, 3.0, False) / 3).numpy()
    assert abs(drawn.mean()) < 0.03 and abs(drawn.std() - 1) < 0.03


def test_the_changed_images_are_shown(trainer):
    (shown,) = (p for p in _ended(adapting(0.4, 1.5, 0, False)).panels if isinstance(p, HeatMaps))
    clean, moved = (np.asarray(field.values) for field in shown.fields)
    np.testing.assert_array_equal(clean[:8, :8], trainer.dataset.validation_inputs[0].view(8, 8))
    np.testing.assert_allclose(moved, 0.4 * clean + 1.5, atol=1e-5)


@pytest.mark.parametrize(
    ("scale", "offset", "noise"),
    [
        (-0.1, 0, 0),
        (5.1, 0, 0),
        (math.nan, 0, 0),
        (1, -5.1, 0),
        (1, 5.1, 0),
        (1, math.nan, 0),
        (1, 0, -0.1),
        (1, 0, 5.1),
        (1, 0, math.inf),
    ],
)
def test_changes_beyond_the_limits_are_refused(scale, offset, noise):
    with pytest.raises(ValueError, match="between"):
        _ended(adapting(scale, offset, noise, False))


# Folding


def test_the_folded_net_is_the_net():
    found = _ended(folding())
    assert found["32"].values.shape == (3,)
    assert (found["32"].values < 1e-5).all()
    assert (found["64"].values < 1e-13).all()
    assert found["saved"].median == 2 * 64 * 3  # a factor and a sum for each unit


def test_the_folded_net_answers_as_torchs_net_in_eval_mode(trainer):
    inputs = trainer.dataset.validation_inputs[:100]
    found = without_norms(trainer.net, inputs.expand(3, -1, -1))
    for replica in SEEDS:
        with torch.no_grad():
            exact = as_torch(trainer, replica).eval()(inputs.double())
        np.testing.assert_allclose(found[replica], exact, atol=2e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("scale", "shift"), [(True, True), (True, False), (False, False)])
def test_weights_are_folded_as_torch_folds_them(bias, scale, shift):
    draw = torch.Generator().manual_seed(1)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    linear = Linear(drawn(2, 5, 4), drawn(2, 1, 4) if bias else None)
    norm = BatchNorm(2, 4, epsilon=1e-3, scale=scale, shift=shift).double()
    assert norm.running_mean is not None and norm.running_variance is not None
    norm.running_mean.copy_(drawn(2, 4))
    norm.running_variance.copy_(drawn(2, 4) ** 2)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.copy_(drawn(8))
        weight, offset = folded(linear, norm)
    for k in range(2):
        theirs = nn.utils.fuse_linear_bn_weights(
            linear.weight[k].T,
            None if linear.bias is None else linear.bias[k, 0],
            norm.running_mean[k],
            norm.running_variance[k],
            1e-3,
            torch.ones(4).double() if norm.gamma is None else norm.gamma[k],
            torch.zeros(4).double() if norm.beta is None else norm.beta[k],
        )
        np.testing.assert_allclose(weight[k].T, theirs[0].detach(), rtol=1e-12)
        np.testing.assert_allclose(offset[k, 0], theirs[1].detach(), rtol=1e-12)


def test_each_unit_is_multiplied_by_one_number():
    (shown,) = (part for part in _ended(folding()).panels if isinstance(part, HeatMaps))
    before, after = (np.asarray(field.values, float) for field in shown.fields)
    moved = np.abs(before) > 1e-3
    for unit in range(before.shape[1]):
        ratios = after[moved[:, unit], unit] / before[moved[:, unit], unit]
        np.testing.assert_allclose(ratios, ratios[0], rtol=1e-4)


# From the Lab


def lab(*arms: str, **changes) -> Comparison:
    base = Config(depth=3, width=16, batch_size=32, steps=120).changed(changes)
    return Comparison(base, tuple(ARMS[name] for name in arms))


def replayed(comparison: Comparison, arm: int, layer: int, step: int) -> np.ndarray:
    """Return what enters a layer's norm for the batch after a step, by the Lab's own training."""
    alone = Comparison(comparison.base.changed({"replicas": 1}), comparison.arms)
    setup = Setup.of(alone)
    trained_arm = ArmTrainer(0, alone.configs[arm], setup.dataset, setup.probe)
    batches, rate = Batches(setup.dataset, alone.base), alone.base.learning_rate
    changes = dict(alone.base.rate_changes)
    for done in range(step):
        rate = changes.get(done, rate)
        trained_arm.step(done + 1, batches.next(), rate, False)
    x = batches.next()[0].double()
    net = trained_arm.trainer.net.double()
    with torch.no_grad():
        for number, hidden in enumerate(net.hidden, start=1):
            assert hidden.activation is not None
            x = hidden.linear(x)
            if hidden.norm is not None and not hidden.norm_first:
                x = hidden.activation(x)
            if number == layer:
                return x[0, :MOST_EXAMPLES, :MOST_UNITS].numpy()
            if hidden.norm is None:
                x = hidden.activation(x)
            else:
                spread = torch.sqrt(x.var(1, correction=0, keepdim=True) + 1e-5)
                x = (x - x.mean(1, keepdim=True)) / spread
                assert hidden.norm.gamma is not None and hidden.norm.beta is not None
                x = x * hidden.norm.gamma[:, None] + hidden.norm.beta[:, None]
                x = hidden.activation(x) if hidden.norm_first else x
    raise AssertionError("there is no such layer")


@pytest.mark.parametrize(
    ("arms", "arm"),
    [(("none", "before"), 1), (("after",), 0), (("none",), 0), (("none", "after", "before"), 1)],
)
@pytest.mark.parametrize(("layer", "step"), [(1, 0), (1, 7), (3, 7), (2, 60)])
def test_values_from_the_lab_are_those_of_its_own_training(arms, arm, layer, step):
    comparison = lab(*arms)
    found = _ended(from_lab(comparison, layer, step)).facts["x"]
    assert found.shape == (MOST_EXAMPLES, MOST_UNITS) and found.dtype == np.float64
    exact = replayed(comparison, arm, layer, step)
    np.testing.assert_allclose(found, exact, rtol=1e-3, atol=1e-4)


def test_rate_changes_on_the_way_are_taken():
    plain, changed_rate = lab("before"), lab("before", rate_changes=((1, 1.0), (5, 0.001)))
    one, other = (_ended(from_lab(c, 2, 12)).facts["x"] for c in (plain, changed_rate))
    assert np.abs(one - other).max() > 0.01
    np.testing.assert_allclose(other, replayed(changed_rate, 0, 2, 12), rtol=1e-3, atol=1e-4)


def test_layers_and_steps_beyond_the_last_are_the_last():
    comparison = lab("before", steps=9)
    one, other = (_ended(from_lab(comparison, *at)).facts["x"] for at in ((20, 500), (3, 9)))
    np.testing.assert_array_equal(one, other)


def test_small_batches_and_points_in_a_plane_fit():
    assert _ended(from_lab(lab("before", batch_size=3), 1, 2)).facts["x"].shape == (3, 4)
    assert _ended(from_lab(lab("before", data="moons"), 1, 2)).facts["x"].shape == (12, 4)


@pytest.mark.parametrize(
    ("comparison", "layer", "step", "words"),
    [
        (lab("before", width=256, depth=20, batch_size=512, replicas=10), 1, 0, "Lower the width"),
        (lab("before", data="moons", points=20), 1, 0, "does not fit"),
        (lab("none", gain=100.0, learning_rate=30.0), 3, 20, "diverged by step 20"),
        (lab("before"), 0, 0, "counted from 1"),
        (lab("before"), 1, -1, "steps from 0"),
    ],
)
def test_what_the_lab_cannot_train_is_refused_in_words(comparison, layer, step, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        _ended(from_lab(comparison, layer, step))
