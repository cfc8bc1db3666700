"""What a data set is, in words and shapes; N training examples, V held out, D numbers each."""

import importlib
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

Array = np.ndarray
Kind = Literal["image", "plane", "table"]


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
    """The function (Sampling) -> Split that makes it, as "module:function": the page process reads
    specs, and must not import what makes data."""
    standardize_features: bool = False
    """Whether each feature has a mean and deviation of its own; else one pair serves all."""
    fixed_size: int | None = None
    """The number of training examples; None where ``Sampling.points`` chooses it."""

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

    def train_size(self, points: int) -> int:
        """Return the number of training examples, N."""
        return points if self.fixed_size is None else self.fixed_size

    def split(self, sampling: Sampling) -> Split:
        """Return the raw examples of a seed, split into a training and a held-out part."""
        module, function = self.splitter.split(":")
        return getattr(importlib.import_module(module), function)(sampling)
