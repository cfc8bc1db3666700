"""Instance normalization: one mean and one variance for each unit of each example."""

from typing import Any

from bn_core.grouping import grouping
from bn_core.normalization.per_example import PerExampleNorm


class InstanceNorm(PerExampleNorm):
    """Normalize each unit of each example by its mean and variance over positions.

    mu_nc = 1/S sum_s x_ncs;  var_nc = 1/S sum_s (x_ncs - mu_nc)^2;
    y_ncs = gamma_c (x_ncs - mu_nc) / sqrt(var_nc + epsilon) + beta_c.  x, y: (K, N, C, S).

    Without positions, (K, N, C), a unit has one value per example: it is its own mean, so xhat is
    0, y is beta whatever the input, and no gradient reaches the layers before. torch raises an
    error there. Source: Ulyanov, Vedaldi, Lempitsky 2016 (arXiv 1607.08022), section 3.
    """

    subtracts_unit_mean = True

    def __init__(self, replicas: int, units: int, **settings: Any) -> None:
        super().__init__(replicas, units, grouping("instance", units), **settings)
