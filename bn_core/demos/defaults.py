"""What the demos start from where the reader has chosen nothing. No torch: pages import it."""

from bn_core.comparison import Comparison
from bn_core.config import Config

NETS_THAT_LEARN = Comparison(Config(initialization="he"))
"""The Lab's usual comparison with He's initial weights: with PyTorch's own, the net without
normalization is at chance after 60 steps, so that its gradients and activations hardly change."""


def nets_to_measure(lab: Comparison) -> Comparison:
    """Return the comparison of the Lab; ``NETS_THAT_LEARN`` while it is the usual one."""
    return NETS_THAT_LEARN if lab == Comparison() else lab


CHANNELS, HEIGHT, WIDTH = 2, 2, 2
"""Size of the images in the chapter on channels: a table has a row for each row of pixels."""

MOST_IMAGES = 8
