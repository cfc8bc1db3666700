"""Arrays in NPZ and IDX files: sizes are checked in the headers before anything is read."""

import io
import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from bn_core.datasets.idx import GZIP_MAGIC, DataFileError, opened, read_idx
from bn_core.datasets.own import (
    FEWEST_EXAMPLES,
    MOST_CLASSES,
    MOST_EXAMPLES,
    MOST_NUMBERS,
    OwnData,
    class_name,
)
from bn_core.datasets.source import Source
from bn_core.datasets.spec import Array

MOST_BYTES = MOST_EXAMPLES * MOST_NUMBERS * 4
"""Bytes of one array: the most numbers in single precision, half of them in double."""
_MOST_PARTS = 20
_LONGEST_HEADER = 10_000
_INPUT_NAMES = ("x_train", "x", "images", "inputs", "data", "features", "arr_0")
_LABEL_NAMES = ("y_train", "y", "labels", "targets", "target", "classes", "arr_1")
_DAMAGED = "This NPZ file is damaged: it cannot be unpacked."


def is_npz(body: bytes) -> bool:
    """Return whether a file is a ZIP archive, as NPZ files are."""
    return body[:2] == b"PK"


def is_idx(body: bytes) -> bool:
    """Return whether a file is an IDX file, plain or packed by gzip."""
    try:
        start = opened(io.BytesIO(body)).read(3)
    except (OSError, EOFError, zlib.error):
        return False
    return start[:2] == b"\0\0"


def is_gzip(body: bytes) -> bool:
    """Return whether gzip packed a file."""
    return body[:2] == GZIP_MAGIC


def own_data_of_npz(body: bytes, held_out: float) -> tuple[OwnData, tuple[str, ...]]:
    """Return the data of the arrays of examples and labels, and what was done, in sentences.

    Errors: ``DataFileError``.
    """
    shapes = _headers(body)
    inputs, labels = _pair(shapes)
    said = [f"Examples are “{inputs}”, labels are “{labels}”."]
    others = [name for name in shapes if name not in (inputs, labels)]
    if others:
        said.append(f"Not used: {', '.join(others)}.")
    source = Source("npz", inputs=inputs, labels=labels)
    data, more = _own_data(_array(body, inputs), _array(body, labels), held_out, source)
    return data, (*said, *more)


def own_data_of_idx(bodies: Sequence[bytes], held_out: float) -> tuple[OwnData, tuple[str, ...]]:
    """Return the data of two IDX files, one of examples and one of labels, in either order.

    Errors: ``DataFileError``.
    """
    if len(bodies) != 2:
        raise DataFileError(
            "An IDX file holds examples or labels. Choose both files at once: examples and labels."
        )
    arrays = sorted((read_idx(io.BytesIO(body), MOST_BYTES) for body in bodies),
                    key=lambda array: array.ndim)  # fmt: skip
    if arrays[0].ndim != 1 or arrays[1].ndim < 2:
        raise DataFileError("Of two IDX files one holds labels, and one holds examples.")
    return _own_data(arrays[1], arrays[0], held_out, Source("idx"))


def _own_data(
    inputs: Array, labels: Array, held_out: float, source: Source
) -> tuple[OwnData, tuple[str, ...]]:
    if len(labels) != len(inputs):
        raise DataFileError(f"There are {len(inputs):,} examples and {len(labels):,} labels.")
    if not 1 <= len(inputs) <= MOST_EXAMPLES or not inputs.size:
        raise DataFileError(
            f"There are {len(inputs):,} examples; {FEWEST_EXAMPLES} to {MOST_EXAMPLES:,} can be "
            "used."
        )
    shape, flat = _flat(inputs)
    classes, numbers = _classes(labels)
    said: tuple[str, ...] = ()
    if flat.dtype != np.uint8:
        with np.errstate(over="ignore", invalid="ignore"):
            flat = flat.astype(np.float32, copy=False)
        whole = np.isfinite(flat).all(axis=1)
        if not whole.all():
            said = (f"{int((~whole).sum()):,} examples with missing numbers are left out.",)
            flat, numbers = flat[whole], numbers[whole]
    return OwnData(flat, numbers, classes, shape, held_out, source), said


def _flat(inputs: Array) -> tuple[tuple[int, ...], Array]:
    """Return the shape of an example, (channels, height, width) of an image, and (N, D)."""
    if inputs.ndim == 4 and inputs.shape[-1] in (1, 3) and inputs.shape[1] not in (1, 3):
        inputs = np.moveaxis(inputs, -1, 1)
    shape = inputs.shape[1:]
    if inputs.ndim == 3:
        shape = (1, *shape)
    is_image = len(shape) == 3 and min(shape[1:]) > 1
    numbers = math.prod(inputs.shape[1:])
    if numbers > MOST_NUMBERS:
        raise DataFileError(
            f"An example has {numbers:,} numbers; {MOST_NUMBERS:,} are the most. Make images "
            "smaller, or gray."
        )
    flat = np.ascontiguousarray(inputs).reshape(len(inputs), -1)
    return (shape if is_image else (numbers,)), flat


