"""Group normalization: one mean and one variance for each group of units of an example."""

from typing import Any

from bn_core.grouping import grouping
from bn_core.normalization.per_example import PerExampleNorm


class GroupNorm(PerExampleNorm):
    """Normalize each of G groups of neighbouring units of an example on its own.

    mu_ng = G/C sum_{c in g} x_nc;  var_ng = G/C sum_{c in g} (x_nc - mu_ng)^2;
    y_nc = gamma_c (x_nc - mu_ng) / sqrt(var_ng + epsilon) + beta_c.  x, y: (K, N, C).
    With positions the sums run over them too. G = 1 is layer norm, G = C instance norm.

    Errors: ``ValueError`` if the groups do not divide the units.
    Source: Wu & He 2018 (arXiv 1803.08494), section 3.1, equation 7.
    """

    def __init__(self, replicas: int, units: int, *, groups: int = 8, **settings: Any) -> None:
        super().__init__(replicas, units, grouping("group", units, groups=groups), **settings)
