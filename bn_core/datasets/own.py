"""A reader's own data: what a process holds of them, named by the hash of their content.

The page's process and the workers hold the same bytes, in a form of our own that is checked when
it is read: nothing in it is ever executed.
"""

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from bn_core.datasets.idx import DataFileError
from bn_core.datasets.sampling import fair_order
from bn_core.datasets.source import Source
from bn_core.datasets.spec import Array, DataSpec, Sampling, Split, kind_of
from bn_core.streams import random_state

NAME = r"own-[0-9a-f]{32}"
"""What names of a reader's own data look like in links."""
MOST_EXAMPLES, MOST_NUMBERS, MOST_CLASSES = 20_000, 1_024, 100
FEWEST_EXAMPLES = 20
LEAST_HELD_OUT, MOST_HELD_OUT = 0.1, 0.5
LONGEST_CLASS = 30
"""Characters of a class's name."""

_MAGIC = b"BNLABOWN1\n"
_KINDS = {"uint8": np.dtype("u1"), "float32": np.dtype("<f4")}
_LONGEST_HEADER = 40_000
_LARGEST = 1e30


@dataclass(frozen=True)
class OwnData:
    """Examples and their classes, checked when they are made.

    Missing numbers are NaN; a split fills them with the mean of its training part.
    Errors: ``DataFileError`` if these are no data to learn classes from, or beyond the limits.
    """

    inputs: Array  # (N, D) float32, or uint8 for pixels of 0 to 255
    labels: Array  # (N,) from 0
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    held_out: float = 0.25
    source: Source | None = field(default=None, compare=False)
    """How the file was read, which is no part of the data; None where nobody needs to know."""

    def __post_init__(self) -> None:
        _check_sizes(self)
        if self.inputs.dtype not in _KINDS.values():
            raise DataFileError("Examples are whole numbers of a byte, or single precision.")
        if self._largest() > _LARGEST:
            raise DataFileError(f"There are numbers beyond {_LARGEST:g}, too large to learn from.")
        counts = np.bincount(self.labels, minlength=len(self.classes))
        rare = int(counts.argmin())
        if counts[rare] < 2:
            raise DataFileError(
                f"The class “{self.classes[rare]}” has {counts[rare]} examples. Each class needs "
                "two or more: one to train on and one held out."
            )

    def _largest(self) -> float:
        """Return the largest magnitude of a number that is not missing."""
        high, low = (float(f.reduce(self.inputs, axis=None)) for f in (np.fmax, np.fmin))
        return max(high, -low)

    @cached_property
    def body(self) -> bytes:
        """The bytes that stand for these data: they go to the workers, and are hashed."""
        header = {
            "inputs": self.inputs.dtype.name,
            "examples": len(self.inputs),
            "shape": self.shape,
            "classes": self.classes,
            "held_out": self.held_out,
        }
        text = json.dumps(header, ensure_ascii=True).encode()
        kind = _KINDS[self.inputs.dtype.name]
        inputs = np.ascontiguousarray(self.inputs, kind)
        labels = self.labels.astype("<u2")
        start = _MAGIC + len(text).to_bytes(4, "big") + text
        return b"".join((start, inputs.data, labels.data))

    @cached_property
    def name(self) -> str:
        """The name in links: equal for equal data and choices."""
        return "own-" + hashlib.sha256(self.body).hexdigest()[:32]

    @property
    def held_out_count(self) -> int:
        """How many examples are held out."""
        return max(1, round(len(self.inputs) * self.held_out))

    @cached_property
    def spec(self) -> DataSpec:
        """What the data are."""
        pixels = self.inputs.dtype == np.uint8
        return DataSpec(
            self.name,
            "Your own data",
            self.shape,
            self.classes,
            f"bn_core.datasets.own:split:{self.name}",
            standardize_features=kind_of(self.shape) != "image",
            fixed_size=len(self.inputs) - self.held_out_count,
            from_files=True,
            pixel_max=255.0 if pixels else 1.0,
        )

    def split(self, sampling: Sampling) -> Split:
        """Return some examples to train on, and those held out, with fair shares of the classes."""
        state = random_state(sampling.seed, "data")
        order = fair_order(self.labels, state.permutation(len(self.labels)))
        held, train = np.split(order, [self.held_out_count])
        train = train[: sampling.examples]
        inputs, validation = self._numbers(train), self._numbers(held)
        if np.isnan(inputs).any() or np.isnan(validation).any():
            means = _means(inputs)
            inputs, validation = _filled(inputs, means), _filled(validation, means)
        return Split(inputs, self.labels[train], validation, self.labels[held])

    def _numbers(self, rows: Array) -> Array:
        chosen = self.inputs[rows].astype(np.float32)
        return chosen / np.float32(255) if self.inputs.dtype == np.uint8 else chosen


