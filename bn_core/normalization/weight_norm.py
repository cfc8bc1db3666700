"""Weight normalization: length and direction of each unit's weights are learned apart."""

import torch
from torch import Tensor, nn

from bn_core.normalization.weights import Reparametrization


class WeightNorm(Reparametrization):
    """The weights of output o are w_o = g_o v_o / ||v_o||, with g (K, 1, O) and v learned.

    ||v_o|| is the Euclidean norm over the inputs of one output, in a convolution over channels and
    kernel. g begins as ||v||, so the first forward pass is that of the net without it; the paper
    also describes a start from the data, which neither torch nor this layer has. The gradient of
    v is orthogonal to v: ||v|| can only grow, and acts as a learning rate of its own.
    Source: Salimans, Kingma 2016 (arXiv 1602.07868), equations 2 and 3.
    """

    def __init__(self, weight: Tensor, input_axes: tuple[int, ...]) -> None:
        super().__init__(input_axes)
        self.length = nn.Parameter(self._norm(weight.detach()))
        """g, in the shape of the weights with 1 for each input axis."""

    def forward(self, weight: Tensor) -> Tensor:
        """Return g v / ||v||, in the shape of v."""
        return weight * (self.length / self._norm(weight))

    def _norm(self, weight: Tensor) -> Tensor:
        return torch.linalg.vector_norm(weight, dim=self.input_axes, keepdim=True)
