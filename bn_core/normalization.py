"""Batch normalization, written to be read.

Ioffe & Szegedy 2015 (arXiv 1502.03167), Algorithms 1 and 2, with the conventions of
``torch.nn.BatchNorm1d``. K nets are normalized at once: activations are (K, N, C) for K replicas,
a mini-batch of N examples and C units; every replica has statistics of its own.
"""

from typing import Literal

import torch
from torch import Tensor, nn

Statistics = Literal["batch", "running"]


def batch_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the biased variance of each unit over the mini-batch.

    mu = 1/N sum_n x_n;  var = 1/N sum_n (x_n - mu)^2;  x: (K, N, C), both results: (K, 1, C).
    The mean is subtracted before squaring: E[x^2] - E[x]^2 turns negative in float32.
    """
    mean = x.mean(dim=1, keepdim=True)
    variance = (x - mean).square().mean(dim=1, keepdim=True)
    return mean, variance


def normalize(x: Tensor, mean: Tensor, variance: Tensor, epsilon: float) -> Tensor:
    """Return xhat = (x - mu) / sqrt(var + epsilon), shape (K, N, C)."""
    return (x - mean) / torch.sqrt(variance + epsilon)


def scale_and_shift(xhat: Tensor, gamma: Tensor | None, beta: Tensor | None) -> Tensor:
    """Return y = gamma xhat + beta; a missing gamma is 1, a missing beta 0. gamma, beta: (K, C)."""
    y = xhat if gamma is None else xhat * gamma.unsqueeze(1)
    return y if beta is None else y + beta.unsqueeze(1)


class BatchNorm(nn.Module):
    """Normalize each unit by the statistics of the mini-batch, or by their running average.

    Training: y = gamma (x - mu) / sqrt(var + epsilon) + beta, gradients flow through mu and var;
    running = (1 - momentum) running + momentum batch, with the *unbiased* variance var N / (N - 1).
    Inference: the same with the running averages in place of mu and var.

    ``momentum=None`` averages all batches since the start with equal weight. ``track=False``
    keeps no running averages: inference uses batch statistics too. A batch of one has no spread:
    xhat is 0 and y is beta, where torch raises an error; its variance counts as 0.

    ``written_out=True`` computes by the equations above; otherwise torch's own kernel does the
    same faster. Source: Ioffe & Szegedy 2015, section 3, Algorithms 1 and 2.
    """

    gamma: nn.Parameter | None
    beta: nn.Parameter | None
    running_mean: Tensor | None
    running_variance: Tensor | None

    def __init__(
        self,
        replicas: int,
        units: int,
        *,
        momentum: float | None = 0.1,
        epsilon: float = 1e-5,
        scale: bool = True,
        shift: bool = True,
        track: bool = True,
        written_out: bool = False,
    ) -> None:
        super().__init__()
        self.momentum, self.epsilon, self.written_out = momentum, epsilon, written_out
        self.updating = True
        """Whether training moves the running averages; a probe switches it off."""
        self.batches_seen = 0
        shape = (replicas, units)
        self.gamma = nn.Parameter(torch.ones(shape)) if scale else None
        self.beta = nn.Parameter(torch.zeros(shape)) if shift else None
        self.register_buffer("running_mean", torch.zeros(shape) if track else None)
        self.register_buffer("running_variance", torch.ones(shape) if track else None)

    @property
    def statistics(self) -> Statistics:
        """Which moments the next forward pass uses."""
        return "batch" if self.training or self.running_mean is None else "running"

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized activations, shape (K, N, C) as ``x``."""
        share = self._share_of_new_batch()
        if self.written_out or x.shape[1] == 1:
            return self._by_equations(x, share)
        if self.statistics == "running":
            return self._as_linear_map(x)
        return self._by_torch(x, share)

    def _share_of_new_batch(self) -> float | None:
        """Return the weight of this batch in the running averages; None leaves them alone."""
        if not (self.training and self.updating and self.running_mean is not None):
            return None
        self.batches_seen += 1
        return 1 / self.batches_seen if self.momentum is None else self.momentum

    def _by_equations(self, x: Tensor, share: float | None) -> Tensor:
        mean, variance = self._moments(x)
        if share is not None:
            self._average_in(mean.detach(), variance.detach(), len(x[0]), share)
        return scale_and_shift(normalize(x, mean, variance, self.epsilon), self.gamma, self.beta)

    def _moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.statistics == "batch":
            return batch_moments(x)
        assert self.running_mean is not None and self.running_variance is not None
        return self.running_mean.unsqueeze(1), self.running_variance.unsqueeze(1)

    def _average_in(self, mean: Tensor, variance: Tensor, count: int, share: float) -> None:
        assert self.running_mean is not None and self.running_variance is not None
        unbiased = variance * (count / max(count - 1, 1))
        self.running_mean.lerp_(mean.squeeze(1), share)
        self.running_variance.lerp_(unbiased.squeeze(1), share)

    def _as_linear_map(self, x: Tensor) -> Tensor:
        """Return y = a x + b, with a = gamma / sqrt(var + epsilon) and b = beta - a mu.

        With fixed moments that is all batch norm does: Ioffe & Szegedy 2015, Algorithm 2, 11.
        """
        assert self.running_mean is not None and self.running_variance is not None
        scale = torch.rsqrt(self.running_variance + self.epsilon)
        scale = scale if self.gamma is None else scale * self.gamma
        shift = -scale * self.running_mean
        shift = shift if self.beta is None else shift + self.beta
        return torch.addcmul(shift.unsqueeze(1), x, scale.unsqueeze(1))

    def _by_torch(self, x: Tensor, share: float | None) -> Tensor:
        replicas, count, units = x.shape
        keep = share is not None  # torch writes into the averages it is given
        alone = replicas == 1  # then there is nothing to rearrange
        flat = x.reshape(count, units) if alone else x.transpose(0, 1).reshape(count, -1)
        result = torch.batch_norm(
            flat,
            _flat(self.gamma),
            _flat(self.beta),
            _flat(self.running_mean) if keep else None,
            _flat(self.running_variance) if keep else None,
            True,
            share or 0.0,
            self.epsilon,
            False,
        )
        return result.view(x.shape) if alone else result.view(count, replicas, -1).transpose(0, 1)


def _flat(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.view(-1)
