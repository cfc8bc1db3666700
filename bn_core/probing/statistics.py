"""Statistics of nets: tensors in, numbers out.

K replicas, N examples, C units, and any positions behind them: values are (K, N, C, ...).
"""

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
HISTOGRAM_VALUES = 4096
"""Values of a layer that enter its histogram at most, all replicas together."""

QUANTILE_VALUES = 1024
"""Values of a layer that enter its percentiles at most, for each replica: a sort of all of them
would cost more than a training step."""


def cross_entropies(logits: Tensor, labels: Tensor) -> Tensor:
    """Return each example's cross entropy in nats, (K, N): logits (K, N, C), labels (K, N)."""
    # Classes first: torch's kernel takes many examples at once only that way.
    log_shares = torch.log_softmax(logits.permute(2, 0, 1), dim=0)
    return -log_shares.gather(0, labels.unsqueeze(0))[0]


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
    """Return the Euclidean norm of each replica's weights, (K, M), from M tensors (K, ...)."""
    norms = [torch.linalg.vector_norm(m, dim=tuple(range(1, m.dim()))) for m in matrices]
    return torch.stack(norms, dim=1)


def update_ratios(before: list[Tensor], after: list[Tensor]) -> Tensor:
    """Return std(step taken) / std(weights), (K, M): about 1e-3 is healthy (makemore part 3)."""
    steps = [_spread(new - old) for old, new in zip(before, after, strict=True)]
    return torch.stack(steps, dim=1) / torch.stack([_spread(old) for old in before], dim=1)


def _spread(matrices: Tensor) -> Tensor:
    """Return the distance of each replica's weights from their mean: std times sqrt(number)."""
    flat = matrices.flatten(1)
    return torch.linalg.vector_norm(flat - flat.mean(dim=1, keepdim=True), dim=1)


def moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of all of a layer's values, (K,) each."""
    flat = values.flatten(1)
    mean = flat.mean(dim=1)
    return mean, (flat - mean.unsqueeze(1)).square_().mean(dim=1).sqrt()


def even_choice(values: Tensor, most: int) -> Tensor:
    """Return at most so many values of each replica, evenly spread over examples and units, (K, M).

    Every s-th value in memory order, for the smallest stride s that leaves no more than ``most``
    and has no common divisor with the number of values of an example: so the chosen values walk
    through all units, and every example gives as many as the others, give or take one.
    """
    flat = values.flatten(1)
    of_example = flat.shape[1] // values.shape[1]
    stride = max(1, math.ceil(flat.shape[1] / most))
    while math.gcd(stride, of_example) > 1:
        stride += 1
    return flat[:, ::stride]


def quantiles(values: Tensor) -> Tensor:
    """Return the 15th, 50th and 85th percentile of values (..., M), as (..., 3).

    Each is a value that occurs: that of rank q (M - 1), rounded.
    """
    last = values.shape[-1] - 1
    ranks = [round(q * last) for q in QUANTILES]
    return torch.from_numpy(np.partition(values.numpy(), ranks, axis=-1)[..., ranks])


def first_unit(values: Tensor) -> Tensor:
    """Return the values of each replica's first unit, (K, M): all, or an even choice of many.

    With positions, (K, N, C, ...), the unit is a channel.
    """
    unit = values[:, :, :1]
    return even_choice(unit, QUANTILE_VALUES) if values.dim() > 3 else unit.flatten(1)


def saturated_share(outputs: Tensor, activation: str) -> Tensor:
    """Return the share of outputs on the flat part of tanh or sigmoid, (K,); else 0."""
    match activation:
        case "tanh":
            flat = outputs.abs() > SATURATED_TANH
        case "sigmoid":
            flat = (outputs - 0.5).abs() > 0.5 - SATURATED_SIGMOID
        case _:
            return torch.zeros(outputs.shape[0])
    return flat.flatten(1).float().mean(dim=1)


def zero_shares(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Return the share of units that are zero for every example, and of zeros, (K,) each."""
    axes = (1, *range(3, outputs.dim()))
    other = torch.count_nonzero(outputs, axes)  # (K, C)
    values = outputs[0].numel()
    return (other == 0).float().mean(dim=1), 1 - other.sum(dim=1) / values


def histograms(values: Tensor) -> Tensor:
    """Return how many of each row's values lie in each bin of the record, (R, B), of values (R, M).

    Exact zeros, which a ReLU makes, and NaN are left out; values beyond the edges lie in the
    outermost bins. The edges are even in asinh(x / 0.5), so a bin is found by arithmetic.
    """
    rows, flat = len(values), values.numpy()  # numpy takes a third of torch's time here
    kept = (flat != 0) & (flat == flat)
    within = flat.clip(-LARGEST_VALUE, LARGEST_VALUE)
    bins = (_asinh(within / LINEAR_ZONE) * _BINS_PER_UNIT + BINS / 2).clip(0, BINS - 1)
    places = np.where(kept, bins, 0).astype(np.int64) + BINS * np.arange(rows)[:, None]
    counts = np.bincount(places[kept], minlength=rows * BINS)
    return torch.from_numpy(counts.reshape(rows, BINS))


def scaled_to_16_bits(counts: np.ndarray) -> np.ndarray:
    """Return counts (B,) as shares of the largest one, from 0 to 65535."""
    return counts * np.float32(65535 / max(counts.max(), 1))


def _asinh(x: np.ndarray) -> np.ndarray:
    """Return asinh(x) by a logarithm, which numpy computes many values of at once."""
    size = np.abs(x)
    return np.copysign(np.log(size + np.sqrt(size * size + 1)), x)
