"""Data sets: real digits and point sets in the plane, each one function and one registry line."""

import functools
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bn_core.config import Config
from bn_core.randomness import seed_for

VALIDATION_DIGITS = 500
Array = np.ndarray


@dataclass(frozen=True)
class Dataset:
    """Inputs and labels, standardized with the mean and deviation of the training part."""

    train_inputs: torch.Tensor  # (N, D) float32
    train_labels: torch.Tensor  # (N,) int64
    validation_inputs: torch.Tensor  # (V, D)
    validation_labels: torch.Tensor  # (V,)
    classes: tuple[str, ...]

    @property
    def train_size(self) -> int:
        """How many examples are trained on."""
        return len(self.train_inputs)


@dataclass(frozen=True)
class _Raw:
    train_inputs: Array
    train_labels: Array
    validation_inputs: Array
    validation_labels: Array
    classes: tuple[str, ...]
    per_feature: bool


def digits(config: Config) -> _Raw:
    """Return scikit-learn's 1,797 digits, 8 x 8 pixels, split with equal shares of each class.

    Standardized by one mean and deviation for all pixels: some pixels never vary.
    """
    images, labels = _digit_files()
    state = np.random.RandomState(seed_for(config.seed, "data") % 2**32)
    order = state.permutation(len(labels))
    # Every class in turn gives the same share of its shuffled examples to the held-out part.
    rank = np.empty(len(labels))
    for label in range(10):
        of_class = order[labels[order] == label]
        rank[of_class] = (np.arange(len(of_class)) + 0.5) / len(of_class)
    held_out = order[np.argsort(rank[order], kind="stable")][:VALIDATION_DIGITS]
    # What was held out comes first in the order, so the rest is shuffled once more.
    train = state.permutation(order[~np.isin(order, held_out)])
    classes = tuple("0123456789")
    return _Raw(
        images[train], labels[train], images[held_out], labels[held_out], classes, per_feature=False
    )


@functools.cache
def _digit_files() -> tuple[Array, Array]:
    """Return the digits that scikit-learn's package holds, values 0 to 1.

    Read without importing scikit-learn: that takes a second, and the first picture waits for it.
    """
    package = importlib.util.find_spec("sklearn")
    assert package is not None and package.submodule_search_locations, "among the requirements"
    path = Path(package.submodule_search_locations[0]) / "datasets/data/digits.csv.gz"
    table = np.loadtxt(path, delimiter=",")
    return table[:, :-1] / 16, table[:, -1].astype(np.int64)


def moons(count: int, noise: float, state: np.random.RandomState) -> tuple[Array, Array]:
    """Return two interleaved half circles, (count, 2) and (count,)."""
    from sklearn.datasets import make_moons

    points, labels = make_moons(count, noise=noise, random_state=state)
    return np.asarray(points), np.asarray(labels)


def circles(count: int, noise: float, state: np.random.RandomState) -> tuple[Array, Array]:
    """Return a small circle inside a large one, (count, 2) and (count,)."""
    from sklearn.datasets import make_circles

    points, labels = make_circles(count, noise=noise, factor=0.5, random_state=state)
    return np.asarray(points), np.asarray(labels)


def spirals(count: int, noise: float, state: np.random.RandomState) -> tuple[Array, Array]:
    """Return two spiral arms of one and a half turns, (count, 2) and (count,)."""
    labels = np.arange(count) % 2
    turn = 3 * np.pi * np.sqrt(state.uniform(0.02, 1, count))
    angle = turn + np.pi * labels
    points = turn[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) / (3 * np.pi)
    return points + state.normal(0, noise / 3, points.shape), labels


def xor(count: int, noise: float, state: np.random.RandomState) -> tuple[Array, Array]:
    """Return four blobs, opposite corners alike, (count, 2) and (count,)."""
    from sklearn.datasets import make_blobs

    corners = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]], dtype=float)
    points, corner = make_blobs(
        count, centers=corners, cluster_std=0.25 + noise, random_state=state
    )[:2]
    return np.asarray(points), np.asarray(corner) % 2


PointMaker = Callable[[int, float, np.random.RandomState], tuple[Array, Array]]
POINT_SETS: Mapping[str, PointMaker] = {
    "moons": moons,
    "circles": circles,
    "spirals": spirals,
    "xor": xor,
}


def _points(config: Config) -> _Raw:
    state = np.random.RandomState(seed_for(config.seed, "data") % 2**32)
    held_out = config.points // 2
    inputs, labels = POINT_SETS[config.data](config.points + held_out, config.noise, state)
    order = state.permutation(len(inputs))
    train, validation = order[held_out:], order[:held_out]
    classes = ("A", "B")
    return _Raw(inputs[train], labels[train], inputs[validation], labels[validation], classes, True)


IMAGE_SETS: Mapping[str, Callable[[Config], _Raw]] = {"digits": digits}


def load(config: Config) -> Dataset:
    """Return the data set a config names: x' = (x - mean) / std, moments of the training part.

    Errors: ``ValueError`` if a batch is larger than the training part.
    """
    raw = IMAGE_SETS.get(config.data, _points)(config)
    axis = 0 if raw.per_feature else None
    mean, std = raw.train_inputs.mean(axis=axis), raw.train_inputs.std(axis=axis)
    if config.batch_size > len(raw.train_inputs):
        raise ValueError(
            f"A batch of {config.batch_size} does not fit: this data set has "
            f"{len(raw.train_inputs)} training examples."
        )

    def tensor(inputs: Array) -> torch.Tensor:
        return torch.from_numpy(((inputs - mean) / std).astype(np.float32))

    return Dataset(
        tensor(raw.train_inputs),
        torch.from_numpy(raw.train_labels.astype(np.int64)),
        tensor(raw.validation_inputs),
        torch.from_numpy(raw.validation_labels.astype(np.int64)),
        raw.classes,
    )
