"""The images of published sets, read once in a process and split by a seed."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bn_core.datasets.idx import DataFileError, read_idx
from bn_core.datasets.published import PUBLISHED, Files, data_folder, find_files, held_out_count
from bn_core.datasets.sampling import fair_order
from bn_core.datasets.spec import Array, Sampling, Split
from bn_core.streams import random_state

_MOST_BYTES = 2**30
_PREVIEWED = 400
"""Examples that are read of a part for a thumbnail."""

Part = tuple[Array, Array]
"""Images (N, H, W) uint8 and their labels (N,)."""


def split(name: str, sampling: Sampling) -> Split:
    """Return some images of a published set, pixels from 0 to 1, with fair shares of the classes.

    Held out are images of its published test part, or, where only one part is here, of that part.
    Errors: ``ValueError`` if the files have gone or changed meanwhile.
    """
    read = _first if sampling.preview else _whole
    published = PUBLISHED[name]
    parts = find_files(published, data_folder())
    if not parts:
        raise DataFileError(f"The files of {published.title} are no longer there.")
    state, held = random_state(sampling.seed, "data"), held_out_count(parts)
    arrays = {part: _checked(read, files, len(published.classes)) for part, files in parts.items()}
    if len(arrays) == 2:
        (images, labels), (test_images, test_labels) = arrays["train"], arrays["t10k"]
        rows = fair_order(labels, state.permutation(len(labels)))[: sampling.examples]
        test_rows = fair_order(test_labels, state.permutation(len(test_labels)))[:held]
    else:
        ((images, labels),) = ((test_images, test_labels),) = arrays.values()
        held = min(held, len(labels) // 4)  # of a preview, fewer are read than are held out
        order = fair_order(labels, state.permutation(len(labels)))
        rows, test_rows = order[held:][: sampling.examples], order[:held]
    return Split(_flat(images[rows]), labels[rows], _flat(test_images[test_rows]),
                 test_labels[test_rows])  # fmt: skip


def forget() -> None:
    """Free the images that this process holds; files that have changed are then read anew."""
    _whole.cache_clear()


def _checked(read: Callable[[Path, Path], Part], files: Files, classes: int) -> Part:
    images, labels = read(files.images, files.labels)
    if len(images) != len(labels) or labels.max(initial=0) >= classes:
        raise DataFileError(f"{files.labels.name} holds labels that do not fit the images.")
    return images, labels


@functools.lru_cache(maxsize=4)
def _whole(images: Path, labels: Path) -> Part:
    return _read(images, labels, None)


def _first(images: Path, labels: Path) -> Part:
    return _read(images, labels, _PREVIEWED)


def _read(images: Path, labels: Path, first: int | None) -> Part:
    with images.open("rb") as pixels, labels.open("rb") as numbers:
        return (
            read_idx(pixels, _MOST_BYTES, first=first),
            read_idx(numbers, _MOST_BYTES, first=first).astype(np.int64),
        )


def _flat(images: Array) -> Array:
    """Return images (N, H, W) of 0 to 255 as (N, H W) of 0 to 1, in single precision."""
    pixels = images.reshape(len(images), -1).astype(np.float32)
    pixels /= 255  # in place: these may be large
    return pixels
