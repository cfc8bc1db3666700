"""Figures to JSON: numpy arrays become plotly's typed arrays, which are small and quick to read."""

import base64
from typing import Any

import numpy as np
import orjson

_SMALL_KINDS = {"f2": "f4", "f4": "f4", "f8": "f4", "i1": "i1", "i2": "i2", "i4": "i4"}
_KINDS = _SMALL_KINDS | {"u1": "u1", "b1": "u1", "u2": "u2", "u4": "u4"}


def to_bytes(obj: Any) -> bytes:
    """Return ``obj`` as JSON, arrays as {"dtype", "bdata", "shape"}; NaN in them stays NaN.

    Errors: ``TypeError`` for an object that is neither JSON nor numpy.
    """
    return orjson.dumps(obj, default=_from_numpy)


def typed_array(array: np.ndarray) -> dict[str, str]:
    """Return plotly's typed array of ``array``: floats as 32 bits, 64-bit integers as 32 bits."""
    kind = _KINDS.get(array.dtype.str[1:]) or _kind_of_long(array)
    # Byte order is plotly's: little endian.
    plain = np.ascontiguousarray(array, dtype=f"<{kind}")
    found = {"dtype": kind, "bdata": base64.b64encode(plain.data).decode("ascii")}
    if array.ndim > 1:
        found["shape"] = ", ".join(str(size) for size in array.shape)
    return found


def _kind_of_long(array: np.ndarray) -> str:
    """Return the kind that holds 64-bit integers; too large ones lose digits as floats."""
    if array.dtype.kind not in "iu":
        raise TypeError(f"An array of {array.dtype} cannot be drawn.")
    limits = np.iinfo(np.int32)
    fits = not array.size or (array.min() >= limits.min and array.max() <= limits.max)
    return "i4" if fits else "f8"


def _from_numpy(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist() if value.dtype.kind in "US" else typed_array(value)
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is neither JSON nor numpy.")
