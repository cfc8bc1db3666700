"""Data sets that are published as IDX files: which there are, and whether their files are here.

``BN_LAB_DATA`` names the folder that holds a folder for each. Nothing but headers is read here.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bn_core.datasets.idx import DataFileError, opened, read_shape
from bn_core.datasets.spec import DataSpec

VARIABLE = "BN_LAB_DATA"
SIDE = 28
HELD_OUT = 1000
"""Examples held out at most: validating on more would take longer than training."""

_TEN = tuple("0123456789")
_CLOTHES = (
    "T-shirt", "trousers", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "boot",
)  # fmt: skip
_HIRAGANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


@dataclass(frozen=True)
class PublishedSet:
    """A published set: its name in links, its title and classes, and its folder's usual names."""

    name: str
    title: str
    classes: tuple[str, ...]
    folders: tuple[str, ...]


PUBLISHED: Mapping[str, PublishedSet] = {
    one.name: one
    for one in (
        PublishedSet("mnist", "MNIST", _TEN, ("mnist", "MNIST/raw")),
        PublishedSet("fashion", "Fashion-MNIST", _CLOTHES, ("fashion", "FashionMNIST/raw")),
        PublishedSet("kmnist", "Kuzushiji-MNIST", _HIRAGANA, ("kmnist", "KMNIST/raw")),
    )
}


@dataclass(frozen=True)
class Files:
    """Where images and labels of one part of a published set lie, and how many there are."""

    images: Path
    labels: Path
    count: int


def data_folder() -> Path | None:
    """Return the folder that ``BN_LAB_DATA`` names, if it names one."""
    named = os.environ.get(VARIABLE, "").strip()
    return Path(named) if named else None


def specs(folder: Path | None) -> Iterator[DataSpec]:
    """Yield what each published set is; one whose files cannot be used says so in ``missing``."""
    for published in PUBLISHED.values():
        spec = DataSpec(
            published.name,
            published.title,
            (1, SIDE, SIDE),
            published.classes,
            f"bn_core.datasets.published_images:split:{published.name}",
            fixed_size=1,
            from_files=True,
            pixel_max=255.0,
        )
        try:
            parts = find_files(published, folder)
        except DataFileError as error:
            yield replace(spec, missing=f"{published.title} cannot be used: {error}")
            continue
        if parts:
            yield replace(spec, fixed_size=train_count(parts))
        else:
            yield replace(spec, missing=how_to_get(published))


def how_to_get(published: PublishedSet) -> str:
    """Return what makes a published set that is not here appear."""
    return (
        f"{published.title} is not on this server. Whoever runs it can fetch it with “python -m "
        f"bn_core fetch {published.name}”, or put the published files "
        f"(t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz and, for the whole set, the two "
        f"that begin with train) into a folder “{published.folders[0]}” inside the one that "
        f"{VARIABLE} names, and start the server again. Until then choose another data set; this "
        "link stays as it is."
    )


def find_files(published: PublishedSet, folder: Path | None) -> dict[str, Files]:
    """Return the files of the parts "train" and "t10k" that are in a folder; empty if none is.

    Errors: ``DataFileError`` if a header is not that of such images, or labels are missing.
    """
    if folder is None:
        return {}
    found: dict[str, Files] = {}
    for name in published.folders:
        for part in ("train", "t10k"):
            images = _path(folder / name, f"{part}-images", "idx3-ubyte")
            labels = _path(folder / name, f"{part}-labels", "idx1-ubyte")
            if images is not None and labels is not None and part not in found:
                found[part] = Files(images, labels, _count(images, labels))
    return found


def held_out_count(parts: Mapping[str, Files]) -> int:
    """Return how many examples are held out: of the part "t10k", or of the only part there is."""
    if len(parts) == 2:
        return min(HELD_OUT, parts["t10k"].count)
    (only,) = parts.values()
    return min(HELD_OUT, only.count // 4)


def train_count(parts: Mapping[str, Files]) -> int:
    """Return how many examples there are to train on."""
    if len(parts) == 2:
        return parts["train"].count
    (only,) = parts.values()
    return only.count - held_out_count(parts)


def _path(folder: Path, first: str, last: str) -> Path | None:
    names = (f"{first}-{last}", f"{first}.{last}")
    paths = (folder / f"{name}{ending}" for name in names for ending in ("", ".gz"))
    return next((path for path in paths if path.is_file()), None)


def _count(images: Path, labels: Path) -> int:
    """Return how many examples two files hold, from their headers."""
    shape, label_shape = _header(images), _header(labels)
    if len(shape) != 3 or shape[1:] != (SIDE, SIDE):
        raise DataFileError(f"{images.name} does not hold images of {SIDE} x {SIDE} pixels.")
    if label_shape != shape[:1]:
        raise DataFileError(f"{labels.name} has not one label for each of {shape[0]:,} images.")
    if not 40 <= shape[0] <= 1_000_000:
        raise DataFileError(f"{images.name} holds {shape[0]:,} images; 40 to a million are read.")
    return shape[0]


def _header(path: Path) -> tuple[int, ...]:
    try:
        with path.open("rb") as file:
            kind, shape = read_shape(opened(file))
    except (OSError, EOFError) as error:
        raise DataFileError(f"{path.name} cannot be read.") from error
    except DataFileError as error:
        raise DataFileError(f"{path.name}: {error}") from error
    if kind != ">u1":
        raise DataFileError(f"{path.name} does not hold whole numbers from 0 to 255.")
    return shape
