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

    ``reference=True`` computes by the equations; otherwise torch's kernel does the same faster.
    """

    subtracts_unit_mean = False

    def __init__(self, replicas: int, units: int, grouping: Grouping, **settings: Any) -> None:
        super().__init__(replicas, units, **settings)
        self.grouping = grouping
        grouping.cut((replicas, 1, units))  # says now if the groups do not divide the units

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized activations, (K, N, C) or (K, N, C, S) as ``x``."""
        cut = x.reshape(self.grouping.cut(x.shape))
        # torch's kernel is twice as slow as the equations where a group is a single value.
        equations = self.reference or cut[0, 0, 0, 0].numel() == 1
        xhat = self._by_equations(cut) if equations else self._by_torch(cut)
        return scale_and_shift(xhat.view(x.shape), self.gamma, self.beta)

    def _by_equations(self, cut: Tensor) -> Tensor:
        mean, variance = moments(cut, self.grouping.axes)
        return normalize(cut, mean, variance, self.epsilon)

    def _by_torch(self, cut: Tensor) -> Tensor:
        """Let torch normalize the last axes of the cut, which hold one group of one example."""
        return functional.layer_norm(cut, cut.shape[4:], eps=self.epsilon)
