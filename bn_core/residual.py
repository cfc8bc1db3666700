"""A small residual net: K replicas of a pre-activation residual MLP, side by side."""

from torch import Tensor, nn

from bn_core.config import Config
from bn_core.initialization import initial_bias, initial_weight
from bn_core.models import Block, Head, Linear
from bn_core.normalization import Normalization


class ResidualNet(nn.Module):
    """K replicas: a linear map to the net's width, blocks, norm, activation, linear output.

    Width, activation, normalization and initial weights are the config's; the depth is ``blocks``,
    more than a config's layers may be, and no activation follows the first map.
    """

    def __init__(self, config: Config, inputs: int, classes: int, blocks: int) -> None:
        super().__init__()
        self.stem = _linear(config, 0, inputs, config.width)
        self.blocks = nn.ModuleList(
            Block(config, index, config.width) for index in range(1, blocks + 1)
        )
        last = (config, blocks + 1, config.width, classes)
        self.output = Head(config, initial_weight(*last), initial_bias(*last))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (K, N, classes), of inputs (K, N, inputs)."""
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.output(x)

    @property
    def norms(self) -> list[Normalization]:
        """Every normalization, first to last."""
        return [module for module in self.modules() if isinstance(module, Normalization)]


def _linear(config: Config, layer: int, inputs: int, outputs: int) -> Linear:
    shape = (config, layer, inputs, outputs)
    return Linear(initial_weight(*shape), initial_bias(*shape))
