"""Batch normalization, written to be read.

Ioffe & Szegedy 2015 (arXiv 1502.03167), Algorithm 1, with moving averages for inference as
section 3.1 mentions them, and the conventions of ``torch.nn.BatchNorm1d``.
"""

from typing import Any

import torch
from torch import Tensor

from bn_core.normalization.base import RunningNormalization, per_unit
from bn_core.normalization.fused import as_linear_map, by_torch


class BatchNorm(RunningNormalization):
    """Normalize each unit by the statistics of the mini-batch, or by their running average.

    Training: y = gamma (x - mu) / sqrt(var + epsilon) + beta, gradients flow through mu and var;
    running = (1 - momentum) running + momentum batch, with the *unbiased* variance var m / (m - 1),
    where m = N, or N times the number of positions.
    Inference: the same with the running averages in place of mu and var.

    ``momentum=None`` averages all batches since the start with equal weight. ``track=False``
    keeps no running averages: inference uses batch statistics too. A batch of one has no spread:
    xhat is 0 and y is beta, where torch raises an error; its variance counts as 0.

    ``reference=True`` always computes by the readable forward pass; otherwise a kernel that is
    bound to it by tests does the same faster. Source: Ioffe & Szegedy 2015, section 3.
    """

    running_variance: Tensor | None

    def __init__(self, replicas: int, units: int, *, track: bool = True, **settings: Any) -> None:
        super().__init__(replicas, units, track=track, **settings)
        self.register_buffer("running_variance", torch.ones(replicas, units) if track else None)

    @property
    def averages(self) -> tuple[Tensor, Tensor]:
        """The running mean and variance, (K, C) each. Errors: ``ValueError`` if none are kept."""
        if self.running_mean is None or self.running_variance is None:
            raise ValueError("This layer keeps no running averages: make it with track=True.")
        return self.running_mean, self.running_variance

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized activations of K nets, N examples and C units, shaped as ``x``.

        Positions inside a unit, x (K, N, C, ...), count like further examples.
        """
        if not self.reference and values_per_unit(x) > 1:
            return self._by_kernel(x)

        axes = (1, *range(3, x.dim()))  # the examples, and the positions if there are any
        if self.statistics == "batch":
            mean = x.mean(dim=axes, keepdim=True)  # (K, 1, C)
            variance = (x - mean).square().mean(dim=axes, keepdim=True)  # (K, 1, C), biased
            momentum = self.share_of_new_batch()  # None where the averages are to stay
            if momentum is not None:
                count = values_per_unit(x)
                unbiased = variance * (count / max(count - 1, 1))  # (K, 1, C)
                running_mean, running_variance = self.averages  # (K, C) each
                with torch.no_grad():
                    running_mean.mul_(1 - momentum).add_(momentum * mean.flatten(1))
                    running_variance.mul_(1 - momentum).add_(momentum * unbiased.flatten(1))
        else:
            mean, variance = (per_unit(average, x) for average in self.averages)  # (K, 1, C)

        xhat = (x - mean) / torch.sqrt(variance + self.epsilon)  # (K, N, C)
        y = xhat if self.gamma is None else xhat * per_unit(self.gamma, x)  # (K, N, C)
        return y if self.beta is None else y + per_unit(self.beta, x)  # (K, N, C)

    def _by_kernel(self, x: Tensor) -> Tensor:
        """Return what ``forward`` computes with ``reference=True``, by a kernel of torch."""
        if self.statistics == "running":
            return as_linear_map(x, self.gamma, self.beta, *self.averages, self.epsilon)
        momentum = self.share_of_new_batch()
        averages = None if momentum is None else self.averages
        settings = (averages, momentum or 0.0, self.epsilon)
        return by_torch(x, self.flat_gamma, self.flat_beta, *settings)


def values_per_unit(x: Tensor) -> int:
    """Return how many values of one unit a batch holds: N, or N times the positions."""
    return x.numel() // (x.shape[0] * x.shape[2])
