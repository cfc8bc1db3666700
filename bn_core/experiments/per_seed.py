"""Data of each seed's own: replica k of K gets the split of seed + k, as it would alone."""

import dataclasses

import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.data import Dataset, load
from bn_core.training import Batches


class PerSeedDataset(Dataset):
    """A data set whose arrays have a leading replica axis: inputs (K, N, D), labels (K, N)."""

    @property
    def train_size(self) -> int:
        """How many examples each replica is trained on."""
        return self.train_inputs.shape[1]


def load_per_seed(config: Config) -> PerSeedDataset:
    """Return the data of K replicas, stacked: that of replica k is what seed + k loads alone."""
    alone = [
        load(config.changed({"seed": config.seed + replica, "replicas": 1}))
        for replica in range(config.replicas)
    ]
    arrays = [field.name for field in dataclasses.fields(Dataset) if field.name != "classes"]
    stacked = {name: torch.stack([getattr(one, name) for one in alone]) for name in arrays}
    return PerSeedDataset(**stacked, classes=alone[0].classes)


class PerSeedBatches(Batches):
    """Mini-batches for K replicas, each of its own data (K, N, D) and in its own order."""

    def _batch(self, start: int) -> tuple[Tensor, Tensor]:
        chosen = self.order[:, start : start + self.size]
        replica = torch.arange(len(chosen)).unsqueeze(1)
        data = self.dataset
        return data.train_inputs[replica, chosen], data.train_labels[replica, chosen]
