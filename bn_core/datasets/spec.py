"""What a data set is, in words and shapes; N training examples, V held out, D numbers each."""

import dataclasses
import importlib
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

Array = np.ndarray
Kind = Literal["image", "plane", "table"]
Scaling = Literal["standardize", "unit", "raw"]


def kind_of(input_shape: tuple[int, ...]) -> Kind:
    """Return what examples of a shape are: images (channels, height, width), points, or rows."""
    if len(input_shape) == 3:
        return "image"
    return "plane" if input_shape == (2,) else "table"


@dataclass(frozen=True)
class Sampling:
    """What a split is drawn from: a seed and, for generated sets, their size and noise."""

    seed: int
    points: int = 400
    noise: float = 0.15
    examples: int | None = None
    """How many examples of a set from files are trained on at most; None is all."""
    preview: bool = False
    """Whether a few examples are enough, for a thumbnail: files are not read to their end."""


@dataclass(frozen=True)
class Split:
    """Raw inputs and labels, split into a training and a held-out part."""

    train_inputs: Array  # (N, D)
    train_labels: Array  # (N,)
    validation_inputs: Array  # (V, D)
    validation_labels: Array  # (V,)


@dataclass(frozen=True)
class DataSpec:
    """A data set: what an example is, which classes there are, and what splits it.

    ``input_shape`` is the shape of one example: (channels, height, width) of an image, (2,) of a
    point. Examples are stored flat, D = prod(input_shape).
    """

    name: str
    title: str
    input_shape: tuple[int, ...]
    classes: tuple[str, ...]
    splitter: str
    """The function that makes it, as "module:function" for (Sampling) -> Split or, if it serves
    several sets, "module:function:name" for (name, Sampling) -> Split: the page process reads
    specs, and must not import what makes data."""
    standardize_features: bool = False
    """Whether each feature has a mean and deviation of its own; else one pair serves all."""
    fixed_size: int | None = None
    """The number of training examples; None where ``Sampling.points`` chooses it."""
    from_files: bool = False
    """Whether it may be large, so that a run takes some of its examples."""
    pixel_max: float = 1.0
    """What a pixel of 1 is in the file that images come from."""
    missing: str = ""
    """Why its examples are not here, and what to do, in a sentence; empty if they are."""
    pooled: bool = False
    """Whether each 2 x 2 pixels become one, their mean; the splitter gives them unpooled."""

    @property
    def kind(self) -> Kind:
        """Whether examples are images, points in a plane, or rows of a table."""
        return kind_of(self.input_shape)

    @property
    def inputs(self) -> int:
        """How many numbers an example has, D."""
        return math.prod(self.input_shape)

    @property
    def generated(self) -> bool:
        """Whether the examples are made from the seed, in any number and with noise."""
        return self.fixed_size is None

    @property
    def can_be_pooled(self) -> bool:
        """Whether these are images whose pixels make blocks of 2 x 2, at least 4 x 4 of them."""
        if self.kind != "image" or self.pooled:
            return False
        return all(side >= 8 and side % 2 == 0 for side in self.input_shape[1:])

    def with_pooling(self) -> "DataSpec":
        """Return the spec of the same images with half the height and width."""
        channels, height, width = self.input_shape
        shape = (channels, height // 2, width // 2)
        return dataclasses.replace(self, input_shape=shape, pooled=True)

    def train_size(self, points: int, examples: int | None = None) -> int:
        """Return the number of training examples, N."""
        if self.fixed_size is None:
            return points
        limited = self.from_files and examples is not None
        return min(self.fixed_size, examples) if limited and examples else self.fixed_size

    def split(self, sampling: Sampling) -> Split:
        """Return the raw examples of a seed, split into a training and a held-out part."""
        module, function, *name = self.splitter.split(":")
        made = getattr(importlib.import_module(module), function)(*name, sampling)
        return self._pooled(made) if self.pooled else made

    def _pooled(self, split: Split) -> Split:
        channels, height, width = self.input_shape
        whole = (channels, 2 * height, 2 * width)
        return dataclasses.replace(
            split,
            train_inputs=_mean_of_blocks(split.train_inputs, whole),
            validation_inputs=_mean_of_blocks(split.validation_inputs, whole),
        )


def _mean_of_blocks(inputs: Array, shape: tuple[int, ...]) -> Array:
    """Return images (N, C H W) with the mean of each 2 x 2 pixels in their place."""
    channels, height, width = shape
    blocks = inputs.reshape(-1, channels, height // 2, 2, width // 2, 2)
    return blocks.mean(axis=(3, 5), dtype=inputs.dtype).reshape(len(inputs), -1)
