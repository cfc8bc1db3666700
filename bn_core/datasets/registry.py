"""Every data set by name; a new one is a function that splits it and one entry here."""

from collections.abc import Mapping

from bn_core.datasets.spec import DataSpec


def _points(name: str, title: str) -> DataSpec:
    splitter = f"bn_core.datasets.points:split_{name}"
    return DataSpec(name, title, (2,), ("A", "B"), splitter, standardize_features=True)


DATASETS: Mapping[str, DataSpec] = {
    spec.name: spec
    for spec in (
        DataSpec(
            "digits",
            "Handwritten digits",
            (1, 8, 8),
            tuple("0123456789"),
            "bn_core.datasets.digits:split_digits",
            fixed_size=1297,
        ),
        _points("moons", "Two moons"),
        _points("circles", "Two circles"),
        _points("spirals", "Two spirals"),
        _points("xor", "Four blobs (XOR)"),
    )
}
