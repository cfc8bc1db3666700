"""Tensors in, numbers out. K replicas, N examples, C units; M looked-at tensors of one shape."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bn_core.records import BINS, LARGEST_VALUE, LINEAR_ZONE, QUANTILES

SATURATED_TANH = 0.97
SATURATED_SIGMOID = 0.015
"""An output beyond these sits on the flat part (Karpathy, makemore part 3)."""

_BINS_PER_UNIT = BINS / 2 / math.asinh(LARGEST_VALUE / LINEAR_ZONE)
_POOLED = 32
"""Examples, and units, of a layer that enter its pooled percentiles."""


def cross_entropies(logits: Tensor, labels: Tensor) -> Tensor:
    """Return each example's cross entropy in nats, (K, N): logits (K, N, C), labels (K, N)."""
    each = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return each.view(labels.shape)


def losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return each replica's mean cross entropy in nats, (K,): logits (K, N, C), labels (K, N)."""
    return cross_entropies(logits, labels).mean(dim=1)


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return each replica's share of right answers, (K,)."""
    return (logits.argmax(dim=2) == labels).float().mean(dim=1)


def output_gradient(logits: Tensor, labels: Tensor) -> Tensor:
    """Return dloss/dlogits of each image by itself: softmax(z) - onehot(y), (N, classes).

    Bjorck et al. 2018 (1806.02375), section 3: rows are images, columns are classes.
    """
    return logits.softmax(dim=1) - functional.one_hot(labels, logits.shape[1])


def matrix_norms(matrices: list[Tensor]) -> Tensor:
    """Return the Euclidean norm of each replica's matrix, (K, M), from M tensors (K, I, O)."""
    return torch.stack([torch.linalg.vector_norm(m, dim=(1, 2)) for m in matrices], dim=1)


def update_ratios(before: list[Tensor], after: list[Tensor]) -> Tensor:
    """Return std(step taken) / std(weights), (K, M): about 1e-3 is healthy (makemore part 3)."""
    steps = [_spread(new - old) for old, new in zip(before, after, strict=True)]
    return torch.stack(steps, dim=1) / torch.stack([_spread(old) for old in before], dim=1)


def _spread(matrices: Tensor) -> Tensor:
    """Return the distance of each matrix (K, I, O) from its mean: its std times sqrt(I O)."""
    flat = matrices.flatten(1)
    return torch.linalg.vector_norm(flat - flat.mean(dim=1, keepdim=True), dim=1)


def moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of all of a layer's values, both (M, K); (M, K, N, C)."""
    flat = values.flatten(2)
    mean = flat.mean(dim=2)
    return mean, (flat - mean.unsqueeze(2)).square_().mean(dim=2).sqrt()


def pooled_quantiles(values: Tensor) -> Tensor:
    """Return the 15th, 50th and 85th percentile of a layer, (M, K, 3), from (M, K, N, C).

    Taken over an even choice of at most 32 examples and 32 units: a sort of all values would
    cost more than the training step it looks at.
    """
    rows, columns = (math.ceil(size / _POOLED) for size in values.shape[2:])
    return _quantiles(values[:, :, ::rows, ::columns].flatten(2))


def unit_quantiles(values: Tensor) -> Tensor:
    """Return the 15th, 50th and 85th percentile of each layer's first unit, (M, K, 3)."""
    return _quantiles(values[..., 0])


def _quantiles(values: Tensor) -> Tensor:
    last = values.shape[-1] - 1
    ranks = [round(q * last) for q in QUANTILES]
    return torch.from_numpy(np.partition(values.numpy(), ranks, axis=-1)[..., ranks])


def saturated_share(outputs: Tensor, activation: str) -> Tensor:
    """Return the share of outputs on the flat part of tanh or sigmoid, (L, K); else 0."""
    match activation:
        case "tanh":
            flat = outputs.abs() > SATURATED_TANH
        case "sigmoid":
            flat = (outputs - 0.5).abs() > 0.5 - SATURATED_SIGMOID
        case _:
            return torch.zeros(outputs.shape[:2])
    return flat.float().mean(dim=(2, 3))


def zero_shares(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Return the share of units that are zero for every example, and of zeros, both (L, K)."""
    of_units = (outputs == 0).float().mean(dim=2)
    return (of_units == 1).float().mean(dim=2), of_units.mean(dim=2)


def histograms(values: Tensor, *, skip_zeros: bool) -> Tensor:
    """Return counts on the record's fixed edges, (M, B), each scaled to a largest bin of 65535.

    ``values`` is (M, anything); edges are even in asinh(x / 0.5), so a bin is found by arithmetic.
    """
    flat = values.flatten(1).nan_to_num()
    bins = (_asinh(flat / LINEAR_ZONE) * _BINS_PER_UNIT + BINS / 2).clamp_(0, BINS - 1).long()
    if skip_zeros:
        bins.masked_fill_(flat == 0, BINS)  # one bin more, thrown away
    bins += torch.arange(len(flat)).unsqueeze(1) * (BINS + 1)
    counts = torch.bincount(bins.flatten(), minlength=len(flat) * (BINS + 1))
    counts = counts.view(-1, BINS + 1)[:, :BINS]
    return counts * (65535 / counts.amax(dim=1, keepdim=True).clamp(min=1))


def _asinh(x: Tensor) -> Tensor:
    """Return asinh(x) by a logarithm, which torch computes many values of at once."""
    size = x.abs()
    return (size + (size * size + 1).sqrt_()).log_().copysign(x)
