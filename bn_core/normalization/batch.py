"""Batch normalization, written to be read.

Ioffe & Szegedy 2015 (arXiv 1502.03167), Algorithms 1 and 2, with the conventions of
``torch.nn.BatchNorm1d``.
"""

from typing import Any

import torch
from torch import Tensor

from bn_core.normalization.base import (
    RunningNormalization,
    batch_moments,
    normalize,
    per_unit,
    scale_and_shift,
)


class BatchNorm(RunningNormalization):
    """Normalize each unit by the statistics of the mini-batch, or by their running average.

    Training: y = gamma (x - mu) / sqrt(var + epsilon) + beta, gradients flow through mu and var;
    running = (1 - momentum) running + momentum batch, with the *unbiased* variance var m / (m - 1),
    where m = N, or N S with positions.
    Inference: the same with the running averages in place of mu and var.

    ``momentum=None`` averages all batches since the start with equal weight. ``track=False``
    keeps no running averages: inference uses batch statistics too. A batch of one has no spread:
    xhat is 0 and y is beta, where torch raises an error; its variance counts as 0.

    ``reference=True`` computes by the equations above; otherwise torch's own kernel does the
    same faster. Source: Ioffe & Szegedy 2015, section 3, Algorithms 1 and 2.
    """

    running_variance: Tensor | None

    def __init__(self, replicas: int, units: int, *, track: bool = True, **settings: Any) -> None:
        super().__init__(replicas, units, track=track, **settings)
        self.register_buffer("running_variance", torch.ones(replicas, units) if track else None)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized activations, (K, N, C) or (K, N, C, S) as ``x``."""
        share = self._share_of_new_batch()
        if self.reference or _values_per_unit(x) == 1:
            return self._by_equations(x, share)
        if self.statistics == "running":
            return self._as_linear_map(x)
        return self._by_torch(x, share)

    def _by_equations(self, x: Tensor, share: float | None) -> Tensor:
        mean, variance = self._moments(x)
        if share is not None:
            self._average_in(mean.detach(), variance.detach(), _values_per_unit(x), share)
        return scale_and_shift(normalize(x, mean, variance, self.epsilon), self.gamma, self.beta)

    def _moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.statistics == "batch":
            return batch_moments(x)
        assert self.running_mean is not None and self.running_variance is not None
        return per_unit(self.running_mean, x), per_unit(self.running_variance, x)

    def _average_in(self, mean: Tensor, variance: Tensor, count: int, share: float) -> None:
        assert self.running_mean is not None and self.running_variance is not None
        unbiased = variance * (count / max(count - 1, 1))
        self.running_mean.lerp_(mean.view_as(self.running_mean), share)
        self.running_variance.lerp_(unbiased.view_as(self.running_variance), share)

    def _as_linear_map(self, x: Tensor) -> Tensor:
        """Return y = a x + b, with a = gamma / sqrt(var + epsilon) and b = beta - a mu.

        With fixed moments that is all batch norm does: Ioffe & Szegedy 2015, Algorithm 2, 11.
        """
        assert self.running_mean is not None and self.running_variance is not None
        scale = torch.rsqrt(self.running_variance + self.epsilon)
        scale = scale if self.gamma is None else scale * self.gamma
        shift = -scale * self.running_mean
        shift = shift if self.beta is None else shift + self.beta
        return torch.addcmul(per_unit(shift, x), x, per_unit(scale, x))

    def _by_torch(self, x: Tensor, share: float | None) -> Tensor:
        """Let torch normalize K C channels of one batch: it knows nothing of replicas."""
        keep = share is not None  # torch writes into the averages it is given
        alone = x.shape[0] == 1  # then there is nothing to rearrange
        flat = x.squeeze(0) if alone else x.transpose(0, 1).flatten(1, 2)
        result = torch.batch_norm(
            flat,
            self.flat_gamma,
            self.flat_beta,
            _flat(self.running_mean) if keep else None,
            _flat(self.running_variance) if keep else None,
            True,
            share or 0.0,
            self.epsilon,
            False,
        )
        if alone:
            return result.unsqueeze(0)
        replicas, examples, *inside = x.shape
        return result.view(examples, replicas, *inside).transpose(0, 1)


def _values_per_unit(x: Tensor) -> int:
    """Return how many values of one unit a batch holds: N, or N S."""
    return x.numel() // (x.shape[0] * x.shape[2])


def _flat(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.view(-1)
