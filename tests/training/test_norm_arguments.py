"""Micro-batches, frozen norms, batch norm without running statistics, and of the inputs."""

import pytest
import torch
from torch import Tensor, nn

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.nets import build
from bn_core.normalization import BatchNorm
from bn_core.training import Trainer, run

BASE = Config(depth=2, width=8, steps=6, batch_size=16, replicas=2, normalization="batch")


def trainer(**changes) -> Trainer:
    made = Trainer(BASE.changed(changes), fused=False)
    made.net.double()
    return made


def gradients(made: Trainer, parts: list[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """Return the mean gradient of some batches, one backward pass after the other."""
    found = []
    for inputs, labels in parts:
        made.forward((inputs, labels))
        made.backward()
        found.append([linear.weight.grad for linear in made.net.linears])
    return [torch.stack(list(one)).mean(dim=0) for one in zip(*found, strict=True)]


def one_batch() -> tuple[Tensor, Tensor]:
    inputs, labels = trainer().batches.next()
    return inputs.double(), labels


@pytest.mark.parametrize("kind", ["batch", "layer", "none"])
def test_micro_batches_give_the_mean_of_their_gradients(kind):
    inputs, labels = one_batch()
    parts = list(zip(inputs.split(4, 1), labels.split(4, 1), strict=True))
    expected = gradients(trainer(normalization=kind), parts)
    found = gradients(trainer(normalization=kind, accumulate=4), [(inputs, labels)])
    whole = gradients(trainer(normalization=kind), [(inputs, labels)])
    for one, other, full in zip(found, expected, whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)
        assert torch.allclose(one, full, rtol=1e-8, atol=1e-10) == (kind != "batch")


def test_micro_batches_are_ghost_batches_that_only_the_norm_sees():
    ghosts = trainer(normalization="ghost", ghost_size=4)
    micro = trainer(accumulate=4)
    for _ in range(5):
        inputs, labels = ghosts.batches.next()
        losses = [one.step((inputs.double(), labels)) for one in (ghosts, micro)]
        torch.testing.assert_close(losses[0], losses[1], rtol=1e-10, atol=1e-12)
    for one, other in zip(ghosts.net.norms, micro.net.norms, strict=True):
        assert isinstance(one, BatchNorm) and isinstance(other, BatchNorm)
        for held, expected in zip(other.averages, one.averages, strict=True):
            torch.testing.assert_close(held, expected, rtol=1e-10, atol=1e-12)


def test_without_running_statistics_it_is_torchs_layer_and_each_batch_normalizes_itself():
    net = trainer(bn_track=False).net
    norm = net.norms[0]
    theirs = nn.BatchNorm1d(8, track_running_stats=False).double()
    x = torch.randn(2, 9, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for training in (True, False):
        norm.train(training)
        theirs.train(training)
        torch.testing.assert_close(norm(x)[1], theirs(x[1]), rtol=1e-12, atol=1e-12)
    assert not list(norm.buffers())
    inputs = one_batch()[0]
    whole = net.evaluated(inputs, statistics="running")
    assert not torch.allclose(net.evaluated(inputs[:, :4], statistics="running"), whole[:, :4])
    untracked, batch = (
        run(Comparison(BASE.changed(changes), (ARMS["before"],))).snapshots[-1].arms[0]
        for changes in ({"bn_track": False}, {"evaluate_with": "batch"})
    )
    assert untracked is not None and batch is not None
    assert abs(untracked.validation_loss - batch.validation_loss).max() < 1e-5


def held(made: Trainer) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Return copies of the averages, of gamma and beta, and of the weights."""
    norms = [norm for norm in made.net.norms if isinstance(norm, BatchNorm)]
    return (
        [one.clone() for norm in norms for one in norm.averages],
        [one.detach().clone() for norm in norms for one in norm.parameters()],
        [linear.weight.detach().clone() for linear in made.net.linears],
    )


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("freeze", ["statistics", "parameters", "both"])
@pytest.mark.parametrize("place", ["before", "after"])
def test_from_the_step_on_what_is_frozen_stands_still(freeze, place, optimizer):
    changes = {"placement": place, "optimizer": optimizer, "learning_rate": 0.01}
    frozen = Trainer(BASE.changed(changes | {"freeze": freeze, "freeze_at": 3}))
    free = Trainer(BASE.changed(changes))
    for one in (frozen, free):
        for _ in one.steps(3):
            pass
    before = held(frozen)
    for one, other in zip(before, held(free), strict=True):
        assert all(map(torch.equal, one, other)), "nothing differs up to the step"
    for _ in frozen.steps(2):
        frozen.evaluate("batch")  # which must not wake it
    averages, learned, weights = held(frozen)
    assert all(map(torch.equal, averages, before[0])) == (freeze != "parameters")
    assert all(map(torch.equal, learned, before[1])) == (freeze != "statistics")
    assert not any(map(torch.equal, weights, before[2]))


def test_frozen_statistics_normalize_by_themselves_in_training():
    made = trainer(freeze="statistics", freeze_at=2)
    for _ in range(2):
        inputs, labels = made.batches.next()
        made.step((inputs.double(), labels))
    inputs, labels = one_batch()
    whole = made.forward((inputs, labels))
    expected = made.evaluate("running", inputs, labels)[0]
    torch.testing.assert_close(whole, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("net", [{}, {"architecture": "conv", "channels": (3,)}])
def test_inputs_are_normalized_where_they_enter(net):
    config = BASE.changed(net | {"input_norm": True, "normalize_inputs": "none"})
    made = Trainer(config)
    entering: list[Tensor] = []
    made.net.hidden[0].register_forward_pre_hook(lambda _, inputs: entering.append(inputs[0]))
    inputs, labels = made.batches.next()
    made.step((inputs, labels))
    axes = (1, 2) if net else 1
    assert inputs.mean() > 3, "raw pixels"
    assert entering[0].mean(axes).abs().max() < 1e-5
    spread = entering[0].std(axes, correction=0)
    assert ((spread - 1).abs() < 0.01)[inputs.std(axes) > 0.3].all()
    assert len(made.net.norms) == config.depth + 1
    record = run(Comparison(config, (ARMS["none"], ARMS["before"])))
    assert record.step == config.steps and record.train_loss[-1].max() < 3


def test_inputs_normalized_by_a_channel_are_images():
    config = BASE.changed({"architecture": "conv", "channels": (3,), "input_norm": True})
    norm = build(config, (1, 8, 8), 10).input_norm
    theirs = nn.BatchNorm2d(1)
    assert norm is not None
    x = torch.randn(2, 5, 64, generator=torch.Generator().manual_seed(1)) + 2
    torch.testing.assert_close(norm(x)[1], theirs(x[1].view(5, 1, 8, 8)).flatten(1))