def _classes(labels: Array) -> tuple[tuple[str, ...], Array]:
    if labels.dtype.kind == "f" and not (labels == np.round(labels)).all():  # NaN is not
        raise DataFileError(
            "The labels are numbers with fractions: to predict a number is regression, and the "
            "nets here learn classes."
        )
    found, numbers = np.unique(labels, return_inverse=True)
    if len(found) > MOST_CLASSES:
        raise DataFileError(
            f"There are {len(found):,} different labels; {MOST_CLASSES} classes are the most. To "
            "predict a number is regression, and the nets here learn classes."
        )
    if found.dtype.kind == "S":
        names = [one.decode("latin-1") for one in found.tolist()]
    elif found.dtype.kind == "f":
        names = [f"{one:g}" for one in found.tolist()]
    else:
        names = [str(one) for one in found.tolist()]
    return tuple(map(class_name, names)), numbers.reshape(-1).astype(np.int64)


Headers = Mapping[str, tuple[tuple[int, ...], np.dtype]]


def _headers(body: bytes) -> Headers:
    """Return shape and type of each array of an NPZ file, from their headers alone."""
    if body.count(b"PK\x01\x02") > _MOST_PARTS:
        raise DataFileError(f"This NPZ file has more than {_MOST_PARTS} parts.")
    found: dict[str, tuple[tuple[int, ...], np.dtype]] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for part in archive.infolist():
                if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise DataFileError("This NPZ file is packed in a way that numpy does not use.")
                if part.filename.endswith(".npy"):
                    with archive.open(part) as file:
                        shape, _, kind = _header(file)
                    found[part.filename[:-4][:40]] = (shape, kind)
    except DataFileError:
        raise
    except _ZIP_ERRORS as error:
        raise DataFileError(_DAMAGED) from error
    return found


_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError,
               RuntimeError, KeyError, OverflowError, UnicodeError,
    ValueError,
)  # fmt: skip


def _header(file: object) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read the header of an array. Errors: ``DataFileError`` for what is no array of numbers."""
    try:
        version = np.lib.format.read_magic(file)  # type: ignore[arg-type]
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, kind = read(file, max_header_size=_LONGEST_HEADER)  # type: ignore[arg-type]
    except (ValueError, KeyError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise DataFileError("A part of this NPZ file is no array of numpy's.") from error
    if kind.hasobject:
        raise DataFileError(
            "An array of this file holds Python objects, which could run code when they are read: "
            "they are not. Save arrays of numbers."
        )
    if kind.kind not in "biufUS" or kind.subdtype or not all(side >= 0 for side in shape):
        raise DataFileError("An array of this file holds neither numbers nor texts.")
    return shape, fortran, kind


def _pair(headers: Headers) -> tuple[str, str]:
    """Return the names of the arrays of examples and of labels."""
    labels = [n for n, (shape, _) in headers.items() if len(shape) == 1]
    inputs = [n for n, (shape, kind) in headers.items()
              if 2 <= len(shape) <= 4 and kind.kind in "biuf"]  # fmt: skip
    chosen = _by_name(inputs, _INPUT_NAMES)
    fitting = [n for n in labels if chosen and headers[n][0][0] == headers[chosen][0][0]]
    label = _by_name(fitting, _LABEL_NAMES)
    if not chosen or not label:
        raise DataFileError(
            "This NPZ file needs an array of examples, such as x of (examples, numbers) or "
            "(examples, height, width), and one of as many labels, such as y."
        )
    return chosen, label


def _by_name(found: Sequence[str], names: Sequence[str]) -> str:
    lower = {name.lower(): name for name in reversed(found)}
    return next((lower[name] for name in names if name in lower), found[0] if found else "")


def _array(body: bytes, name: str) -> Array:
    """Read one array; its size is checked before memory is taken."""
    try:
        with (
            zipfile.ZipFile(io.BytesIO(body)) as archive,
            archive.open(_part(archive, name)) as file,
        ):
            shape, fortran, kind = _header(file)
            size = math.prod(shape) * kind.itemsize
            if size > MOST_BYTES or shape[0] > MOST_EXAMPLES:
                raise DataFileError(
                    f"“{name}” has {' x '.join(map(str, shape))} numbers; {MOST_EXAMPLES:,} "
                    f"examples of {MOST_NUMBERS:,} numbers are the most."
                )
            values = file.read(size)
    except DataFileError:
        raise
    except _ZIP_ERRORS as error:
        raise DataFileError(_DAMAGED) from error
    if len(values) < size:
        raise DataFileError(_DAMAGED)
    order = "F" if fortran else "C"
    return np.frombuffer(values, kind).reshape(shape, order=order)


def _part(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    parts = (part for part in archive.infolist() if part.filename[:-4][:40] == name)
    part = next(parts, None)
    if part is None:
        raise DataFileError(_DAMAGED)
    return part
