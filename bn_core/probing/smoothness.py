"""How the loss and its gradient change over a distance: measures of smoothness, tensors in and out.

K replicas, P parameters, E step sizes; any dimensions before the last are kept.
"""

from collections.abc import Iterable

import torch
from torch import Tensor


def as_vectors(tensors: Iterable[Tensor], replicas: int) -> Tensor:
    """Return tensors whose first axis is, or starts with, K as one vector a replica, (K, P)."""
    return torch.cat([tensor.reshape(replicas, -1) for tensor in tensors], dim=1)


def gradient_distance(first: Tensor, second: Tensor) -> Tensor:
    """Return ||g - g'||_2, shape (...,), of gradients (..., P).

    Between gradients before and after the layers below have moved it is the internal covariate
    shift of Santurkar et al. 2018 (1805.11604), Definition 2.1; 0 means none.
    """
    return torch.linalg.vector_norm(first - second, dim=-1)


def cosine(first: Tensor, second: Tensor) -> Tensor:
    """Return cos(g, g') = g g' / (||g|| ||g'||), shape (...,); NaN where a gradient is zero.

    Each is scaled by its largest entry first: the square of a vanished gradient is 0 in float32.
    """
    first, second = (each / each.abs().amax(dim=-1, keepdim=True) for each in (first, second))
    lengths = torch.linalg.vector_norm(first, dim=-1) * torch.linalg.vector_norm(second, dim=-1)
    return (first * second).sum(dim=-1) / lengths


def largest_distance(gradient: Tensor, moved: Tensor) -> Tensor:
    """Return max over eta of ||g(theta - eta g) - g||, (K,): gradient (K, P), moved (E, K, P).

    Santurkar et al. 2018, Figure 4 (b), "gradient predictiveness".
    """
    return gradient_distance(moved, gradient).amax(dim=0)


def effective_beta(gradient: Tensor, moved: Tensor, sizes: Tensor) -> Tensor:
    """Return max over eta of ||g(theta - eta g) - g|| / (eta ||g||), (K,); ``sizes`` is (E,).

    The largest change of the gradient for each unit of way: a bound on the smoothness along this
    direction. Santurkar et al. 2018, Figure 4 (c).
    """
    way = sizes.unsqueeze(1) * torch.linalg.vector_norm(gradient, dim=-1)
    return (gradient_distance(moved, gradient) / way).amax(dim=0)
