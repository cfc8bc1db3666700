"""Weight standardization: the weights of each output have mean 0 and one variance."""

import math

import torch
from torch import Tensor, nn

from bn_core.activation_gains import ACTIVATION_GAINS
from bn_core.normalization.base import moments
from bn_core.normalization.weights import Reparametrization


class WeightStandardization(Reparametrization):
    """The weights of output o are What_o = (W_o - mu_o) / sqrt(var_o + epsilon).

    mu_o and var_o are mean and biased variance over the I inputs of one output; in a convolution I
    counts channels and kernel. So far it is Qiao et al. 2019 (arXiv 1903.10520), who let group norm
    follow: a sum of I such products has I times the variance of an input.

    With an ``activation`` named, nothing has to follow: W_o = gamma_o c What_o / sqrt(I), where c
    keeps the variance of the values (``ACTIVATION_GAINS``). That is scaled weight standardization,
    Brock, De, Smith 2021 (arXiv 2101.08692); ``scale`` says whether gamma, one for each
    output, is learned, from ``initial_gamma`` on. Without it gamma is 1.
    """

    gamma: nn.Parameter | None

    def __init__(
        self,
        weight: Tensor,
        input_axes: tuple[int, ...],
        *,
        epsilon: float = 1e-5,
        activation: str | None = None,
        scale: bool = True,
        initial_gamma: float = 1.0,
    ) -> None:
        super().__init__(input_axes)
        self.epsilon, self.factor = epsilon, 1.0
        gamma = None
        if activation is not None:
            inputs = math.prod(weight.shape[axis] for axis in input_axes)
            self.factor = ACTIVATION_GAINS[activation] / math.sqrt(inputs)
            shape = [1 if axis in input_axes else size for axis, size in enumerate(weight.shape)]
            gamma = torch.full(shape, initial_gamma, dtype=weight.dtype) if scale else None
        self.register_parameter("gamma", None if gamma is None else nn.Parameter(gamma))

    def forward(self, weight: Tensor) -> Tensor:
        """Return the standardized weights, in the shape of ``weight``."""
        mean, variance = moments(weight, self.input_axes)
        scale = self.factor * torch.rsqrt(variance + self.epsilon)
        return (weight - mean) * (scale if self.gamma is None else scale * self.gamma)
