"""What all normalizations share: y = gamma (x - mu) / sqrt(var + epsilon) + beta.

They differ in which entries share one mu and one var. K nets are normalized at once: activations
are (K, N, C) for K replicas, a mini-batch of N examples and C units, or (K, N, C, ...) with
positions in each unit (the pixels of a channel). Every replica has statistics of its own.
"""

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

Statistics = Literal["batch", "running"]


def moments(x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return the mean and the biased variance over some axes, which are kept with size 1.

    mu = 1/m sum x;  var = 1/m sum (x - mu)^2.
    The mean is subtracted before squaring: E[x^2] - E[x]^2 turns negative in float32.
    """
    mean = x.mean(dim=axes, keepdim=True)
    variance = (x - mean).square().mean(dim=axes, keepdim=True)
    return mean, variance


def batch_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the biased variance of each unit over the mini-batch.

    mu = 1/N sum_n x_n;  var = 1/N sum_n (x_n - mu)^2;  x: (K, N, C), both results: (K, 1, C).
    Positions count like further examples: (K, N, C, S) has results (K, 1, C, 1).
    """
    return moments(x, (1, *range(3, x.dim())))


def normalize(x: Tensor, mean: Tensor, variance: Tensor, epsilon: float) -> Tensor:
    """Return xhat = (x - mu) / sqrt(var + epsilon), shape (K, N, C)."""
    return (x - mean) / torch.sqrt(variance + epsilon)


def scale_and_shift(xhat: Tensor, gamma: Tensor | None, beta: Tensor | None) -> Tensor:
    """Return y = gamma xhat + beta; a missing gamma is 1, a missing beta 0. gamma, beta: (K, C)."""
    y = xhat if gamma is None else xhat * per_unit(gamma, xhat)
    return y if beta is None else y + per_unit(beta, xhat)


def per_unit(values: Tensor, x: Tensor) -> Tensor:
    """Return values (K, C) in the shape (K, 1, C) or (K, 1, C, 1, ...) that spreads over ``x``."""
    values = values.unsqueeze(1)
    return values if x.dim() == 3 else values.view(*values.shape, *(1,) * (x.dim() - 3))


class Normalization(nn.Module):
    """A normalization with a learned gamma and beta for each unit, (K, C) each.

    Both parameters lie flat, (K C,), as torch's kernels want them: a view less in every step.
    """

    subtracts_unit_mean: ClassVar[bool]
    """Whether a bias of the layer before would be subtracted again."""

    flat_gamma: nn.Parameter | None
    flat_beta: nn.Parameter | None

    def __init__(
        self,
        replicas: int,
        units: int,
        *,
        epsilon: float = 1e-5,
        scale: bool = True,
        shift: bool = True,
        initial_gamma: float = 1.0,
        initial_beta: float = 0.0,
        reference: bool = False,
    ) -> None:
        super().__init__()
        self.epsilon, self.reference = epsilon, reference
        self.track_statistics = True
        """Whether training moves what the layer remembers; a probe switches it off."""
        self._shape = (replicas, units)
        gamma, beta = (torch.full((replicas * units,), x) for x in (initial_gamma, initial_beta))
        self.flat_gamma = nn.Parameter(gamma) if scale else None
        self.flat_beta = nn.Parameter(beta) if shift else None

    @property
    def gamma(self) -> Tensor | None:
        """The factor of each unit, (K, C); None where there is none."""
        return None if self.flat_gamma is None else self.flat_gamma.view(self._shape)

    @property
    def beta(self) -> Tensor | None:
        """The offset of each unit, (K, C); None where there is none."""
        return None if self.flat_beta is None else self.flat_beta.view(self._shape)

    @property
    def statistics(self) -> Statistics:
        """Which moments the next forward pass uses."""
        return "batch"


class RunningNormalization(Normalization):
    """A normalization that keeps running averages of its batches for inference.

    running = (1 - momentum) running + momentum batch. ``momentum=None`` averages all batches
    since the start with equal weight. ``track=False`` keeps nothing: inference uses the moments
    of its batch too.
    """

    subtracts_unit_mean = True
    running_mean: Tensor | None

    def __init__(
        self,
        replicas: int,
        units: int,
        *,
        momentum: float | None = 0.1,
        track: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(replicas, units, **settings)
        self.momentum = momentum
        self.batches_seen = 0
        self.register_buffer("running_mean", torch.zeros(replicas, units) if track else None)

    @property
    def statistics(self) -> Statistics:
        """Which moments the next forward pass uses."""
        return "batch" if self.training or self.running_mean is None else "running"

    def share_of_new_batch(self) -> float | None:
        """Return the weight of this batch in the running averages; None leaves them alone."""
        if not (self.training and self.track_statistics and self.running_mean is not None):
            return None
        self.batches_seen += 1
        return 1 / self.batches_seen if self.momentum is None else self.momentum
