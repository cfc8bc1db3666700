"""A data set as nets see it: tensors, standardized or scaled otherwise."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from bn_core.datasets.spec import Array, DataSpec, Kind, Scaling, Split, kind_of


@dataclass(frozen=True)
class Dataset:
    """Inputs and labels, as a rule standardized with the moments of the training part.

    N training examples, V held out, D numbers each. With a leading axis, (K, N, D) and (K, N),
    each of K replicas has a split of its own. The tensors are shared: nobody writes into them.
    """

    train_inputs: Tensor  # (N, D) or (K, N, D) float32
    train_labels: Tensor  # (N,) or (K, N) int64
    validation_inputs: Tensor  # (V, D) or (K, V, D)
    validation_labels: Tensor  # (V,) or (K, V)
    classes: tuple[str, ...]
    spec: DataSpec | None = None
    """Which registered set it is; None for arrays of one's own."""
    scaling: Scaling = "standardize"
    """How inputs x' = (x - shift) / scale were made of the raw ones."""
    shift: Array = field(default_factory=lambda: np.zeros(()))  # () or (D,)
    scale: Array = field(default_factory=lambda: np.ones(()))  # () or (D,)

    @property
    def train_size(self) -> int:
        """How many examples are trained on, N."""
        return self.train_inputs.shape[-2]

    @property
    def per_replica(self) -> bool:
        """Whether each replica has a split of its own."""
        return self.train_inputs.dim() == 3

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one example: (channels, height, width) of an image, else (D,)."""
        return self.spec.input_shape if self.spec else (self.train_inputs.shape[-1],)

    @property
    def kind(self) -> Kind:
        """Whether examples are images, points in a plane, or rows of a table."""
        return kind_of(self.input_shape)

    @cached_property
    def content_hash(self) -> str:
        """The SHA-256 of classes, shapes and values: equal for equal data, whatever their name."""
        digest = hashlib.sha256(repr((self.classes, self.input_shape)).encode())
        for tensor in self._tensors():
            digest.update(repr((tuple(tensor.shape), tensor.dtype)).encode())
            digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()

    def bytes(self) -> int:
        """Return the size of all tensors."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self._tensors())

    def _tensors(self) -> tuple[Tensor, ...]:
        return (
            self.train_inputs,
            self.train_labels,
            self.validation_inputs,
            self.validation_labels,
        )


def scaled(spec: DataSpec, split: Split, scaling: Scaling = "standardize") -> Dataset:
    """Return x' = (x - shift) / scale as tensors, with shift and scale of the training part.

    standardize: mean and standard deviation;  unit: minimum and range;  raw: x as in its file.
    A feature that is constant is shifted only. The arrays of ``split`` may be overwritten.
    """
    shift, scale = (np.asarray(value) for value in _moments(spec, split.train_inputs, scaling))

    def inputs(values: Array) -> Tensor:
        if values.dtype != np.float32:
            return torch.from_numpy(((values - shift) / scale).astype(np.float32))
        values -= shift.astype(np.float32)  # in place: these may be large
        values /= scale.astype(np.float32)
        return torch.from_numpy(values)

    def labels(values: Array) -> Tensor:
        return torch.from_numpy(values.astype(np.int64))

    return Dataset(
        inputs(split.train_inputs),
        labels(split.train_labels),
        inputs(split.validation_inputs),
        labels(split.validation_labels),
        spec.classes,
        spec,
        scaling,
        shift,
        scale,
    )


def _moments(spec: DataSpec, inputs: Array, scaling: Scaling) -> tuple[Array, Array]:
    """Return shift and scale, one for each feature or one for all."""
    axis = 0 if spec.standardize_features else None
    if scaling == "raw":
        return np.zeros(()), np.asarray(1 / spec.pixel_max)
    if scaling == "unit":
        low = inputs.min(axis=axis)
        shift, scale = low, inputs.max(axis=axis) - low
    else:
        wide = np.float64 if inputs.dtype == np.float32 else None
        shift, scale = inputs.mean(axis=axis, dtype=wide), inputs.std(axis=axis, dtype=wide)
    return shift, np.where(scale > 0, scale, 1.0)
