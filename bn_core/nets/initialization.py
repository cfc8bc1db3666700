"""How weights begin. Every layer and replica draws from its own stream.

So arms that differ in normalization, or in having a bias, still share each weight they both have.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bn_core.config import Config
from bn_core.randomness import generator


@dataclass(frozen=True)
class Fans:
    """How many numbers one output sums, and how many outputs one input enters."""

    inputs: int
    outputs: int


Draw = Callable[[Config, tuple[int, ...], Fans, torch.Generator], Tensor]


def _normal(std: float, shape: tuple[int, ...], draw: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=draw) * std


def he(config: Config, shape: tuple[int, ...], fans: Fans, draw: torch.Generator) -> Tensor:
    """Draw from N(0, 2 / inputs). He et al. 2015 (1502.01852), 2.2."""
    return _normal(math.sqrt(2 / fans.inputs), shape, draw)


def xavier(config: Config, shape: tuple[int, ...], fans: Fans, draw: torch.Generator) -> Tensor:
    """Draw from N(0, 2 / (inputs + outputs)). Glorot & Bengio 2010, eq. 16."""
    return _normal(math.sqrt(2 / (fans.inputs + fans.outputs)), shape, draw)


def torch_default(
    config: Config, shape: tuple[int, ...], fans: Fans, draw: torch.Generator
) -> Tensor:
    """Draw from U(-b, b), b = 1 / sqrt(inputs), as ``nn.Linear`` and ``nn.Conv2d`` do."""
    bound = 1 / math.sqrt(fans.inputs)
    return torch.empty(shape).uniform_(-bound, bound, generator=draw)


def normal(config: Config, shape: tuple[int, ...], fans: Fans, draw: torch.Generator) -> Tensor:
    """Draw from N(0, std^2) with the one std of the config."""
    return _normal(config.init_std, shape, draw)


def orthogonal(config: Config, shape: tuple[int, ...], fans: Fans, draw: torch.Generator) -> Tensor:
    """Draw a matrix with orthonormal rows, or columns where it has fewer, as torch does.

    Its rows are the outputs, its columns the numbers that each of them sums. Saxe et al. 2013
    (1312.6120); the gates of a recurrent cell are rows of one matrix.
    """
    if len(shape) > 2:
        return nn.init.orthogonal_(torch.empty(shape), generator=draw)
    return nn.init.orthogonal_(torch.empty(shape[::-1]), generator=draw).T.contiguous()


INITIALIZATIONS: Mapping[str, Draw] = {
    "he": he,
    "xavier": xavier,
    "torch": torch_default,
    "normal": normal,
    "orthogonal": orthogonal,
}


def initial_weight(
    config: Config,
    layer: int,
    inputs: int,
    outputs: int,
    kernel: tuple[int, ...] = (),
    *branch: int,
) -> Tensor:
    """Return a layer's first weights for all replicas, times the gain: (K, inputs, outputs).

    With a ``kernel`` (height, width) those of a convolution, (K, outputs, inputs, height, width):
    each output sums inputs * height * width numbers. A ``branch``, where a layer has several, has
    a stream of its own.
    """
    draw, size = INITIALIZATIONS[config.initialization], math.prod(kernel)
    fans = Fans(inputs * size, outputs * size)
    shape = (outputs, inputs, *kernel) if kernel else (inputs, outputs)
    seeds = range(config.seed, config.seed + config.replicas)
    weights = [draw(config, shape, fans, generator(s, "weights", layer, *branch)) for s in seeds]
    return torch.stack(weights) * config.gain


def initial_bias(config: Config, layer: int, inputs: int, outputs: int, *branch: int) -> Tensor:
    """Return the first biases of a layer, (K, 1, outputs): zero, but for torch's default.

    ``inputs`` is how many numbers one output sums.
    """
    if config.initialization != "torch":
        return torch.zeros(config.replicas, 1, outputs)
    bound = 1 / math.sqrt(inputs)
    seeds = range(config.seed, config.seed + config.replicas)
    draws = [generator(s, "biases", layer, *branch) for s in seeds]
    return torch.stack(
        [torch.empty(1, outputs).uniform_(-bound, bound, generator=draw) for draw in draws]
    )
