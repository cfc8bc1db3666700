"""Forgetting eval(), adapting and folding, against nets of torch's own modules."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from bn_core.demos.adapting import adapting, changed
from bn_core.demos.evaluation_modes import forgot_eval
from bn_core.demos.folding import folded, folding, without_norms
from bn_core.demos.trained import digits_net, trained
from bn_core.experiments import _ended
from bn_core.experiments.base import Trainer
from bn_core.nets import Linear
from bn_core.normalization.batch_norm import BatchNorm
from bn_core.results import HeatMaps
from tests.demos.trained_nets import SEEDS, as_torch, curve, panel


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    """The nets that the lessons on inference ask."""
    return _ended(trained(digits_net()))


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