def from_body(body: bytes, source: Source | None = None) -> OwnData:
    """Return the data that ``OwnData.body`` stands for. Errors: ``DataFileError``."""
    start = len(_MAGIC)
    length = int.from_bytes(body[start : start + 4], "big")
    if body[:start] != _MAGIC or length > _LONGEST_HEADER:
        raise DataFileError("These bytes are no data of the Lab.")
    try:
        header = json.loads(body[start + 4 : start + 4 + length])
        kind, count = _KINDS[header["inputs"]], header["examples"]
        shape, classes = tuple(header["shape"]), tuple(header["classes"])
        numbers = count * int(np.prod(shape))
        at = start + 4 + length
        inputs = np.frombuffer(body, kind, numbers, at).reshape(count, -1)
        labels = np.frombuffer(body, "<u2", count, at + numbers * kind.itemsize)
        held_out = float(header["held_out"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataFileError("These bytes are no data of the Lab.") from error
    data = OwnData(inputs, labels.astype(np.int64), classes, shape, held_out, source)
    if data.body != body:
        raise DataFileError("These bytes are no data of the Lab.")
    vars(data)["body"] = body  # in which the arrays lie
    return data


def class_name(text: str) -> str:
    """Return a class's name as charts may show it: without what could become markup, and short."""
    kept = re.sub(r"[^\w .,+()/%°-]", "·", text.strip())[:LONGEST_CLASS]
    return re.sub("(?i)www(?=[.])", "www·", kept) or "·"


def _check_sizes(data: OwnData) -> None:
    count, numbers = data.inputs.shape
    if not FEWEST_EXAMPLES <= count <= MOST_EXAMPLES:
        raise DataFileError(
            f"There are {count:,} examples with a class; {FEWEST_EXAMPLES} to {MOST_EXAMPLES:,} "
            "can be used."
        )
    if not 1 <= numbers <= MOST_NUMBERS or numbers != np.prod(data.shape):
        raise DataFileError(
            f"An example has {numbers:,} numbers; 1 to {MOST_NUMBERS:,} can be used."
        )
    if not 2 <= len(data.classes) <= MOST_CLASSES:
        raise DataFileError(
            f"There are {len(data.classes):,} classes; 2 to {MOST_CLASSES} can be told apart here."
        )
    fits = data.labels.shape == (count,) and 0 <= data.labels.min() <= data.labels.max()
    if not fits or data.labels.max() >= len(data.classes):
        raise DataFileError("There is not one class for each example.")
    if not LEAST_HELD_OUT <= data.held_out <= MOST_HELD_OUT:
        raise DataFileError("From a tenth to a half of the examples are held out.")


def _means(inputs: Array) -> Array:
    """Return the mean of each column's numbers; 0 for a column without any."""
    known = ~np.isnan(inputs)
    sums = np.where(known, inputs, 0).sum(axis=0, dtype=np.float64)
    return (sums / np.maximum(known.sum(axis=0), 1)).astype(np.float32)


def _filled(inputs: Array, means: Array) -> Array:
    return np.where(np.isnan(inputs), means, inputs)


_lock = threading.Lock()
_held: dict[str, OwnData] = {}


def hold(data: OwnData) -> None:
    """Have this process know data by their name."""
    with _lock:
        _held[data.name] = data


def let_go(name: str) -> None:
    """Have this process forget data."""
    with _lock:
        _held.pop(name, None)


def held(name: str) -> OwnData | None:
    """Return the data of a name, if this process knows them."""
    return _held.get(name)


def is_name(name: str) -> bool:
    """Return whether a name is one of a reader's own data."""
    return re.fullmatch(NAME, name) is not None


def words_of(name: str, title: str = "") -> str:
    """Return what own data are called: the title that their visitor gave them, and the hash."""
    return f"{class_name(title) if title else 'Your own data'} ({name[:12]}…)"


def spec_of(name: str) -> DataSpec:
    """Return what own data are; with a sentence in ``missing`` where they are not here."""
    data = held(name)
    if data is not None:
        return data.spec
    return DataSpec(
        name,
        "Your own data",
        (1, 28, 28),  # nobody knows; images fit every kind of net
        ("A", "B"),
        "",
        fixed_size=MOST_EXAMPLES,
        from_files=True,
        missing=missing(name),
    )


def missing(name: str) -> str:
    """Return what to do where own data are not here."""
    return (
        f"This needs the data {name[:12]}…, a file that was opened in another browser or that the "
        "server has forgotten, as it does half an hour after the last use. Open the same file "
        "again with the same choices (Data, Open a file of your own) and come back, or choose "
        "another data set; this link stays as it is."
    )


def split(name: str, sampling: Sampling) -> Split:
    """Return a split of own data. Errors: ``ValueError`` if this process does not hold them."""
    data = held(name)
    if data is None:
        raise DataFileError(missing(name))
    return data.split(sampling)
