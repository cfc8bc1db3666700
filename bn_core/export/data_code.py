"""The part of a script that makes its data: the split of the Lab, read from the same files."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.datasets import own, published
from bn_core.datasets.own import OwnData
from bn_core.datasets.source import Source
from bn_core.export.request import ExportError
from bn_core.export.source import needed_snippets
from bn_core.streams import seed_for

_MODULES = ("csv", "gzip", "hashlib", "io", "math", "struct", "sys")
_SCALING = {"standardize": "standardized", "unit": "from_0_to_1", "raw": "raw"}


@dataclass(frozen=True)
class DataCode:
    """What a script needs for its data.

    ``lines`` end with ``arrays``, the four arrays of the nets; where nets see differently scaled
    inputs it is a dictionary of them, by the name of the scaling.
    """

    lines: list[str]
    by_scaling: bool
    words: str
    """What the script has to be started with, in a paragraph of its docstring; or nothing."""

    @property
    def snippets(self) -> list[str]:
        """The functions that the lines call, and those that these call."""
        return needed_snippets("data", self._text)

    @property
    def modules(self) -> list[str]:
        """The modules of Python's library that are used."""
        text = "\n".join([*self.snippets, self._text])
        return [name for name in _MODULES if re.search(rf"\b{name}\.", text)]

    @property
    def needs_paths(self) -> bool:
        """Whether paths of files are made."""
        return "Path(" in "\n".join([*self.snippets, self._text])

    @property
    def _text(self) -> str:
        return "\n".join(self.lines)


def data_code(comparison: Comparison) -> DataCode:
    """Return what makes the data of a comparison. Errors: ``ExportError``."""
    base = comparison.base
    spec = base.data_spec
    state = f"np.random.RandomState({seed_for(base.seed, 'data') % 2**32})"
    lines = [f"state = {state}  # gives the split that the Lab has for seed {base.seed}"]
    lines += _split_lines(base)
    if spec.pooled:
        channels, height, width = spec.input_shape
        lines.append(f"parts = pooled(*parts, shape={(channels, 2 * height, 2 * width)})")
    scalings = list(dict.fromkeys(config.scaling for config in comparison.configs))
    calls = {scaling: _scaled(base, scaling) for scaling in scalings}
    if len(calls) == 1:
        lines.append(f"arrays = {calls[scalings[0]]}")
    else:
        inside = (f'    "{scaling}": {call},' for scaling, call in calls.items())
        lines += ["arrays = {", *inside, "}"]
    return DataCode(lines, len(calls) > 1, _words(base))


def _scaled(config: Config, scaling: str) -> str:
    spec = config.data_spec
    how = f"axis={0 if spec.standardize_features else None}"
    if scaling == "raw":
        how = f"largest={spec.pixel_max!r}"
    return f"{_SCALING[scaling]}(*parts, {how})"


def _split_lines(config: Config) -> Iterator[str]:
    spec = config.data_spec
    if own.is_name(config.data):
        yield from _own_lines(config, _held(config.data))
    elif spec.from_files:
        yield from _published_lines(config)
    elif spec.generated:
        yield f"parts = split({config.data}, {config.points}, {config.noise!r}, state)"
    else:
        yield "parts = digits(state)"


def _published_lines(config: Config) -> Iterator[str]:
    found = published.PUBLISHED[config.data]
    files = published.find_files(found, published.data_folder())
    sizes = f"{config.train_size}, {published.held_out_count(files)}, state"
    yield f'folder = Path(sys.argv[1] if len(sys.argv) > 1 else "data/{found.folders[0]}")'
    if len(files) == 2:
        yield 'train, test = published(folder, "train"), published(folder, "t10k")'
        yield f"parts = from_two_parts(train, test, {sizes})"
    else:
        yield f'images, labels = published(folder, "{next(iter(files))}")'
        yield f"parts = from_one_part(pixels(images), labels, {sizes})"


def _own_lines(config: Config, data: OwnData) -> Iterator[str]:
    source = data.source
    assert source is not None
    yield from _FILES[source.kind](source)
    yield "inputs, labels = the_same("
    yield "    inputs,"
    yield "    labels,"
    yield from (f'    "{part}"' for part in _digests(data))
    yield ")"
    sizes = f"{config.train_size}, {data.held_out_count}, state"
    yield f"parts = from_one_part(inputs, labels, {sizes})"
    if data.inputs.dtype != np.uint8 and np.isnan(data.inputs).any():
        yield "parts = filled(*parts)"


def _digests(data: OwnData) -> tuple[str, str]:
    """Return the SHA-256 of the examples and that of the labels."""
    inputs = np.ascontiguousarray(data.inputs)
    return sha256(inputs.data).hexdigest(), sha256(data.labels.astype("<u2").data).hexdigest()


def _of_table(source: Source) -> Iterator[str]:
    yield '(path,) = own_files(1, "the table")'
    yield "inputs, labels = table("
    yield "    path,"
    yield f"    separator={source.separator!r},"
    yield f"    names_first={source.has_header},"
    yield f"    label={source.label},  # columns are counted from 0"
    yield f"    columns={_columns(source.columns)},"
    yield f"    drop_missing={not source.fill},"
    yield ")"


def _columns(columns: tuple[int, ...]) -> str:
    """Return the columns as code, in short if they follow one another."""
    first, end = columns[0], columns[-1] + 1
    return f"range({first}, {end})" if columns == tuple(range(first, end)) else f"{columns}"


def _of_npz(source: Source) -> Iterator[str]:
    yield '(path,) = own_files(1, "the NPZ file")'
    yield "with np.load(path, allow_pickle=False) as held:"
    names = ascii(source.inputs), ascii(source.labels)
    yield f"    inputs, labels = examples_and_classes(held[{names[0]}], held[{names[1]}])"


def _of_idx(source: Source) -> Iterator[str]:
    yield f'paths = own_files({source.files}, "the files of examples and of labels")'
    yield "labels, inputs = sorted(map(read_idx, paths), key=np.ndim)"
    yield "inputs, labels = examples_and_classes(inputs, labels)"


_FILES: Mapping[str, Callable[[Source], Iterator[str]]] = {
    "table": _of_table,
    "npz": _of_npz,
    "idx": _of_idx,
}


def _held(name: str) -> OwnData:
    data = own.held(name)
    if data is None or data.source is None:
        raise ExportError(own.missing(name))
    return data


def _words(config: Config) -> str:
    """Return what the script has to be started with."""
    if own.is_name(config.data):
        source = _held(config.data).source
        files = "both files" if source is not None and source.files == 2 else "the file"
        return (
            f"Start it with {files} that the Lab was given, which it reads in the same way and\n"
            "checks by a hash: python PROGRAM FILE" + (" FILE" if files == "both files" else "")
        )
    if config.data_spec.from_files:
        return (
            f"Start it with the folder that holds the files of {config.data_spec.title}, such as\n"
            "t10k-images-idx3-ubyte.gz: python PROGRAM FOLDER"
        )
    return ""
