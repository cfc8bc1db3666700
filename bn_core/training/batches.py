"""Mini-batches, drawn by each replica in an order of its own."""

import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.randomness import generator

Batch = tuple[Tensor, Tensor]
"""Inputs (K, B, D) and labels (K, B)."""


class Batches:
    """Mini-batches for K replicas, each with its own order, shuffled anew every epoch.

    The data are the same for all replicas, (N, D), or each replica has its own, (K, N, D).
    """

    def __init__(self, dataset: Dataset, config: Config) -> None:
        self.dataset, self.size = dataset, config.batch_size
        seeds = range(config.seed, config.seed + config.replicas)
        self.generators = [generator(seed, "batches") for seed in seeds]
        self._inputs = dataset.train_inputs.flatten(0, -2)  # (N, D) or (K N, D)
        self._labels = dataset.train_labels.flatten()
        self._first_row = torch.zeros(config.replicas, 1, dtype=torch.long)
        if dataset.per_replica:
            self._first_row[:, 0] = torch.arange(config.replicas) * dataset.train_size
        self.order = self._shuffled()
        self.start = 0

    def first(self) -> Batch:
        """Return the first batch, without moving on."""
        return self._batch(0)

    def next(self) -> Batch:
        """Return the next batch: inputs (K, B, D) and labels (K, B). Every batch is full."""
        if self.start + self.size > self.dataset.train_size:
            self.order, self.start = self._shuffled(), 0
        batch = self._batch(self.start)
        self.start += self.size
        return batch

    def _batch(self, start: int) -> Batch:
        chosen = self.order.narrow(1, start, self.size)  # (K, B)
        rows, shape = chosen.flatten(), chosen.shape
        inputs = self._inputs.index_select(0, rows).view(*shape, -1)
        return inputs, self._labels.index_select(0, rows).view(shape)

    def _shuffled(self) -> Tensor:
        """Return the rows of ``_inputs`` in the order in which each replica meets them, (K, N)."""
        count = self.dataset.train_size
        orders = [torch.randperm(count, generator=draw) for draw in self.generators]
        return torch.stack(orders) + self._first_row
