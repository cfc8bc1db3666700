"""Batch renormalization: batch norm that trains with what inference will use."""

from typing import Any

import torch
from torch import Tensor

from bn_core.normalization.base import (
    RunningNormalization,
    batch_moments,
    per_unit,
    scale_and_shift,
)

PLAIN_BATCHES = 100
"""Batches that are normalized as by batch norm, while the running averages settle."""
RAMP_OF_D, RAMP_OF_R = 400, 700
"""Batches over which each limit then grows to its full size."""


class BatchRenorm(RunningNormalization):
    """Normalize by the batch, then correct towards the running averages as far as limits allow.

    Training: sigma_B = sqrt(var + epsilon);
    r = clip(sigma_B / sigma, 1/r_max, r_max);  d = clip((mu_B - mu) / sigma, -d_max, d_max);
    xhat = (x - mu_B) / sigma_B r + d;  y = gamma xhat + beta,  x, y: (K, N, C) or (K, N, C, ...).
    No gradient flows through r and d. Then mu += momentum (mu_B - mu), and the same for sigma.
    Inference: y = gamma (x - mu) / sigma + beta; where nothing is clipped, training puts out that.

    As in the paper the running average is one of the *standard deviation*, biased and with epsilon
    inside; batch norm here keeps the unbiased variance. The limits: r_max = 1 and d_max = 0, which
    is batch norm, for 100 batches; then they grow evenly, d_max until batch 500, r_max until 800.
    That is the paper's schedule (5,000, 25,000 and 40,000 steps) in a fiftieth of the time;
    ``scheduled=False`` applies the full limits from the first batch.
    Source: Ioffe 2017 (arXiv 1702.03275), Algorithm 1 and section 3.
    """

    running_mean: Tensor
    running_deviation: Tensor

    def __init__(
        self,
        replicas: int,
        units: int,
        *,
        r_max: float = 3.0,
        d_max: float = 5.0,
        scheduled: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(replicas, units, track=True, **settings)
        self.r_max, self.d_max, self.scheduled = r_max, d_max, scheduled
        self.register_buffer("running_deviation", torch.ones(replicas, units))

    def limits(self) -> tuple[float, float]:
        """Return r_max and d_max for the next batch."""
        if not self.scheduled:
            return self.r_max, self.d_max
        since = self.batches_seen - PLAIN_BATCHES
        r_share, d_share = (min(max(since / ramp, 0), 1) for ramp in (RAMP_OF_R, RAMP_OF_D))
        return 1 + r_share * (self.r_max - 1), d_share * self.d_max

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized activations, (K, N, C) or (K, N, C, ...) as ``x``."""
        mu, sigma = per_unit(self.running_mean, x), per_unit(self.running_deviation, x)
        if self.statistics == "running":
            return scale_and_shift((x - mu) / sigma, self.gamma, self.beta)
        mean, variance = batch_moments(x)
        deviation = torch.sqrt(variance + self.epsilon)
        with torch.no_grad():
            r_max, d_max = self.limits()
            r = (deviation / sigma).clamp(1 / r_max, r_max)
            d = ((mean - mu) / sigma).clamp(-d_max, d_max)
            self._average_in(mean, deviation)
        xhat = (x - mean) / deviation * r + d
        return scale_and_shift(xhat, self.gamma, self.beta)

    def _average_in(self, mean: Tensor, deviation: Tensor) -> None:
        share = self.share_of_new_batch()
        if share is not None:
            self.running_mean.lerp_(mean.view_as(self.running_mean), share)
            self.running_deviation.lerp_(deviation.view_as(self.running_deviation), share)
