"""Every data set by name; a new one is a function that splits it and one entry here."""

import re
from collections.abc import Mapping

from bn_core.datasets import own, published
from bn_core.datasets.spec import DataSpec


def _points(name: str, title: str) -> DataSpec:
    splitter = f"bn_core.datasets.points:split_{name}"
    return DataSpec(name, title, (2,), ("A", "B"), splitter, standardize_features=True)


_BUILT_IN = (
    DataSpec(
        "digits",
        "Handwritten digits",
        (1, 8, 8),
        tuple("0123456789"),
        "bn_core.datasets.digits:split_digits",
        fixed_size=1297,
        pixel_max=16.0,
    ),
    _points("moons", "Two moons"),
    _points("circles", "Two circles"),
    _points("spirals", "Two spirals"),
    _points("xor", "Four blobs (XOR)"),
)
_PUBLISHED = tuple(published.specs(published.data_folder()))

DATASETS: Mapping[str, DataSpec] = {
    spec.name: spec for spec in (*_BUILT_IN, *_PUBLISHED) if not spec.missing
}
"""The sets whose examples are here; published ones are looked for once, when a process starts."""

MISSING: Mapping[str, DataSpec] = {spec.name: spec for spec in _PUBLISHED if spec.missing}
"""The sets that links may name and whose files are not here; ``missing`` says what to do."""


LINK_NAMES = "|".join([own.NAME, *map(re.escape, MISSING)])
"""A regular expression of the names that links may have beside those of ``DATASETS``."""


def spec_of(name: str) -> DataSpec:
    """Return what the data set of a name is, whether it is here or not."""
    return DATASETS.get(name) or MISSING.get(name) or own.spec_of(name)
