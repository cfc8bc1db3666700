"""Parity: our batch norm against torch's, in float64, replica by replica."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bn_core.normalization import BatchNorm, batch_moments, normalize

K, N, C = 3, 16, 5
EXACT: Any = {"rtol": 1e-12, "atol": 1e-12}
CLOSE: Any = {"rtol": 1e-9, "atol": 1e-10}
BOTH_WAYS = pytest.mark.parametrize("reference", [True, False])


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def pair(replicas: int = K, **settings) -> tuple[BatchNorm, list[nn.BatchNorm1d]]:
    """Return our layer for some replicas and as many of torch, with the same gamma and beta."""
    torch_settings = {
        "momentum": settings["momentum"],
        "eps": settings["epsilon"],
        "affine": settings["scale"],
        "track_running_stats": settings["track"],
    }
    ours = BatchNorm(replicas, C, shift=settings["scale"], **settings).double()
    theirs = [nn.BatchNorm1d(C, **torch_settings).double() for _ in range(replicas)]
    if settings["scale"]:
        assert ours.gamma is not None and ours.beta is not None
        with torch.no_grad():
            ours.gamma.copy_(draw(replicas, C, seed=1))
            ours.beta.copy_(draw(replicas, C, seed=2))
            for k, layer in enumerate(theirs):
                layer.weight.copy_(ours.gamma[k])
                layer.bias.copy_(ours.beta[k])
    return ours, theirs


def through_ours(layer: BatchNorm, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the outputs and the gradient of a weighted sum of them at the inputs."""
    x = x.clone().requires_grad_()
    output = layer(x)
    (output * draw(*x.shape, seed=9)).sum().backward()
    assert x.grad is not None
    return output.detach(), x.grad


def through_torch(layers: list[nn.BatchNorm1d], x: Tensor) -> tuple[Tensor, Tensor]:
    x = x.clone().requires_grad_()
    outputs = torch.stack([layer(x[k]) for k, layer in enumerate(layers)])
    (outputs * draw(*x.shape, seed=9)).sum().backward()
    assert x.grad is not None
    return outputs.detach(), x.grad


def gradient_of(layer: BatchNorm, what: str) -> Tensor:
    """Return the gradient of gamma or beta, (K, C), however the layer stores it."""
    (found,) = [p.grad for name, p in layer.named_parameters() if what in name]
    assert found is not None
    return found.view(-1, C)


def assert_equal_averages(ours: BatchNorm, theirs: list[nn.BatchNorm1d]) -> None:
    for our, their in (("running_mean", "running_mean"), ("running_variance", "running_var")):
        expected = torch.stack([getattr(layer, their) for layer in theirs])
        torch.testing.assert_close(getattr(ours, our), expected, **EXACT)


CASES = [
    pytest.param(
        dict(momentum=momentum, epsilon=epsilon, scale=scale, track=track, reference=reference),
        id=f"momentum={momentum}-scale={scale}-track={track}-written={reference}",
    )
    for momentum, epsilon in ((0.1, 1e-5), (0.7, 1e-2), (None, 1e-5), (0.0, 1.0), (1.0, 1e-8))
    for scale in (True, False)
    for track in (True, False)
    for reference in (True, False)
]


@pytest.mark.parametrize("replicas", [1, K])
@pytest.mark.parametrize("settings", CASES)
def test_outputs_gradients_and_averages_are_those_of_torch(settings, replicas):
    ours, theirs = pair(replicas, **settings)
    for batch in range(3):
        x = 3 * draw(replicas, N, C, seed=10 + batch) + 2
        output, gradient = through_ours(ours, x)
        expected, expected_gradient = through_torch(theirs, x)
        torch.testing.assert_close(output, expected, **EXACT)
        torch.testing.assert_close(gradient, expected_gradient, **CLOSE)
        if settings["track"]:
            assert_equal_averages(ours, theirs)
    if settings["scale"]:
        scales = torch.stack([layer.weight.grad for layer in theirs])  # type: ignore[misc]
        shifts = torch.stack([layer.bias.grad for layer in theirs])  # type: ignore[misc]
        torch.testing.assert_close(gradient_of(ours, "gamma"), scales, **CLOSE)
        torch.testing.assert_close(gradient_of(ours, "beta"), shifts, **EXACT)
    assert (ours.running_mean is not None) == settings["track"]


