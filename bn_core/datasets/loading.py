"""From the settings of a run to its data."""

from typing import Protocol

import torch

from bn_core.datasets.dataset import Dataset, standardized
from bn_core.datasets.registry import DATASETS
from bn_core.datasets.spec import DataSpec, Sampling
from bn_core.datasets.store import DatasetStore

STORE = DatasetStore()
"""The data sets that this process holds."""


class DataSettings(Protocol):
    """What of a config says which data a run uses."""

    @property
    def data(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def replicas(self) -> int: ...
    @property
    def points(self) -> int: ...
    @property
    def noise(self) -> float: ...
    @property
    def batch_size(self) -> int: ...


def load(settings: DataSettings) -> Dataset:
    """Return the data set that settings name, one split for all replicas.

    Errors: ``ValueError`` if a batch is larger than the training part.
    """
    spec = _checked(settings)
    return _load(spec, _sampling(spec, settings, settings.seed))


def load_per_seed(settings: DataSettings) -> Dataset:
    """Return the data set with a split for each replica: replica k has that of seed + k.

    Inputs (K, N, D) and labels (K, N). Errors: ``ValueError`` as for ``load``.
    """
    spec = _checked(settings)
    samplings = tuple(
        _sampling(spec, settings, seed)
        for seed in range(settings.seed, settings.seed + settings.replicas)
    )
    request = (spec.name, samplings)
    return STORE.load(request, lambda: _stacked([_load(spec, one) for one in samplings]))


def _checked(settings: DataSettings) -> DataSpec:
    spec = DATASETS[settings.data]
    size = spec.train_size(settings.points)
    if settings.batch_size > size:
        raise ValueError(
            f"A batch of {settings.batch_size} does not fit: this data set has "
            f"{size} training examples."
        )
    return spec


def _sampling(spec: DataSpec, settings: DataSettings, seed: int) -> Sampling:
    """Return what a split is drawn from; size and noise matter to generated sets alone."""
    return Sampling(seed, settings.points, settings.noise) if spec.generated else Sampling(seed)


def _load(spec: DataSpec, sampling: Sampling) -> Dataset:
    return STORE.load((spec.name, sampling), lambda: standardized(spec, spec.split(sampling)))


def _stacked(parts: list[Dataset]) -> Dataset:
    return Dataset(
        torch.stack([part.train_inputs for part in parts]),
        torch.stack([part.train_labels for part in parts]),
        torch.stack([part.validation_inputs for part in parts]),
        torch.stack([part.validation_labels for part in parts]),
        parts[0].classes,
        parts[0].spec,
    )
