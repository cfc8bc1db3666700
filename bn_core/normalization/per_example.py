"""Normalizations whose statistics belong to one example: layer, group and instance norm.

The batch does not matter to them, so training and inference are the same computation.
"""

from typing import Any

from torch import Tensor
from torch.nn import functional

from bn_core.grouping import Grouping
from bn_core.normalization.base import Normalization, moments, normalize, scale_and_shift


class PerExampleNorm(Normalization):
    """Normalize each group of units of each example by the group's own mean and variance.

    mu_ng = 1/m sum_{c in g, s} x_ncs;  var_ng = 1/m sum_{c in g, s} (x_ncs - mu_ng)^2;
    y_ncs = gamma_c (x_ncs - mu_ng) / sqrt(var_ng + epsilon) + beta_c,
    for example n, group g, unit c in g, position s and m values in a group of an example.

    ``written_out=True`` computes by the equations; otherwise torch's kernel does the same faster.
    """

    subtracts_unit_mean = False

    def __init__(self, replicas: int, units: int, grouping: Grouping, **settings: Any) -> None:
        super().__init__(replicas, units, **settings)
        self.grouping = grouping
        grouping.cut((replicas, 1, units))  # says now if the groups do not divide the units

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized activations, (K, N, C) or (K, N, C, S) as ``x``."""
        xhat = self._by_equations(x) if self.written_out else self._by_torch(x)
        return scale_and_shift(xhat, self.gamma, self.beta)

    def _by_equations(self, x: Tensor) -> Tensor:
        cut = x.reshape(self.grouping.cut(x.shape))
        mean, variance = moments(cut, self.grouping.axes)
        return normalize(cut, mean, variance, self.epsilon).view(x.shape)

    def _by_torch(self, x: Tensor) -> Tensor:
        """Let torch normalize the last axes of the cut, which hold one group of one example."""
        cut = x.reshape(self.grouping.cut(x.shape))
        return functional.layer_norm(cut, cut.shape[4:], eps=self.epsilon).view(x.shape)