@pytest.mark.parametrize("replicas", [1, K])
@pytest.mark.parametrize("settings", CASES)
def test_inference_is_that_of_torch_and_moves_nothing(settings, replicas):
    ours, theirs = pair(replicas, **settings)
    trained = draw(replicas, N, C, seed=20) * 2 - 1
    through_ours(ours, trained)
    through_torch(theirs, trained)
    ours.eval()
    for layer in theirs:
        layer.eval()
    before = [buffer.clone() for buffer in ours.buffers()]
    x = draw(replicas, N, C, seed=21)
    output, gradient = through_ours(ours, x)
    expected, expected_gradient = through_torch(theirs, x)
    torch.testing.assert_close(output, expected, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(gradient, expected_gradient, **CLOSE)
    for old, new in zip(before, ours.buffers(), strict=True):
        assert torch.equal(old, new)


@BOTH_WAYS
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("scale", "shift"), [(True, False), (False, True)])
def test_scale_and_shift_are_there_each_without_the_other(scale, shift, training, reference):
    layer = BatchNorm(K, C, scale=scale, shift=shift, reference=reference).double()
    layer.train(training)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(draw(K * C, seed=4).view_as(parameter))
    x = 2 * draw(K, N, C) + 1
    assert len(list(layer.parameters())) == 1
    for k in range(K):
        gamma = layer.gamma[k] if layer.gamma is not None else None
        beta = layer.beta[k] if layer.beta is not None else None
        averages = torch.zeros(C).double(), torch.ones(C).double()
        expected = functional.batch_norm(x[k], *averages, gamma, beta, training)
        torch.testing.assert_close(layer(x)[k], expected, **EXACT)


@BOTH_WAYS
def test_a_replica_does_not_see_its_neighbours(reference):
    settings: Any = {"momentum": 0.2, "epsilon": 1e-5, "scale": True, "track": True}
    together, _ = pair(**settings, reference=reference)
    x = draw(K, N, C)
    output, gradient = through_ours(together, x)
    changed = x.clone()
    changed[0], changed[2] = float("nan"), 1e9
    again, _ = pair(**settings, reference=reference)
    other, other_gradient = through_ours(again, changed)
    assert torch.equal(other[1], output[1]) and torch.equal(other_gradient[1], gradient[1])
    for one, two in zip(together.buffers(), again.buffers(), strict=True):
        assert torch.equal(one[1], two[1])
    assert torch.equal(gradient_of(together, "gamma")[1], gradient_of(again, "gamma")[1])


@BOTH_WAYS
@pytest.mark.parametrize("momentum", [0.1, None])
def test_a_batch_of_one_puts_out_beta_and_keeps_sensible_averages(momentum, reference):
    layer = BatchNorm(K, C, momentum=momentum, reference=reference).double()
    assert layer.beta is not None
    with torch.no_grad():
        layer.beta.copy_(draw(K, C, seed=3))
    batches = [draw(K, 1, C, seed=seed) for seed in range(4)]
    mean, variance = torch.zeros(K, C).double(), torch.ones(K, C).double()
    for count, x in enumerate(batches, start=1):
        output, gradient = through_ours(layer, x)
        assert torch.equal(output[:, 0], layer.beta.detach())
        assert not gradient.any()
        share = 1 / count if momentum is None else momentum
        mean, variance = mean + share * (x[:, 0] - mean), (1 - share) * variance
    torch.testing.assert_close(layer.running_mean, mean, **EXACT)
    torch.testing.assert_close(layer.running_variance, variance, **EXACT)
    layer.eval()
    expected = (batches[0][:, 0] - mean) / (variance + 1e-5).sqrt() + layer.beta.detach()
    torch.testing.assert_close(layer(batches[0])[:, 0].detach(), expected, rtol=1e-9, atol=1e-9)


@BOTH_WAYS
def test_a_unit_that_never_varies_puts_out_beta(reference):
    layer = BatchNorm(K, C, reference=reference)
    output, gradient = through_ours(layer, torch.full((K, N, C), 7.0))
    # A division by sqrt(epsilon) leaves at most one rounding of x in float32 so much larger.
    assert output.abs().max() <= 7.0 * 2**-23 / 1e-5**0.5
    assert gradient.isfinite().all()


@BOTH_WAYS
def test_a_layer_told_not_to_update_keeps_its_averages(reference):
    layer = BatchNorm(K, C, momentum=None, reference=reference)
    layer.track_statistics = False
    output = layer(draw(K, N, C).float() + 5)
    assert output.mean().abs() < 1e-5  # it still normalizes by the batch
    assert layer.batches_seen == 0
    assert not layer.running_mean.any() and (layer.running_variance == 1).all()  # type: ignore


def test_large_means_do_not_spoil_the_variance():
    x = draw(1, 64, 4).float() + 10_000
    _, variance = batch_moments(x)
    exact = x.double().var(dim=1, keepdim=True, correction=0)
    torch.testing.assert_close(variance.double(), exact, rtol=1e-3, atol=0)


def test_normalized_values_have_mean_zero_and_almost_unit_variance():
    x = 5 * draw(K, N, C) + 3
    mean, variance = batch_moments(x)
    xhat = normalize(x, mean, variance, 1e-5)
    torch.testing.assert_close(xhat.mean(dim=1), torch.zeros(K, C).double(), rtol=0, atol=1e-12)
    expected = (variance / (variance + 1e-5)).squeeze(1)
    torch.testing.assert_close(xhat.var(dim=1, correction=0), expected, **EXACT)
