"""Inception blocks: convolutions of several sizes side by side, their channels concatenated."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from bn_core.config import Config
from bn_core.net_shapes import INCEPTION_KERNELS, inception_channels
from bn_core.nets.convolution import as_groups
from bn_core.nets.initialization import initial_bias, initial_weight
from bn_core.nets.layers import Linear
from bn_core.normalization import OF_CONVOLUTION, Reparametrization, reparametrization


class Inception(Linear):
    """y = [W1 * x, W3 * x, W5 * x, Wp * maxpool3x3(x)] + b for K nets at once, * by channels.

    x (K, N, I, H, W), y (K, N, O, H, W): kernels of 1x1, 3x3 and 5x5, and 1x1 behind a 3x3 max pool
    of stride 1, all padded, so an image keeps its size. The weights of all branches lie in one
    parameter, (K, P), so that a layer has one gradient; b is (K, 1, O). ``reparametrizations`` are
    those of each branch, or none. Source: Szegedy et al. 2015
    (1409.4842), figure 2a, with the projection behind the pool of figure 2b.
    """

    def __init__(
        self,
        weights: list[Tensor],
        bias: Tensor | None,
        reparametrizations: Sequence[Reparametrization | None] = (),
    ) -> None:
        super().__init__(torch.cat([weight.flatten(1) for weight in weights], dim=1), bias)
        self.of_branches = nn.ModuleList(one for one in reparametrizations if one is not None)
        self._shapes = [weight.shape for weight in weights]
        ends = accumulate((weight[0].numel() for weight in weights), initial=0)
        self._places = [slice(*ends) for ends in pairwise(ends)]

    @property
    def units(self) -> int:
        """How many channels it puts out, O."""
        return sum(shape[1] for shape in self._shapes)

    @property
    def branches(self) -> list[Tensor]:
        """The weights of each branch, (K, O, I, height, width), as views of the parameter."""
        pairs = zip(self._places, self._shapes, strict=True)
        return [self.weight[:, place].view(shape) for place, shape in pairs]

    def forward(self, x: Tensor) -> Tensor:
        """Return the images of O channels, (K, N, O, H, W)."""
        replicas, examples, _, *size = x.shape
        images = as_groups(x)
        pooled = functional.max_pool2d(images, 3, stride=1, padding=1)
        weights, found = self.branches, []
        if self.of_branches:
            weights = [one(w) for one, w in zip(self.of_branches, weights, strict=True)]
        for weight, entering in zip(weights, (images, images, images, pooled), strict=True):
            kernels, padding = weight.flatten(0, 1), weight.shape[-1] // 2
            y = functional.conv2d(entering, kernels, padding=padding, groups=replicas)
            found.append(y.view(examples, replicas, -1, *size))
        y = torch.cat(found, dim=2).transpose(0, 1)
        return y if self.bias is None else y + self.bias[..., None, None]


def inception(
    config: Config, index: int, inputs: int, channels: int, *, bias: bool = True
) -> Inception:
    """Return an Inception block with the initial weights of layer ``index``, counted from 0.

    Each branch is drawn like a convolution of its own.
    """
    weights, biases = [], []
    pairs = zip(inception_channels(channels), INCEPTION_KERNELS, strict=True)
    for branch, (outputs, kernel) in enumerate(pairs):
        size = kernel, kernel
        weights.append(initial_weight(config, index, inputs, outputs, size, branch))
        biases.append(initial_bias(config, index, inputs * kernel**2, outputs, branch))
    normalized = [reparametrization(config, index, one, OF_CONVOLUTION) for one in weights]
    return Inception(weights, torch.cat(biases, dim=2) if bias else None, normalized)
