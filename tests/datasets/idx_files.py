"""IDX files for tests: written here, small, and with images that tell their class."""

import gzip
import struct
from pathlib import Path

import numpy as np

TYPES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(values: np.ndarray) -> bytes:
    """Return an array as an IDX file."""
    kind = values.dtype.str[1:]
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, TYPES[kind], values.ndim, *values.shape)
    return header + values.astype(f">{kind}").tobytes()


def images_and_labels(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images (N, 28, 28) whose row of light says the class, and labels of ten classes."""
    draw = np.random.RandomState(seed)
    labels = draw.permutation(count) % 10
    images = draw.randint(0, 60, (count, 28, 28))
    images[np.arange(count), 2 + 2 * labels] = 255
    return images.astype(np.uint8), labels.astype(np.uint8)


def write_published(folder: Path, part: str, count: int, *, packed: bool = True) -> None:
    """Write images and labels of one part of a published set into its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = images_and_labels(count, seed=len(part))
    for name, values in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
        body = idx_bytes(values)
        path = folder / f"{part}-{name}{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(body) if packed else body)
