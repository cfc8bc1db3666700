"""What shapes pass the layers of a config's net, without building it; no torch is needed to ask."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from bn_core.config import Config

KERNEL = 3
"""Height and width of a convolution's kernel; with padding 1 the image keeps its size."""

LEAST_POOLED = 4
"""Pixels of the shorter side from which a 2 x 2 pool follows: smaller images stay as they are."""


EXAMPLES_OF_A_PART = 256
"""Images that a convolutional net evaluates at once."""


@dataclass(frozen=True)
class LayerShape:
    """A linear map or convolution: the shape of an example that enters, and units or channels.

    ``entering`` is (C, H, W) for a convolution, (D,) for a linear map. ``pooled`` says that a
    2 x 2 max pool follows the activation.
    """

    kind: Literal["linear", "conv"]
    entering: tuple[int, ...]
    units: int
    pooled: bool = False

    @property
    def fan_in(self) -> int:
        """How many numbers one output is a weighted sum of."""
        return self.entering[0] * KERNEL**2 if self.kind == "conv" else math.prod(self.entering)

    @property
    def weights(self) -> int:
        """How many weights there are; biases are not counted."""
        return self.fan_in * self.units

    @property
    def positions(self) -> tuple[int, ...]:
        """Height and width of each channel in front of the pool; empty for units."""
        return self.entering[1:] if self.kind == "conv" else ()

    @property
    def values(self) -> int:
        """How many numbers the activation puts out for an example."""
        return self.units * math.prod(self.positions)

    @property
    def leaving(self) -> tuple[int, ...]:
        """The shape of an example behind the layer, and its pool."""
        size = self.positions
        return (self.units, *(side // 2 if self.pooled else side for side in size))

    @property
    def operations(self) -> int:
        """Multiply-adds of the forward pass of one example."""
        return self.weights * math.prod(self.positions)


def layer_shapes(config: Config) -> tuple[LayerShape, ...]:
    """Return the shapes of every hidden layer of a config's net, and of the output layer.

    Of data that are no images a convolutional net would see one row of pixels.
    """
    spec = config.data_spec
    if not config.needs_images:
        sizes = (spec.inputs, *config.layer_widths, len(spec.classes))
        return tuple(LayerShape("linear", (inputs,), units) for inputs, units in pairwise(sizes))
    image = spec.input_shape if spec.kind == "image" else (1, 1, spec.inputs)
    return image_shapes(config, image, len(spec.classes))


def image_shapes(
    config: Config, input_shape: tuple[int, ...], classes: int
) -> tuple[LayerShape, ...]:
    """Return the shapes of a convolutional net's layers for images (C, H, W)."""
    shapes: list[LayerShape] = []
    entering = input_shape
    for index, channels in enumerate(config.blocks):
        pooled = min(entering[1:]) >= LEAST_POOLED and _may_be_pooled(config, index)
        shapes.append(LayerShape("conv", entering, channels, pooled))
        entering = shapes[-1].leaving
    if config.has_shortcuts:
        return (*shapes, LayerShape("linear", (entering[0],), classes))
    sizes = (math.prod(entering), *config.dense, classes)
    return (*shapes, *(LayerShape("linear", (size,), units) for size, units in pairwise(sizes)))


def _may_be_pooled(config: Config, index: int) -> bool:
    """Return whether block ``index`` ends with a pool, if its images are large enough.

    In a residual net where the next block has more channels: what one halves the other doubles.
    """
    following = config.blocks[index + 1 : index + 2]
    return not config.has_shortcuts or any(more > config.blocks[index] for more in following)
