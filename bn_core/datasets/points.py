"""Points in a plane, generated from the seed: one maker and one split a set."""

from collections.abc import Callable

import numpy as np
from sklearn.datasets import make_blobs, make_circles, make_moons

from bn_core.datasets.spec import Array, Sampling, Split
from bn_core.streams import random_state

PointMaker = Callable[[int, float, np.random.RandomState], tuple[Array, Array]]


def moons(count: int, noise: float, state: np.random.RandomState) -> tuple[Array, Array]:
    """Return two interleaved half circles, (count, 2) and (count,)."""
    points, labels = make_moons(count, noise=noise, random_state=state)
    return np.asarray(points), np.asarray(labels)


def circles(count: int, noise: float, state: np.random.RandomState) -> tuple[Array, Array]:
    """Return a small circle inside a large one, (count, 2) and (count,)."""
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
    corners = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]], dtype=float)
    points, corner = make_blobs(
        count, centers=corners, cluster_std=0.25 + noise, random_state=state
    )[:2]
    return np.asarray(points), np.asarray(corner) % 2


def split_moons(sampling: Sampling) -> Split:
    """Return the split of two moons."""
    return _split(moons, sampling)


def split_circles(sampling: Sampling) -> Split:
    """Return the split of two circles."""
    return _split(circles, sampling)


def split_spirals(sampling: Sampling) -> Split:
    """Return the split of two spirals."""
    return _split(spirals, sampling)


def split_xor(sampling: Sampling) -> Split:
    """Return the split of four blobs."""
    return _split(xor, sampling)


def _split(make: PointMaker, sampling: Sampling) -> Split:
    """Return as many training points as were asked for, and half as many held out."""
    state, held_out = random_state(sampling.seed, "data"), sampling.points // 2
    inputs, labels = make(sampling.points + held_out, sampling.noise, state)
    order = state.permutation(len(inputs))
    train, validation = order[held_out:], order[:held_out]
    return Split(inputs[train], labels[train], inputs[validation], labels[validation])
