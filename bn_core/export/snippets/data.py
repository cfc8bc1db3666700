"""Data sets, as numpy arrays, for programs that stand alone. Same draws as ``bn_core.datasets``."""

import numpy as np
from sklearn.datasets import load_digits


def digits(state):
    """Return images and labels: training part first, then 500 held out, equal shares of classes."""
    data = load_digits()
    images, labels = data.data / 16, data.target
    order = state.permutation(len(labels))
    rank = np.empty(len(labels))
    for label in range(10):
        of_class = order[labels[order] == label]
        rank[of_class] = (np.arange(len(of_class)) + 0.5) / len(of_class)
    held_out = order[np.argsort(rank[order], kind="stable")][:500]
    train = state.permutation(order[~np.isin(order, held_out)])
    return images[train], labels[train], images[held_out], labels[held_out]


def moons(count, noise, state):
    """Return two interleaved half circles, (count, 2), and their classes, (count,)."""
    upper, lower = (np.linspace(0, np.pi, n) for n in (count // 2, count - count // 2))
    x = np.append(np.cos(upper), 1 - np.cos(lower))
    y = np.append(np.sin(upper), 1 - np.sin(lower) - 0.5)
    order = np.arange(count)
    state.shuffle(order)
    points = np.stack([x, y], axis=1)[order]
    return points + state.normal(scale=noise, size=points.shape), (order >= count // 2).astype(int)


def circles(count, noise, state):
    """Return a small circle inside a large one, (count, 2), and their classes, (count,)."""
    large, small = count // 2, count - count // 2
    angle = [np.linspace(0, 2 * np.pi, n, endpoint=False) for n in (large, small)]
    x = np.append(np.cos(angle[0]), 0.5 * np.cos(angle[1]))
    y = np.append(np.sin(angle[0]), 0.5 * np.sin(angle[1]))
    order = np.arange(count)
    state.shuffle(order)
    points = np.stack([x, y], axis=1)[order]
    return points + state.normal(scale=noise, size=points.shape), (order >= large).astype(int)


def spirals(count, noise, state):
    """Return two spiral arms of one and a half turns, (count, 2), and their classes, (count,)."""
    labels = np.arange(count) % 2
    turn = 3 * np.pi * np.sqrt(state.uniform(0.02, 1, count))
    angle = turn + np.pi * labels
    points = turn[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) / (3 * np.pi)
    return points + state.normal(0, noise / 3, points.shape), labels


def xor(count, noise, state):
    """Return four blobs, opposite corners alike, (count, 2), and their classes, (count,)."""
    corners = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]])
    sizes = [count // 4 + (corner < count % 4) for corner in range(4)]
    blobs = [
        state.normal(loc=corner, scale=0.25 + noise, size=(size, 2))
        for corner, size in zip(corners, sizes, strict=True)
    ]
    order = np.arange(count)
    state.shuffle(order)
    return np.concatenate(blobs)[order], np.repeat(np.arange(4) % 2, sizes)[order]


def split(make, points, noise, state):
    """Return so many training points and half as many held out, with their classes."""
    inputs, labels = make(points + points // 2, noise, state)
    order = state.permutation(len(inputs))
    train, held_out = order[points // 2 :], order[: points // 2]
    return inputs[train], labels[train], inputs[held_out], labels[held_out]


def standardized(train_inputs, train_labels, held_out_inputs, held_out_labels, axis):
    """Return the data as the nets see them: (x - mean) / std, moments of the training part."""
    mean, std = train_inputs.mean(axis=axis), train_inputs.std(axis=axis)
    train, held_out = (
        ((x - mean) / std).astype(np.float32) for x in (train_inputs, held_out_inputs)
    )
    return train, train_labels.astype(np.int64), held_out, held_out_labels.astype(np.int64)
