"""Root-mean-square normalization: layer normalization without the mean."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bn_core.grouping import grouping
from bn_core.normalization.per_example import PerExampleNorm


class RMSNorm(PerExampleNorm):
    """Divide each example by the root mean square over all its units (and positions).

    y_nc = gamma_c x_nc / sqrt(1/C sum_c x_nc^2 + epsilon).  x, y: (K, N, C).
    With positions: the mean over C and S, and still one gamma for each unit. No mean is subtracted
    and nothing is added: there is no beta, whatever ``shift`` says, as in ``torch.nn.RMSNorm``.
    Source: Zhang, Sennrich 2019 (arXiv 1910.07467), section 4.
    """

    def __init__(self, replicas: int, units: int, *, shift: bool = False, **settings: Any) -> None:
        super().__init__(replicas, units, grouping("rms", units), shift=False, **settings)

    def _by_equations(self, cut: Tensor) -> Tensor:
        square = cut.square().mean(dim=self.grouping.axes, keepdim=True)
        return cut / torch.sqrt(square + self.epsilon)

    def _by_torch(self, cut: Tensor) -> Tensor:
        return functional.rms_norm(cut, cut.shape[4:], eps=self.epsilon)
