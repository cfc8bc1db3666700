"""A small residual net: K replicas of a pre-activation residual MLP, side by side."""

from torch import Tensor, nn

from bn_core.config import Config
from bn_core.initialization import initial_bias, initial_weight
from bn_core.models import ACTIVATIONS, Linear
from bn_core.normalization import Normalization, normalization


class Block(nn.Module):
    """One block: y = x + W a(norm(x)) + b, x and y (K, N, C).

    Without a normalization norm(x) = x. Source: the pre-activation order of He et al. 2016
    (arXiv 1603.05027), with one linear map as the branch.
    """

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.norm = normalization(config)
        self.activation = ACTIVATIONS[config.activation]()
        self.linear = _linear(config, layer, config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the input plus what the branch makes of it, (K, N, C)."""
        normed = x if self.norm is None else self.norm(x)
        return x + self.linear(self.activation(normed))


class ResidualNet(nn.Module):
    """K replicas: a linear map to the net's width, blocks, norm, activation, linear output.

    Width, activation, normalization and initial weights are the config's; the depth is ``blocks``.
    """

    def __init__(self, config: Config, inputs: int, classes: int, blocks: int) -> None:
        super().__init__()
        self.stem = _linear(config, 0, inputs, config.width)
        self.blocks = nn.ModuleList(Block(config, index) for index in range(1, blocks + 1))
        self.last_norm = normalization(config)
        self.activation = ACTIVATIONS[config.activation]()
        self.output = _linear(config, blocks + 1, config.width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (K, N, classes), of inputs (K, N, inputs)."""
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        x = x if self.last_norm is None else self.last_norm(x)
        return self.output(self.activation(x))

    @property
    def norms(self) -> list[Normalization]:
        """Every normalization, first to last."""
        return [module for module in self.modules() if isinstance(module, Normalization)]


def _linear(config: Config, layer: int, inputs: int, outputs: int) -> Linear:
    shape = (config, layer, inputs, outputs)
    return Linear(initial_weight(*shape), initial_bias(*shape))
