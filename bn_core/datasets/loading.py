"""From the settings of a run to its data."""

from typing import Protocol

import torch

from bn_core.datasets.dataset import Dataset, scaled
from bn_core.datasets.spec import DataSpec, Sampling, Scaling
from bn_core.datasets.store import DatasetStore

STORE = DatasetStore()
"""The data sets that this process holds."""


class DataSettings(Protocol):
    """What of a config says which data a run uses."""

    @property
    def data_spec(self) -> DataSpec: ...
    @property
    def seed(self) -> int: ...
    @property
    def replicas(self) -> int: ...
    @property
    def train_examples(self) -> int: ...
    @property
    def points(self) -> int: ...
    @property
    def noise(self) -> float: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def scaling(self) -> Scaling: ...


def load(settings: DataSettings) -> Dataset:
    """Return the data set that settings name, one split for all replicas.

    Errors: ``ValueError`` if a batch is larger than the training part.
    """
    spec = _checked(settings)
    return _load(spec, _sampling(spec, settings, settings.seed), settings.scaling)


def load_per_seed(settings: DataSettings) -> Dataset:
    """Return the data set with a split for each replica: replica k has that of seed + k.

    Inputs (K, N, D) and labels (K, N). Errors: ``ValueError`` as for ``load``.
    """
    spec = _checked(settings)
    samplings = tuple(
        _sampling(spec, settings, seed)
        for seed in range(settings.seed, settings.seed + settings.replicas)
    )
    request, scaling = (spec, samplings, settings.scaling), settings.scaling
    return STORE.load(request, lambda: _stacked([_load(spec, one, scaling) for one in samplings]))


def _checked(settings: DataSettings) -> DataSpec:
    spec = settings.data_spec
    if spec.missing:
        raise ValueError(spec.missing)
    size = spec.train_size(settings.points, settings.train_examples)
    if settings.batch_size > size:
        raise ValueError(
            f"A batch of {settings.batch_size} does not fit: this data set has "
            f"{size} training examples."
        )
    return spec


def _sampling(spec: DataSpec, settings: DataSettings, seed: int) -> Sampling:
    """Return what a split is drawn from; size and noise matter to generated sets alone."""
    if spec.generated:
        return Sampling(seed, settings.points, settings.noise)
    examples = spec.train_size(settings.points, settings.train_examples)
    return Sampling(seed, examples=examples if spec.from_files else None)


def _load(spec: DataSpec, sampling: Sampling, scaling: Scaling) -> Dataset:
    request = (spec, sampling, scaling)
    return STORE.load(request, lambda: scaled(spec, spec.split(sampling), scaling))


def _stacked(parts: list[Dataset]) -> Dataset:
    return Dataset(
        torch.stack([part.train_inputs for part in parts]),
        torch.stack([part.train_labels for part in parts]),
        torch.stack([part.validation_inputs for part in parts]),
        torch.stack([part.validation_labels for part in parts]),
        parts[0].classes,
        parts[0].spec,
        parts[0].scaling,
    )
