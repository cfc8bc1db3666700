"""Layer normalization: one mean and one variance for each example."""

from typing import Any

from bn_core.grouping import grouping
from bn_core.normalization.per_example import PerExampleNorm


class LayerNorm(PerExampleNorm):
    """Normalize each example by the mean and variance over all its units (and positions).

    mu_n = 1/C sum_c x_nc;  var_n = 1/C sum_c (x_nc - mu_n)^2;
    y_nc = gamma_c (x_nc - mu_n) / sqrt(var_n + epsilon) + beta_c.  x, y: (K, N, C).
    With positions: the mean over C and S, and still one gamma and beta for each unit.
    Source: Ba, Kiros, Hinton 2016 (arXiv 1607.06450), section 3.
    """

    def __init__(self, replicas: int, units: int, **settings: Any) -> None:
        super().__init__(replicas, units, grouping("layer", units), **settings)
