"""Batch renormalization against its paper's formulas, computed with numpy and with autograd."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bn_core.normalization import BatchNorm, BatchRenorm

K, N, C = 2, 12, 5
EPSILON = 1e-5
EXACT: Any = {"rtol": 1e-12, "atol": 1e-12}


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def renorm(**settings) -> BatchRenorm:
    """Return a layer with gamma, beta and running averages that are not the first ones."""
    layer = BatchRenorm(K, C, **({"scheduled": False} | settings)).double()
    with torch.no_grad():
        for seed, parameter in enumerate(layer.parameters(), start=1):
            parameter.copy_(draw(K * C, seed=seed))
        layer.running_mean.copy_(draw(K, C, seed=3))
        layer.running_deviation.copy_(draw(K, C, seed=4).abs() + 0.5)
    return layer


def arrays(layer: BatchRenorm) -> tuple[np.ndarray, ...]:
    """Return gamma, beta, mu and sigma as (K, 1, C)."""
    assert layer.gamma is not None and layer.beta is not None
    tensors = (layer.gamma, layer.beta, layer.running_mean, layer.running_deviation)
    return tuple(t.detach().numpy()[:, None].copy() for t in tensors)


@pytest.mark.parametrize(("r_max", "d_max"), [(1.1, 0.2), (3.0, 5.0), (1.0, 0.0), (50.0, 20.0)])
def test_outputs_and_averages_follow_algorithm_1(r_max, d_max):
    layer = renorm(r_max=r_max, d_max=d_max, momentum=0.2)
    for batch in range(3):
        gamma, beta, mu, sigma = arrays(layer)
        x = 2 * draw(K, N, C, seed=10 + batch).numpy() + 1
        batch_mu = x.mean(1, keepdims=True)
        batch_sigma = np.sqrt(EPSILON + x.var(1, keepdims=True))
        r = np.clip(batch_sigma / sigma, 1 / r_max, r_max)
        d = np.clip((batch_mu - mu) / sigma, -d_max, d_max)
        expected = gamma * ((x - batch_mu) / batch_sigma * r + d) + beta
        np.testing.assert_allclose(layer(torch.from_numpy(x)).detach(), expected, **EXACT)
        _, _, new_mu, new_sigma = arrays(layer)
        np.testing.assert_allclose(new_mu, mu + 0.2 * (batch_mu - mu), **EXACT)
        np.testing.assert_allclose(new_sigma, sigma + 0.2 * (batch_sigma - sigma), **EXACT)


@pytest.mark.parametrize(("r_max", "d_max"), [(1.1, 0.2), (50.0, 20.0)])
def test_gradients_flow_through_the_moments_but_not_through_r_and_d(r_max, d_max):
    """The paper's backward pass, section 3: dmu gets no part of d, dsigma none of r."""
    layer = renorm(r_max=r_max, d_max=d_max)
    gamma, _, mu, sigma = arrays(layer)
    x = (2 * draw(K, N, C, seed=10) + 1).requires_grad_()
    weights = draw(K, N, C, seed=11)
    (layer(x) * weights).sum().backward()
    values, dy = x.detach().numpy(), weights.numpy()
    centred = values - values.mean(1, keepdims=True)
    batch_sigma = np.sqrt(EPSILON + values.var(1, keepdims=True))
    r = np.clip(batch_sigma / sigma, 1 / r_max, r_max)
    d = np.clip((values.mean(1, keepdims=True) - mu) / sigma, -d_max, d_max)
    dxhat = dy * gamma
    dsigma = (dxhat * centred * -r / batch_sigma**2).sum(1, keepdims=True)
    dmu = (dxhat * -r / batch_sigma).sum(1, keepdims=True)
    dx = dxhat * r / batch_sigma + dsigma * centred / (N * batch_sigma) + dmu / N
    assert x.grad is not None
    np.testing.assert_allclose(x.grad, dx, rtol=1e-9, atol=1e-10)
    assert layer.flat_gamma is not None and layer.flat_gamma.grad is not None
    assert layer.flat_beta is not None and layer.flat_beta.grad is not None
    xhat = centred / batch_sigma * r + d
    np.testing.assert_allclose(
        layer.flat_gamma.grad.view(K, C), (dy * xhat).sum(1), rtol=1e-9, atol=1e-10
    )
    np.testing.assert_allclose(layer.flat_beta.grad.view(K, C), dy.sum(1), **EXACT)


def test_without_room_for_r_and_d_it_is_batch_norm():
    layer, plain = renorm(r_max=1.0, d_max=0.0), BatchNorm(K, C).double()
    plain.load_state_dict(
        {name: getattr(layer, name) for name in ("flat_gamma", "flat_beta")}, strict=False
    )
    x, other = (draw(K, N, C, seed=10).requires_grad_() for _ in range(2))
    output, expected = layer(x), plain(other)
    torch.testing.assert_close(output, expected, **EXACT)
    (output * draw(K, N, C, seed=11)).sum().backward()
    (expected * draw(K, N, C, seed=11)).sum().backward()
    torch.testing.assert_close(x.grad, other.grad, rtol=1e-9, atol=1e-10)


def test_where_nothing_is_clipped_training_puts_out_what_inference_does():
    layer = renorm(r_max=1e6, d_max=1e6, momentum=0.0)
    x = 2 * draw(K, N, C, seed=10) + 1
    trained = layer(x)
    gamma, beta, mu, sigma = arrays(layer)
    np.testing.assert_allclose(
        trained.detach(), gamma * (x.numpy() - mu) / sigma + beta, rtol=1e-9, atol=1e-10
    )
    layer.eval()
    torch.testing.assert_close(layer(x), trained, rtol=1e-9, atol=1e-10)


def test_positions_count_like_further_examples():
    layer, flat = renorm(r_max=1.5, d_max=0.5), renorm(r_max=1.5, d_max=0.5)
    x = draw(K, N, C, 4, seed=10)
    as_examples = x.transpose(2, 3).reshape(K, N * 4, C)
    for training in (True, False):
        output = layer.train(training)(x)
        expected = flat.train(training)(as_examples).view(K, N, 4, C).transpose(2, 3)
        torch.testing.assert_close(output, expected, **EXACT)


def test_the_limits_begin_as_batch_norm_and_grow_to_their_full_size():
    layer = BatchRenorm(1, 1, r_max=3.0, d_max=5.0)
    limits = []
    for seen in range(0, 1000, 50):
        layer.batches_seen = seen
        limits.append(layer.limits())
    r, d = (list(values) for values in zip(*limits, strict=True))
    assert limits[:3] == [(1.0, 0.0)] * 3  # batches 0, 50, 100
    assert r == sorted(r) and d == sorted(d)
    assert d[3] > 0 and d[9] < 5 and d[10] == 5 and d[-1] == 5  # full from 500
    assert r[3] > 1 and r[15] < 3 and r[16] == 3 and r[-1] == 3  # full from 800
    assert BatchRenorm(1, 1, scheduled=False).limits() == (3.0, 5.0)


def test_a_look_moves_neither_the_averages_nor_the_limits():
    layer = renorm()
    layer.batches_seen = 300
    before = [buffer.clone() for buffer in layer.buffers()]
    layer.track_statistics = False
    layer(draw(K, N, C))
    layer.track_statistics = True
    layer.eval()
    layer(draw(K, N, C))
    assert all(torch.equal(a, b) for a, b in zip(before, layer.buffers(), strict=True))
    assert layer.batches_seen == 300
