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


INCEPTION_KERNELS = (1, 3, 5, 1)
"""Kernels of the branches of an Inception block; a 3 x 3 max pool precedes the last."""

LEAST_INCEPTION = 4
"""Channels of the smallest Inception block: one for each branch."""

EXAMPLES_OF_A_PART = 256
"""Images that a convolutional or recurrent net evaluates at once."""

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
"""How many gates of ``width`` units each recurrent cell computes by a matrix product."""


@dataclass(frozen=True)
class LayerShape:
    """A linear map, convolution or time step: what enters for an example, and units or channels.

    ``entering`` is (C, H, W) for a convolution, or the convolutions of an Inception block, (D,) for
    a linear map. ``pooled`` says that a 2 x 2 max pool follows the activation. Into a time step of
    a recurrent net enter a row and the hidden state, for so many ``gates``; it stands for as many
    ``steps`` as are measured once, and all but the first share its weights.
    """

    kind: Literal["linear", "conv", "inception", "recurrent"]
    entering: tuple[int, ...]
    units: int
    pooled: bool = False
    gates: int = 1
    steps: int = 1
    has_weights: bool = True

    @property
    def fan_in(self) -> int:
        """How many numbers one output of a linear map is a weighted sum of."""
        return math.prod(self.entering)

    @property
    def weights(self) -> int:
        """How many weights of its own there are; biases are not counted."""
        match self.kind:
            case "conv":
                return self.entering[0] * KERNEL**2 * self.units
            case "inception":
                return inception_weights(self.entering[0], self.units)
            case "recurrent":
                return self.fan_in * self.units * self.gates if self.has_weights else 0
            case _:
                return self.fan_in * self.units

    @property
    def positions(self) -> tuple[int, ...]:
        """Height and width of each channel in front of the pool; empty for units."""
        return () if self.kind == "linear" else self.entering[1:]

    @property
    def values(self) -> int:
        """How many numbers the activation puts out for an example, with a time step's gates."""
        passes = 2 * self.gates * self.steps if self.kind == "recurrent" else 1
        return self.units * math.prod(self.positions) * passes

    @property
    def leaving(self) -> tuple[int, ...]:
        """The shape of an example behind the layer, and its pool."""
        size = self.positions
        return (self.units, *(side // 2 if self.pooled else side for side in size))

    @property
    def operations(self) -> int:
        """Multiply-adds of the forward pass of one example."""
        if self.kind == "recurrent":
            return self.fan_in * self.units * self.gates * self.steps
        return self.weights * math.prod(self.positions)


def layer_shapes(config: Config) -> tuple[LayerShape, ...]:
    """Return the shapes of every hidden layer of a config's net, and of the output layer.

    Of data that are no images a convolutional or recurrent net would see one row of pixels.
    """
    spec = config.data_spec
    if config.is_recurrent:
        return _time_steps(config, spec.inputs // config.time_steps, len(spec.classes))
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
        kind = "inception" if config.architecture == "inception" and index else "conv"
        shapes.append(LayerShape(kind, entering, channels, pooled))
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


def inception_channels(channels: int) -> tuple[int, int, int, int]:
    """Return the channels of the branches 1 x 1, 3 x 3, 5 x 5 and pool of an Inception block.

    A quarter, a half, an eighth and an eighth, as in the first block of GoogLeNet (Szegedy et al.
    2015, 1409.4842, table 1, "3a"); what is left over goes to 3 x 3, and each has one at least.
    """
    quarter, eighth = max(1, channels // 4), max(1, channels // 8)
    return quarter, channels - quarter - 2 * eighth, eighth, eighth


def inception_weights(inputs: int, channels: int) -> int:
    """Return how many weights the four convolutions of an Inception block have."""
    pairs = zip(inception_channels(channels), INCEPTION_KERNELS, strict=True)
    return inputs * sum(outputs * kernel**2 for outputs, kernel in pairs)


def _time_steps(config: Config, row: int, classes: int) -> tuple[LayerShape, ...]:
    """Return the shapes of a recurrent net's measured time steps and of its output layer."""
    units, gates = config.width, GATES[config.cell]
    before, shapes = 0, []
    for step in config.shown_time_steps:
        size = (row + units,)
        one = LayerShape("recurrent", size, units, False, gates, step - before, not before)
        shapes.append(one)
        before = step
    return (*shapes, LayerShape("linear", (units,), classes))
