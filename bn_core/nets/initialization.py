"""How weights begin. Every layer and replica draws from its own stream.

So arms that differ in normalization, or in having a bias, still share each weight they both have.
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.randomness import generator

Draw = Callable[[Config, int, int, torch.Generator], Tensor]


def _normal(std: float, inputs: int, outputs: int, draw: torch.Generator) -> Tensor:
    return torch.randn(inputs, outputs, generator=draw) * std


def he(config: Config, inputs: int, outputs: int, draw: torch.Generator) -> Tensor:
    """Draw from N(0, 2 / inputs), shape (inputs, outputs). He et al. 2015 (1502.01852), 2.2."""
    return _normal(math.sqrt(2 / inputs), inputs, outputs, draw)


def xavier(config: Config, inputs: int, outputs: int, draw: torch.Generator) -> Tensor:
    """Draw from N(0, 2 / (inputs + outputs)). Glorot & Bengio 2010, eq. 16."""
    return _normal(math.sqrt(2 / (inputs + outputs)), inputs, outputs, draw)


def torch_default(config: Config, inputs: int, outputs: int, draw: torch.Generator) -> Tensor:
    """Draw from U(-b, b), b = 1 / sqrt(inputs), as ``torch.nn.Linear`` does."""
    bound = 1 / math.sqrt(inputs)
    return torch.empty(inputs, outputs).uniform_(-bound, bound, generator=draw)


def normal(config: Config, inputs: int, outputs: int, draw: torch.Generator) -> Tensor:
    """Draw from N(0, std^2) with the one std of the config."""
    return _normal(config.init_std, inputs, outputs, draw)


INITIALIZATIONS: Mapping[str, Draw] = {
    "he": he,
    "xavier": xavier,
    "torch": torch_default,
    "normal": normal,
}


def initial_weight(config: Config, layer: int, inputs: int, outputs: int) -> Tensor:
    """Return a layer's first weights for all replicas, times the gain: (K, inputs, outputs)."""
    draw = INITIALIZATIONS[config.initialization]
    seeds = range(config.seed, config.seed + config.replicas)
    weights = [draw(config, inputs, outputs, generator(s, "weights", layer)) for s in seeds]
    return torch.stack(weights) * config.gain


def initial_bias(config: Config, layer: int, inputs: int, outputs: int) -> Tensor:
    """Return the first biases of a layer, (K, 1, outputs): zero, but for torch's default."""
    if config.initialization != "torch":
        return torch.zeros(config.replicas, 1, outputs)
    bound = 1 / math.sqrt(inputs)
    seeds = range(config.seed, config.seed + config.replicas)
    draws = [generator(s, "biases", layer) for s in seeds]
    return torch.stack(
        [torch.empty(1, outputs).uniform_(-bound, bound, generator=draw) for draw in draws]
    )
