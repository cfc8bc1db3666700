"""Batch norm by kernels of torch: the equations of ``batch_norm``, computed faster.

Tests bind each function here to the readable forward pass: outputs, gradients and averages.
"""

import torch
from torch import Tensor

from bn_core.normalization.base import per_unit


def by_torch(
    x: Tensor,
    gamma: Tensor | None,
    beta: Tensor | None,
    averages: tuple[Tensor, Tensor] | None,
    momentum: float,
    epsilon: float,
) -> Tensor:
    """Return y = gamma (x - mu) / sqrt(var + epsilon) + beta, moments of the batch, as ``x``.

    x: (K, N, C) or (K, N, C, ...); gamma, beta: (K C,) or None. The ``averages`` (mean, unbiased
    variance), (K, C) each, move by ``momentum`` in place. torch knows nothing of replicas: it
    normalizes K C channels of one batch.
    """
    mean, variance = (None, None) if averages is None else (one.view(-1) for one in averages)
    alone = x.shape[0] == 1  # then there is nothing to rearrange
    flat = x.squeeze(0) if alone else x.transpose(0, 1).flatten(1, 2)
    settings = (mean, variance, True, momentum, epsilon, False)
    result = torch.batch_norm(flat, gamma, beta, *settings)
    if alone:
        return result.unsqueeze(0)
    replicas, examples, *inside = x.shape
    return result.view(examples, replicas, *inside).transpose(0, 1)


def as_linear_map(
    x: Tensor,
    gamma: Tensor | None,
    beta: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    epsilon: float,
) -> Tensor:
    """Return y = a x + b, with a = gamma / sqrt(var + epsilon) and b = beta - a mu, as ``x``.

    x: (K, N, C) or (K, N, C, ...); all others (K, C). With fixed moments that is all batch norm
    does: Ioffe & Szegedy 2015 (arXiv 1502.03167), Algorithm 2, line 11.
    """
    scale = torch.rsqrt(variance + epsilon)
    scale = scale if gamma is None else scale * gamma
    shift = -scale * mean
    shift = shift if beta is None else shift + beta
    return (x * per_unit(scale, x)).add_(per_unit(shift, x))  # twice as fast as torch.addcmul


def batch_norm_forward(
    x: Tensor,
    gamma: Tensor | None,
    beta: Tensor | None,
    averages: tuple[Tensor, Tensor] | None,
    momentum: float,
    epsilon: float,
    out: tuple[Tensor, Tensor, Tensor],
) -> None:
    """Write y, mu and 1 / sqrt(var + epsilon) of a batch into ``out``, without a graph.

    y = gamma xhat + beta,  xhat = (x - mu) / sqrt(var + epsilon);  x, y: (N, M) for the M = K C
    units of all replicas, all others (M,). The ``averages`` (mean, unbiased variance) move by
    ``momentum`` in place. Source: Ioffe & Szegedy 2015 (arXiv 1502.03167), Algorithm 1.
    """
    mean, variance = (None, None) if averages is None else averages
    torch.native_batch_norm(x, gamma, beta, mean, variance, True, momentum, epsilon, out=out)


def batch_norm_backward(
    g: Tensor, x: Tensor, gamma: Tensor | None, saved: tuple[Tensor, Tensor], epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return dl/dx (N, M), dl/dgamma and dl/dbeta (M,), of g = dl/dy and the batch's moments.

    ``saved`` holds mu and s = 1 / sqrt(var + epsilon) as ``batch_norm_forward`` writes them. Both
    depend on every x_n of the batch, so
    dl/dbeta = sum_n g_n;   dl/dgamma = sum_n g_n xhat_n;
    dl/dx_n = gamma s (g_n - dl/dbeta / N - xhat_n dl/dgamma / N).
    Source: Ioffe & Szegedy 2015, section 3, the six equations after Algorithm 1, combined.
    """
    all_three = [True, True, True]
    settings = (None, None, *saved, True, epsilon, all_three)
    return _batch_norm_backward(g, x, gamma, *settings)


_batch_norm_backward = torch.ops.aten.native_batch_norm_backward.default
