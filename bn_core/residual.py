"""The former name of ``nets.linear_stem``, until every import names ``bn_core.nets``."""

from bn_core import nets


class ResidualNet(nets.Net):
    """A residual net of any number of blocks behind a linear map without activation."""

    def __init__(self, config, inputs, classes, blocks) -> None:
        net = nets.linear_stem(config, (inputs,), classes, blocks)
        super().__init__(config, net.input_shape, net.hidden, net.output)

    @property
    def stem(self):
        """The linear map in front of the blocks."""
        return self.hidden[0]

    @property
    def blocks(self):
        """The residual blocks."""
        return self.hidden[1:]
