"""Which net a config asks for; a new architecture is one line here."""

from collections.abc import Callable, Mapping

from bn_core.config import Config
from bn_core.nets.convolutional import convolutional
from bn_core.nets.convolutional_residual import convolutional_residual
from bn_core.nets.mlp import mlp
from bn_core.nets.net import Net
from bn_core.nets.recurrent import recurrent
from bn_core.nets.residual import residual

ARCHITECTURES: Mapping[str, Callable[[Config, tuple[int, ...], int], Net]] = {
    "plain": mlp,
    "residual": residual,
    "conv": convolutional,
    "inception": convolutional,
    "conv_residual": convolutional_residual,
    "recurrent": recurrent,
}


def build(config: Config, input_shape: tuple[int, ...], classes: int) -> Net:
    """Return K untrained replicas of the config's net for examples of one shape."""
    return ARCHITECTURES[config.architecture](config, input_shape, classes)
