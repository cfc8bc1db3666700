"""A data set as nets see it: standardized tensors."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from bn_core.datasets.spec import DataSpec, Kind, Split, kind_of


@dataclass(frozen=True)
class Dataset:
    """Inputs and labels, standardized with the mean and deviation of the training part.

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
            digest.update(tensor.contiguous().numpy().tobytes())
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


def standardized(spec: DataSpec, split: Split) -> Dataset:
    """Return x' = (x - mean) / std as tensors, with the moments of the training part."""
    axis = 0 if spec.standardize_features else None
    mean, std = split.train_inputs.mean(axis=axis), split.train_inputs.std(axis=axis)

    def inputs(values: np.ndarray) -> Tensor:
        return torch.from_numpy(((values - mean) / std).astype(np.float32))

    def labels(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values.astype(np.int64))

    return Dataset(
        inputs(split.train_inputs),
        labels(split.train_labels),
        inputs(split.validation_inputs),
        labels(split.validation_labels),
        spec.classes,
        spec,
    )
