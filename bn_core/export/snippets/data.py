"""Data sets, as numpy arrays, for programs that stand alone. Same draws as ``bn_core.datasets``."""

import csv
import gzip
import hashlib
import io
import math
import struct
import sys
from pathlib import Path

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


def fair_order(labels, order):
    """Return the rows of a random order, so that every beginning has fair shares of the classes."""
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        of_class = order[labels[order] == label]
        rank[of_class] = (np.arange(len(of_class)) + 0.5) / len(of_class)
    return order[np.argsort(rank[order], kind="stable")]


def read_idx(path):
    """Return the whole numbers of an IDX file, plain or packed by gzip."""
    body = path.read_bytes()
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    kind = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}[body[2]]
    shape = struct.unpack(f">{body[3]}I", body[4 : 4 + 4 * body[3]])
    return np.frombuffer(body, kind, offset=4 + 4 * body[3]).reshape(shape)


def published(folder, part):
    """Return images (N, H, W) of 0 to 255 and their labels (N,) of one part of a published set."""
    found = []
    for name in (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"):
        paths = (folder / f"{name}{ending}" for ending in ("", ".gz"))
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            sys.exit(
                f"There is no {name} in {folder}. Start this with the folder: {sys.argv[0]} FOLDER"
            )
        found.append(read_idx(path))
    return found[0], found[1].astype(np.int64)


def pixels(images):
    """Return images (N, ...) of 0 to 255 as (N, D) of 0 to 1, in single precision."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def from_two_parts(train, test, examples, held, state):
    """Return some images to train on, and some of the published test part, held out."""
    (images, labels), (test_images, test_labels) = train, test
    rows = fair_order(labels, state.permutation(len(labels)))[:examples]
    test_rows = fair_order(test_labels, state.permutation(len(test_labels)))[:held]
    return (
        pixels(images[rows]),
        labels[rows],
        pixels(test_images[test_rows]),
        test_labels[test_rows],
    )


def from_one_part(inputs, labels, examples, held, state):
    """Return some examples to train on and those held out, both with fair shares of the classes."""
    order = fair_order(labels, state.permutation(len(labels)))
    held_out, train = order[:held], order[held:][:examples]
    return inputs[train], labels[train], inputs[held_out], labels[held_out]


def own_files(count, what):
    """Return the paths that the program was started with."""
    if len(sys.argv) != 1 + count:
        sys.exit(f"Start this with {what}: {sys.argv[0]} {' '.join(['FILE'] * count)}")
    return [Path(name) for name in sys.argv[1:]]


def cells(path, separator):
    """Return the rows of a table of text, each a list of cells."""
    body = path.read_bytes()
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = body.decode("utf-16", errors="replace")
    else:
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = body.decode("latin-1")
    lines = io.StringIO(text, newline="")
    for row in csv.reader(lines, delimiter=separator, skipinitialspace=True):
        if any(cell.strip() for cell in row):
            yield [cell for cell in row if cell] if separator == " " else row


def number_in(cell):
    """Return the number that a cell holds, with a point or a comma; NaN if there is none."""
    text = cell.strip()
    for one in (text, text.replace(",", ".") if text.count(",") == 1 else text):
        try:
            value = float(one)
        except ValueError:
            continue
        return value if abs(value) < 1e30 else math.nan
    return math.nan


def table(path, separator, names_first, label, columns, drop_missing):
    """Return numbers (N, D), NaN where one is missing, and the classes (N,), of a table of text."""
    missing = {"", "na", "n/a", "nan", "null", "none", "?", "-", "inf", "-inf", "+inf"}
    rows = list(cells(path, separator))[names_first:]
    rows = [row for row in rows if row[label].strip().lower() not in missing]
    inputs = np.array([[number_in(row[i]) for i in columns] for row in rows]).astype(np.float32)
    texts = [row[label].strip() for row in rows]
    numbers = {text: number_in(text) for text in texts}
    numeric = not any(math.isnan(value) for value in numbers.values())
    classes = sorted(numbers, key=lambda text: (numbers[text] if numeric else 0.0, text))
    labels = np.array([classes.index(text) for text in texts])
    kept = ~np.isnan(inputs).any(axis=1) if drop_missing else slice(None)
    return inputs[kept], labels[kept]


def examples_and_classes(inputs, labels):
    """Return examples (N, ...) as (N, D) and their classes (N,), counted from 0."""
    if inputs.ndim == 4 and inputs.shape[-1] in (1, 3) and inputs.shape[1] not in (1, 3):
        inputs = np.moveaxis(inputs, -1, 1)
    inputs, classes = inputs.reshape(len(inputs), -1), np.unique(labels, return_inverse=True)[1]
    if inputs.dtype != np.uint8:
        inputs = inputs.astype(np.float32)
        kept = np.isfinite(inputs).all(axis=1)
        inputs, classes = inputs[kept], classes[kept]
    return inputs, classes


def the_same(inputs, labels, digest):
    """Return the data if they are those that the nets were trained on, by their SHA-256."""
    found = hashlib.sha256(np.ascontiguousarray(inputs)).hexdigest()
    found += hashlib.sha256(labels.astype("<u2")).hexdigest()
    if found != digest:
        sys.exit("This file holds other data than those that the program was made for.")
    return (pixels(inputs) if inputs.dtype == np.uint8 else inputs), labels.astype(np.int64)


def filled(train_inputs, train_labels, held_out_inputs, held_out_labels):
    """Return the data with the mean of the training part for each missing number."""
    known = ~np.isnan(train_inputs)
    sums = np.where(known, train_inputs, 0).sum(axis=0, dtype=np.float64)
    means = (sums / np.maximum(known.sum(axis=0), 1)).astype(np.float32)
    train, held_out = (np.where(np.isnan(x), means, x) for x in (train_inputs, held_out_inputs))
    return train, train_labels, held_out, held_out_labels


def pooled(train_inputs, train_labels, held_out_inputs, held_out_labels, shape):
    """Return images of a shape (C, H, W) with the mean of each 2 x 2 pixels in their place."""
    channels, height, width = shape
    train, held_out = (
        x.reshape(-1, channels, height // 2, 2, width // 2, 2)
        .mean(axis=(3, 5), dtype=x.dtype)
        .reshape(len(x), -1)
        for x in (train_inputs, held_out_inputs)
    )
    return train, train_labels, held_out, held_out_labels


def scaled(train_inputs, train_labels, held_out_inputs, held_out_labels, shift, scale):
    """Return the data as the nets see them: (x - shift) / scale; where scale is 0, x - shift."""
    kind = train_inputs.dtype
    shift, scale = np.asarray(shift, kind), np.where(scale > 0, scale, 1.0).astype(kind)
    train, held_out = (
        ((x - shift) / scale).astype(np.float32) for x in (train_inputs, held_out_inputs)
    )
    return train, train_labels.astype(np.int64), held_out, held_out_labels.astype(np.int64)


def standardized(train_inputs, *others, axis):
    """Return the data with mean 0 and variance 1: moments of the training part."""
    mean = train_inputs.mean(axis=axis, dtype=np.float64)
    std = train_inputs.std(axis=axis, dtype=np.float64)
    return scaled(train_inputs, *others, mean, std)


def from_0_to_1(train_inputs, *others, axis):
    """Return the data with minimum 0 and maximum 1 in the training part."""
    low, high = train_inputs.min(axis=axis), train_inputs.max(axis=axis)
    return scaled(train_inputs, *others, low, high - low)


def raw(*parts, largest):
    """Return the data as they are in their file, where a pixel of 1 is ``largest``."""
    return scaled(*parts, np.zeros(()), np.asarray(1 / largest))
