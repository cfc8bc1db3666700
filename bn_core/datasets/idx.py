"""The IDX format of MNIST: a header with the type and the sizes, then the numbers; plain or gzip.

Source: http://yann.lecun.com/exdb/mnist, "The IDX file format".
"""

import gzip
import math
import struct
import zlib
from typing import BinaryIO

import numpy as np

from bn_core.datasets.spec import Array

GZIP_MAGIC = b"\x1f\x8b"
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_DIMENSIONS = 4


class DataFileError(ValueError):
    """A file that cannot be used as data; the message says why, in a sentence."""


def opened(file: BinaryIO) -> BinaryIO:
    """Return what reads the bytes of a file at its beginning, unpacked if gzip packed them."""
    packed = file.read(2) == GZIP_MAGIC
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[return-value]


def read_shape(file: BinaryIO) -> tuple[str, tuple[int, ...]]:
    """Return type and sizes from the header of an unpacked file. Errors: ``DataFileError``."""
    start = _exactly(file, 4)
    kind, dimensions = _TYPES.get(start[2]), start[3]
    if start[:2] != b"\x00\x00" or kind is None:
        raise DataFileError("This is no IDX file: it does not begin as one.")
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise DataFileError(f"An IDX file here has 1 to 4 dimensions; this one says {dimensions}.")
    return kind, struct.unpack(f">{dimensions}I", _exactly(file, 4 * dimensions))


def read_idx(
    file: BinaryIO, most_bytes: int, *, first: int | None = None, whole: bool = True
) -> Array:
    """Return the array of an IDX file, or its ``first`` items; nothing beyond is read.

    The header is checked against ``most_bytes`` before memory is taken. With ``whole`` a file that
    goes on behind its array is refused. Errors: ``DataFileError``.
    """
    try:
        source = opened(file)
        kind, shape = read_shape(source)
        if first is not None:
            shape = (min(first, shape[0]), *shape[1:])
        size = np.dtype(kind).itemsize * math.prod(shape)
        if size > most_bytes:
            raise DataFileError(
                f"The header of this file speaks of {size:,} bytes; {most_bytes:,} are the most."
            )
        values = _exactly(source, size)
        if whole and first is None and source.read(1):
            raise DataFileError("This IDX file is longer than its header says.")
    except (OSError, EOFError, zlib.error) as error:
        raise DataFileError("This file is damaged: it cannot be unpacked to its end.") from error
    return np.frombuffer(values, kind).reshape(shape)


def _exactly(file: BinaryIO, count: int) -> bytes:
    found = file.read(count)
    if len(found) < count:
        raise DataFileError("This IDX file is shorter than its header says.")
    return found
