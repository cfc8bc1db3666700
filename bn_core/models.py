"""The former names of the nets, until every import names ``bn_core.nets``."""

from bn_core import nets
from bn_core.nets import Dropout, Linear, build, hidden_layer

Layer = hidden_layer

__all__ = ["Dropout", "Layer", "Linear", "Net"]


class Net(nets.Net):
    """The net of a config, as ``nets.build`` makes it."""

    def __init__(self, config, inputs, classes) -> None:
        net = build(config, (inputs,), classes)
        super().__init__(config, net.input_shape, net.hidden, net.output)
