"""The fused step against the readable net and autograd, and where it is not used."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bn_core.config import Config
from bn_core.nets import mlp
from bn_core.probing import captured_outputs
from bn_core.training import Trainer
from bn_core.training.fused_step import FusedStep

SMALL = Config(width=12, depth=2, batch_size=16, replicas=3, learning_rate=0.1)
EXACT: Any = {"rtol": 1e-12, "atol": 1e-12}
NORMS = [
    {"normalization": "none"},
    {"normalization": "batch", "placement": "before"},
    {"normalization": "batch", "placement": "after"},
    {"normalization": "batch", "bn_scale": False},
    {"normalization": "batch", "bn_shift": False, "bn_cumulative": True},
]


def trainers(config: Config, dtype: torch.dtype = torch.float64) -> tuple[Trainer, Trainer]:
    """Return the same nets twice: trained by the fused step, and by the equations and autograd."""
    fused, readable = Trainer(config), Trainer(config, fused=False)
    for trainer in (fused, readable):
        trainer.net.to(dtype)
    for norm in readable.net.norms:
        norm.reference = True
    assert FusedStep.supports(fused.net, config.batch_size)
    return fused, readable


def next_batch(trainer: Trainer, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    inputs, labels = trainer.batches.next()
    return inputs.to(dtype), labels


def state(trainer: Trainer) -> dict[str, Tensor]:
    """Return parameters and running averages."""
    return trainer.net.state_dict()


def gradients(trainer: Trainer) -> list[Tensor]:
    found = [parameter.grad for parameter in trainer.net.parameters()]
    assert not any(gradient is None for gradient in found)
    return [gradient for gradient in found if gradient is not None]


def is_fused(trainer: Trainer) -> bool:
    """Return whether the last step was fused: only autograd's losses remember their graph."""
    return not trainer.example_losses.requires_grad


@pytest.mark.parametrize("norm", NORMS, ids=str)
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("replicas", [1, 3])
def test_steps_equal_those_of_the_readable_net(norm: dict, activation: str, replicas: int):
    config = SMALL.changed({"activation": activation, "replicas": replicas, **norm})
    fused, readable = trainers(config)
    for _ in range(5):
        batch = next_batch(fused)
        torch.testing.assert_close(fused.step(batch), readable.step(batch), **EXACT)
        assert is_fused(fused) and not is_fused(readable)
        torch.testing.assert_close(gradients(fused), gradients(readable), **EXACT)
        torch.testing.assert_close(fused.train_accuracy(), readable.train_accuracy())
    torch.testing.assert_close(state(fused), state(readable), **EXACT)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_every_optimizer_takes_the_same_steps(optimizer: str, decay: float):
    changes = {"optimizer": optimizer, "weight_decay": decay, "learning_rate": 0.01}
    fused, readable = trainers(SMALL.changed({"activation": "tanh", **changes}))
    for _ in range(10):
        batch = next_batch(fused)
        torch.testing.assert_close(fused.step(batch), readable.step(batch), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(state(fused), state(readable), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("norm", NORMS, ids=str)
def test_in_float32_a_step_is_as_near_to_the_exact_one_as_autograds(norm: dict):
    config = SMALL.changed(norm)
    (fused, readable), (_, exact) = trainers(config, torch.float32), trainers(config)
    inputs, labels = next_batch(fused, torch.float32)
    exact.step((inputs.double(), labels))
    errors = []
    for trainer in (fused, readable):
        trainer.step((inputs, labels))
        pairs = zip(gradients(trainer), gradients(exact), strict=True)
        errors.append(max(float((ours - theirs).abs().max()) for ours, theirs in pairs))
    assert errors[0] < 2 * errors[1] + 1e-7


def test_numbers_are_the_same_bit_for_bit_in_every_run():
    first, second = Trainer(SMALL), Trainer(SMALL)
    for _ in range(20):
        assert torch.equal(first.step(), second.step())
    for one, other in itertools.zip_longest(state(first).values(), state(second).values()):
        assert torch.equal(one, other)


def test_a_replica_does_not_depend_on_its_neighbours():
    together, alone = Trainer(SMALL), Trainer(SMALL.changed({"replicas": 1}))
    with torch.no_grad():
        together.net.weights[0][2] = float("nan")
    for _ in range(5):
        losses = together.step()
        torch.testing.assert_close(losses[:1], alone.step(), rtol=1e-5, atol=1e-6)
    assert losses[2].isnan() and losses[:2].isfinite().all()


@pytest.mark.parametrize(
    "changes",
    [
        {"dropout": 0.2},
        {"architecture": "residual"},
        {"activation": "gelu"},
        {"normalization": "layer"},
        {"normalization": "ghost"},
        {"normalization": "renorm"},
    ],
    ids=str,
)
def test_other_nets_are_trained_by_autograd(changes: dict):
    trainer = Trainer(SMALL.changed({"normalization": "batch", **changes}))
    assert trainer.step().isfinite().all()
    assert not is_fused(trainer)
    with pytest.raises(ValueError, match="autograd"):
        FusedStep(trainer.net, SMALL.batch_size)


def test_nets_with_modules_of_ones_own_are_trained_by_autograd():
    net = mlp(SMALL, (2,), 2, extra=lambda _index: nn.Tanh())
    assert not FusedStep.supports(net, 16)
    assert not FusedStep.supports(mlp(SMALL, (2,), 2, activate=nn.Identity), 16)
    steep = mlp(SMALL, (2,), 2, activate=lambda: nn.LeakyReLU(0.5))
    assert not FusedStep.supports(steep, 16)


def test_a_batch_of_one_is_trained_by_autograd():
    trainer = Trainer(SMALL.changed({"normalization": "batch"}))
    inputs, labels = trainer.batches.next()
    trainer.step((inputs[:, :1], labels[:, :1]))
    assert not is_fused(trainer)
    trainer.step()
    assert is_fused(trainer)


def test_what_is_changed_in_a_net_between_steps_counts():
    fused, readable = trainers(SMALL.changed({"normalization": "batch", "activation": "tanh"}))

    def both_step(expected: bool) -> None:
        batch = next_batch(fused)
        torch.testing.assert_close(fused.step(batch), readable.step(batch), **EXACT)
        assert is_fused(fused) is expected

    both_step(True)
    activation = fused.net.hidden[0].activation
    assert activation is not None
    with captured_outputs(activation) as found:
        both_step(False)
    assert len(found) == 1
    both_step(True)
    for trainer in (fused, readable):
        with torch.no_grad():
            trainer.net.weights[0].mul_(2)
    both_step(True)
    with torch.no_grad():
        fused.net.weights[0].data = fused.net.weights[0].clone()
    both_step(False)


def test_parts_of_a_net_that_do_not_learn_or_are_put_in_count():
    fused, readable = trainers(SMALL.changed({"normalization": "batch", "activation": "tanh"}))

    def both_step(expected: bool) -> None:
        batch = next_batch(fused)
        torch.testing.assert_close(fused.step(batch), readable.step(batch), **EXACT)
        assert is_fused(fused) is expected

    for trainer in (fused, readable):
        trainer.net.learn_only(trainer.net.weights[:1])
    both_step(False)
    for trainer in (fused, readable):
        trainer.net.learn_only(trainer.net.parameters())
    both_step(True)
    for trainer in (fused, readable):
        trainer.net.hidden[0].extra = nn.Softplus()
    both_step(False)
