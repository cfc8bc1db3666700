"""Parity: our batch norm against torch's, in float64, replica by replica."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bn_core.normalization import BatchNorm, batch_moments, normalize

K, N, C = 3, 16, 5
EXACT: Any = {"rtol": 1e-12, "atol": 1e-12}


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def pair(**settings) -> tuple[BatchNorm, list[nn.BatchNorm1d]]:
    """Return our layer for K replicas and K layers of torch, with the same gamma and beta."""
    written_out = settings.pop("written_out")
    torch_settings = {
        "momentum": settings["momentum"],
        "eps": settings["epsilon"],
        "affine": settings["scale"],
        "track_running_stats": settings["track"],
    }
    ours = BatchNorm(K, C, written_out=written_out, shift=settings["scale"], **settings).double()
    theirs = [nn.BatchNorm1d(C, **torch_settings).double() for _ in range(K)]
    if settings["scale"]:
        assert ours.gamma is not None and ours.beta is not None
        with torch.no_grad():
            ours.gamma.copy_(draw(K, C, seed=1))
            ours.beta.copy_(draw(K, C, seed=2))
            for k, layer in enumerate(theirs):
                layer.weight.copy_(ours.gamma[k])
                layer.bias.copy_(ours.beta[k])
    return ours, theirs


def pass_through(layers: list[nn.BatchNorm1d], x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the outputs of torch's layers and the gradient of a weighted sum at their inputs."""
    x = x.clone().requires_grad_()
    outputs = torch.stack([layer(x[k]) for k, layer in enumerate(layers)])
    (outputs * weights_of_the_sum()).sum().backward()
    assert x.grad is not None
    return outputs.detach(), x.grad


def weights_of_the_sum() -> Tensor:
    return draw(K, N, C, seed=9)


CASES = [
    pytest.param(
        dict(momentum=momentum, epsilon=1e-5, scale=scale, track=track, written_out=written_out),
        id=f"momentum={momentum}-scale={scale}-track={track}-written={written_out}",
    )
    for momentum in (0.1, 0.7, None)
    for scale in (True, False)
    for track in (True, False)
    for written_out in (True, False)
]


@pytest.mark.parametrize("settings", CASES)
def test_outputs_gradients_and_buffers_are_those_of_torch(settings):
    ours, theirs = pair(**settings)
    for batch in range(3):
        x = 3 * draw(K, N, C, seed=10 + batch) + 2
        expected, expected_gradient = pass_through(theirs, x)
        leaf = x.clone().requires_grad_()
        output = ours(leaf)
        (output * weights_of_the_sum()).sum().backward()
        torch.testing.assert_close(output.detach(), expected, **EXACT)
        torch.testing.assert_close(leaf.grad, expected_gradient, rtol=1e-9, atol=1e-10)
    if settings["scale"]:
        assert ours.flat_gamma is not None and ours.flat_gamma.grad is not None
        assert ours.flat_beta is not None and ours.flat_beta.grad is not None
        scales = torch.stack([layer.weight.grad for layer in theirs])  # type: ignore[misc]
        shifts = torch.stack([layer.bias.grad for layer in theirs])  # type: ignore[misc]
        torch.testing.assert_close(ours.flat_gamma.grad.view(K, C), scales, rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(ours.flat_beta.grad.view(K, C), shifts, **EXACT)
    if settings["track"]:
        means = torch.stack([layer.running_mean for layer in theirs])  # type: ignore[misc]
        variances = torch.stack([layer.running_var for layer in theirs])  # type: ignore[misc]
        torch.testing.assert_close(ours.running_mean, means, **EXACT)
        torch.testing.assert_close(ours.running_variance, variances, **EXACT)


@pytest.mark.parametrize("settings", CASES)
def test_inference_is_that_of_torch_and_moves_nothing(settings):
    ours, theirs = pair(**settings)
    trained = draw(K, N, C, seed=20) * 2 - 1
    ours(trained)
    pass_through(theirs, trained)
    ours.eval()
    for layer in theirs:
        layer.eval()
    before = [buffer.clone() for buffer in ours.buffers()]
    x = draw(K, N, C, seed=21)
    expected, expected_gradient = pass_through(theirs, x)
    leaf = x.clone().requires_grad_()
    output = ours(leaf)
    (output * weights_of_the_sum()).sum().backward()
    torch.testing.assert_close(output.detach(), expected, **EXACT)
    torch.testing.assert_close(leaf.grad, expected_gradient, rtol=1e-9, atol=1e-10)
    for old, new in zip(before, ours.buffers(), strict=True):
        assert torch.equal(old, new)


@pytest.mark.parametrize("written_out", [True, False])
def test_a_replica_does_not_see_its_neighbours(written_out):
    x = draw(K, N, C)
    together = BatchNorm(K, C, written_out=written_out).double()
    output = together(x)
    for k in range(K):
        alone = BatchNorm(1, C, written_out=written_out).double()
        torch.testing.assert_close(alone(x[k : k + 1])[0], output[k], **EXACT)
        assert together.running_mean is not None and alone.running_mean is not None
        torch.testing.assert_close(alone.running_mean[0], together.running_mean[k], **EXACT)


@pytest.mark.parametrize("written_out", [True, False])
def test_a_batch_of_one_puts_out_beta(written_out):
    layer = BatchNorm(K, C, written_out=written_out).double()
    assert layer.beta is not None and layer.running_variance is not None
    with torch.no_grad():
        layer.beta.copy_(draw(K, C, seed=3))
    output = layer(draw(K, 1, C))
    torch.testing.assert_close(output[:, 0], layer.beta.detach())
    # Its variance counts as 0: the running average moves a tenth of the way there.
    torch.testing.assert_close(layer.running_variance, torch.full((K, C), 0.9).double())


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
