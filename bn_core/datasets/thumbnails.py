"""Small pictures of the data sets, from the data themselves: they are what chooses a data set."""

from dataclasses import dataclass

import numpy as np

from bn_core.datasets.own import OwnData
from bn_core.datasets.registry import DATASETS
from bn_core.datasets.spec import Array, DataSpec, Sampling, Split

_POINTS = 90
_IMAGES = 9


@dataclass(frozen=True)
class Thumbnail:
    """A few examples of a data set: points with their classes, or images."""

    points: Array  # (P, 2) within -1..1, or (0, 2)
    labels: Array  # (P,)
    images: Array  # (I, H, W) uint8, or (0, 0, 0)


def thumbnails() -> dict[str, Thumbnail]:
    """Return a thumbnail of every registered data set, by name."""
    made = {
        name: spec.split(Sampling(seed=0, examples=200, preview=True))
        for name, spec in DATASETS.items()
    }
    return {name: _thumbnail(DATASETS[name], split) for name, split in made.items()}


def own_thumbnail(data: OwnData) -> Thumbnail:
    """Return a thumbnail of a reader's own data: images, or points: of wide tables the two
    directions in which the standardized columns vary most."""
    return _thumbnail(data.spec, data.split(Sampling(seed=0, examples=200)))


def _thumbnail(spec: DataSpec, split: Split) -> Thumbnail:
    if spec.kind != "image":
        return _points(split)
    _, height, width = spec.input_shape
    shown = range(min(_IMAGES, len(spec.classes)))
    rows = [np.flatnonzero(split.train_labels == label)[:1] for label in shown]
    first = np.concatenate(rows)  # a class may lack among the first
    images = split.train_inputs[first].reshape(-1, *spec.input_shape)[:, 0]
    shade = 255 * (images - images.min()) / max(images.max() - images.min(), 1e-9)
    labels = split.train_labels[first]
    return Thumbnail(np.zeros((0, 2)), labels, shade.reshape(-1, height, width).astype(np.uint8))


def _points(split: Split) -> Thumbnail:
    """Return the first points, standardized as nets see them and scaled to the unit square."""
    inputs = split.train_inputs.astype(np.float64)
    if inputs.shape[1] == 1:
        inputs = np.column_stack([inputs, split.train_labels])
    deviation = inputs.std(axis=0)
    points = (inputs - inputs.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    if points.shape[1] > 2:
        points = _principal_components(points)
    points = points[:_POINTS]
    empty = np.zeros((0, 0, 0), np.uint8)
    return Thumbnail(points / max(np.abs(points).max(), 1e-9), split.train_labels[:_POINTS], empty)


def _principal_components(points: Array) -> Array:
    """Return the two principal components of centred points, (N, D) to (N, 2).

    Their signs are chosen so that the largest weight of each direction is positive.
    """
    _, _, directions = np.linalg.svd(points, full_matrices=False)
    first = directions[:2]
    largest = np.take_along_axis(first, np.abs(first).argmax(axis=1)[:, None], axis=1)
    return points @ (first * np.sign(largest)).T
