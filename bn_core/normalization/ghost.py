"""Ghost batch normalization: a large batch normalized as several small ones."""

from typing import Any

import torch
from torch import Tensor

from bn_core.grouping import grouping
from bn_core.normalization.base import moments, normalize, scale_and_shift
from bn_core.normalization.batch_norm import BatchNorm


class GhostBatchNorm(BatchNorm):
    """Batch norm on each ghost batch, a part of the mini-batch, apart from the others.

    Training, for the examples n of ghost batch g, in number m:
    mu_g = 1/m sum_{n in g} x_n;  var_g = 1/m sum_{n in g} (x_n - mu_g)^2;
    y_n = gamma (x_n - mu_g) / sqrt(var_g + epsilon) + beta,  x, y: (K, N, C) or (K, N, C, ...).
    The running averages take in one ghost batch after the other, with the unbiased variance.
    Inference: that of batch norm.

    A rest that fills no ghost batch joins the last one; a mini-batch of less than two ghost
    batches is plain batch norm. A ghost batch of one puts out beta.
    Source: Hoffer, Hubara, Soudry 2017 (arXiv 1705.08741), Algorithm 1.
    """

    def __init__(self, replicas: int, units: int, *, ghost_size: int = 16, **settings: Any) -> None:
        super().__init__(replicas, units, **settings)
        self.grouping = grouping("ghost", units, ghost_size=ghost_size)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized activations, (K, N, C) or (K, N, C, ...) as ``x``."""
        parts = self.grouping.parts(x.shape[1])
        if self.statistics == "running" or parts == [(x.shape[1], 1)]:
            return super().forward(x)
        batch_parts = x.split([examples for examples, _ in parts], dim=1)
        ghosts = [ghosts for _, ghosts in parts]
        xhat = torch.cat(list(map(self._each_ghost, batch_parts, ghosts)), dim=1)
        return scale_and_shift(xhat, self.gamma, self.beta)

    def _each_ghost(self, x: Tensor, ghosts: int) -> Tensor:
        cut = x.reshape(self.grouping.cut(x.shape, ghosts))
        mean, variance = moments(cut, self.grouping.axes)
        shares = [self.share_of_new_batch() for _ in range(ghosts)]
        self._average_in_turn(mean.detach(), variance.detach(), cut[0, 0, :, 0, 0].numel(), shares)
        return normalize(cut, mean, variance, self.epsilon).view(x.shape)

    def _average_in_turn(
        self, mean: Tensor, variance: Tensor, count: int, shares: list[float | None]
    ) -> None:
        """Average in the ghosts' moments, (K, ghosts, 1, 1, C, 1), one after the other, at once.

        After ghosts with shares s_g, ghost g has the weight s_g prod_{h > g} (1 - s_h).
        """
        weights, kept = [], 1.0
        for share in reversed(shares):
            weights.append((share or 0.0) * kept)
            kept *= 1 - (share or 0.0)
        if kept < 1:
            relative = mean.new_tensor(weights[::-1]).view(-1, 1, 1, 1, 1) / (1 - kept)
            unbiased = variance * (count / max(count - 1, 1))
            for average, moment in zip(self.averages, (mean, unbiased), strict=True):
                average.lerp_((relative * moment).sum(dim=1).view_as(average), 1 - kept)
