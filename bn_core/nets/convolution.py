"""Convolutions and pooling of images for K nets at once."""

from torch import Tensor, nn
from torch.nn import functional

from bn_core.config import Config
from bn_core.net_shapes import KERNEL
from bn_core.nets.initialization import initial_bias, initial_weight
from bn_core.nets.layers import Linear
from bn_core.normalization import OF_CONVOLUTION, reparametrization


class Convolution(Linear):
    """y_o = b_o + sum_i W_oi * x_i, with * the cross-correlation, for K nets at once.

    x (K, N, I, H, W), W (K, O, I, 3, 3), b (K, 1, O), y (K, N, O, H, W): zeros are padded, so an
    image keeps its size. The nets are the groups of one convolution of torch; activations lie in
    memory as (N, K, C, H, W), as its kernels take them. The same as ``torch.nn.Conv2d`` of each net
    by itself.
    """

    @property
    def units(self) -> int:
        """How many channels it puts out, O."""
        return self.weight.shape[1]

    def forward(self, x: Tensor) -> Tensor:
        """Return the images of O channels, (K, N, O, H, W)."""
        replicas, examples, _, *size = x.shape
        bias = None if self.bias is None else self.bias.flatten()
        weight = self.factors.flatten(0, 1)
        padding = self.weight.shape[-1] // 2
        y = functional.conv2d(as_groups(x), weight, bias, padding=padding, groups=replicas)
        return y.view(examples, replicas, -1, *size).transpose(0, 1)


class MaxPool(nn.Module):
    """y = max over each square of 2 x 2 positions: (K, N, C, H, W) to (K, N, C, H // 2, W // 2)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the largest value of each square."""
        replicas, examples, channels, *_ = x.shape
        y = functional.max_pool2d(as_groups(x), 2)
        return y.view(examples, replicas, channels, *y.shape[2:]).transpose(0, 1)


class ChannelMean(nn.Module):
    """y = mean over the positions of each channel: (K, N, C, H, W) to (K, N, C).

    Source: global average pooling, Lin et al. 2013 (1312.4400), 3.2.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean of each channel of each example."""
        return x.mean(dim=(3, 4))


def as_groups(x: Tensor) -> Tensor:
    """Return images (K, N, C, H, W) as (N, K C, H, W): the channels of all nets side by side."""
    return x.transpose(0, 1).flatten(1, 2)


def convolution(
    config: Config, index: int, inputs: int, channels: int, *, bias: bool = True
) -> Convolution:
    """Return a 3x3 convolution with the initial weights of layer ``index``, counted from 0."""
    kernel = KERNEL, KERNEL
    weight = initial_weight(config, index, inputs, channels, kernel)
    begin = initial_bias(config, index, inputs * KERNEL**2, channels) if bias else None
    return Convolution(weight, begin, reparametrization(config, index, weight, OF_CONVOLUTION))
