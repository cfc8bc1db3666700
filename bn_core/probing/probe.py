"""The examples that every measurement of every arm of a comparison uses."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from bn_core.datasets.dataset import Dataset
from bn_core.records import DataSummary

PROBE_EXAMPLES = 128
IMAGE_ROWS = 30
GRID = 40
SCENE_POINTS = 300
SHOWN_EXAMPLES = 4


@dataclass(frozen=True)
class Probe:
    """A fixed set of examples: every snapshot of every arm measures the nets on them."""

    dataset: Dataset
    inputs: Tensor  # (P, D) of the training part, the first IMAGE_ROWS sorted by class
    labels: Tensor  # (P,)
    grid: Tensor  # (G * G, 2), or (0, D) for images
    extent: float

    @classmethod
    def of(cls, dataset: Dataset) -> "Probe":
        """Choose the probe's examples: the first of the training part."""
        count = min(PROBE_EXAMPLES, dataset.train_size)
        labels = dataset.train_labels[:count]
        order = torch.arange(count)
        order[:IMAGE_ROWS] = labels[:IMAGE_ROWS].argsort(stable=True)
        extent = float(dataset.train_inputs.abs().max()) * 1.05 if dataset.kind == "plane" else 0.0
        grid = _plane(extent) if dataset.kind == "plane" else dataset.train_inputs[:0]
        return cls(dataset, dataset.train_inputs[order], labels[order], grid, extent)

    def rescaled(self, dataset: Dataset) -> "Probe":
        """Return the probe of the same examples and places with inputs scaled as ``dataset``'s."""
        scaled, own = Probe.of(dataset), self.dataset
        raw = self.grid.double().numpy() * own.scale + own.shift
        grid = torch.from_numpy((raw - dataset.shift) / dataset.scale).float()
        return replace(scaled, grid=grid if self.extent else scaled.grid, extent=self.extent)

    def summary(self) -> DataSummary:
        """Return what the figures need to know of the data."""
        flat = self.extent > 0
        inputs = self.dataset.validation_inputs[: SCENE_POINTS if flat else 0]
        rows = self.shown_rows
        shown = self.inputs[rows].reshape(len(rows), *self.dataset.input_shape)
        return DataSummary(
            classes=self.dataset.classes,
            train_size=self.dataset.train_size,
            validation_size=len(self.dataset.validation_inputs),
            points=inputs.numpy() if flat else np.zeros((0, 2), np.float32),
            labels=self.dataset.validation_labels[: len(inputs)].numpy(),
            extent=self.extent,
            row_labels=self.labels[:IMAGE_ROWS].numpy(),
            examples=shown.numpy().astype(np.float16),
            example_rows=tuple(rows),
        )

    @cached_property
    def shown_rows(self) -> list[int]:
        """Return a few of the first rows, of as many different classes as there are."""
        labels = self.labels[:IMAGE_ROWS].tolist()
        first = [row for row, label in enumerate(labels) if label not in labels[:row]]
        others = [row for row in range(len(labels)) if row not in first]
        chosen = first[:: max(1, len(first) // SHOWN_EXAMPLES)] + others
        return sorted(chosen[:SHOWN_EXAMPLES])


def _plane(extent: float) -> Tensor:
    line = torch.linspace(-extent, extent, GRID)
    down, across = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([across.flatten(), down.flatten()], dim=1)
