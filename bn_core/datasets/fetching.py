"""Published sets fetched from openml.org and written as the IDX files that the app reads.

Only the command line does this: nothing that a visitor of the app sends can have it done.
"""

import gzip
import hashlib
import os
import struct
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bn_core.datasets.idx import DataFileError
from bn_core.datasets.published import PUBLISHED, SIDE
from bn_core.datasets.spec import Array

Say = Callable[[str], None]


@dataclass(frozen=True)
class RemoteSet:
    """A published set as openml.org has it: the images of its training part come first."""

    name: str
    data_id: int
    train: int = 60_000
    test: int = 10_000
    test_digest: str = ""
    """SHA-256 of the test part's unpacked IDX files, images then labels; empty if not known."""

    @property
    def title(self) -> str:
        """What the set is called."""
        return PUBLISHED[self.name].title


REMOTE: Mapping[str, RemoteSet] = {
    one.name: one
    for one in (
        RemoteSet(
            "mnist",
            554,
            test_digest="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        RemoteSet("fashion", 40996),
        RemoteSet("kmnist", 41982),
    )
}
"""The sets that can be fetched, by the name that links have."""

Download = Callable[[RemoteSet, Path], tuple[Array, Array]]
"""Returns images (N, 784) and labels (N,); what it writes meanwhile goes into the folder."""


def from_openml(remote: RemoteSet, cache: Path) -> tuple[Array, Array]:
    """Return images and labels from openml.org; scikit-learn checks the file's MD5.

    Errors: ``DataFileError`` if the machine is offline, or the server does not give the data.
    """
    from sklearn.datasets import fetch_openml  # takes a second to import, and few need it

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is tried again
            found: Any = fetch_openml(
                data_id=remote.data_id,
                data_home=cache,
                as_frame=False,
                parser="auto",
                n_retries=1,
            )
        return np.asarray(found["data"]), np.asarray(found["target"]).astype(np.int64)
    except (OSError, ValueError, KeyError) as error:  # URLError and HTTPError are OSErrors
        raise DataFileError(
            f"{remote.title} could not be fetched from openml.org: {str(error).rstrip('.')[:200]}. "
            "The app does not need it. On a machine without a connection, copy the published "
            "files, as the README says under Data."
        ) from error


def fetch(
    remote: RemoteSet, folder: Path, say: Say, download: Download = from_openml
) -> tuple[Path, ...]:
    """Fetch a set into a folder of its own and return the files, each whole or not there at all.

    Errors: ``DataFileError`` if it cannot be fetched, or is not what was published.
    """
    target = folder / PUBLISHED[remote.name].folders[0]
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=".fetching-") as cache:
            images, labels = _checked(remote, *download(remote, Path(cache)))
            bodies = _bodies(remote, images, labels)
            say("checked; packing the files")
            return tuple(_write(target / name, body) for name, body in bodies.items())
    except OSError as error:
        raise DataFileError(f"{target} cannot be written: {error.strerror}.") from error


def fetched_bytes(folder: Path) -> int:
    """Return how many bytes the download that goes on in a folder has brought."""
    found = 0
    for path in folder.glob("*/.fetching-*/**/*"):
        try:
            found += path.stat().st_size if path.is_file() else 0
        except OSError:  # it has just been moved
            continue
    return found


def _checked(remote: RemoteSet, images: Array, labels: Array) -> tuple[Array, Array]:
    """Return images (N, H, W) and labels of a byte each. Errors: ``DataFileError``."""
    count, classes = remote.train + remote.test, len(PUBLISHED[remote.name].classes)
    fits = images.shape == (count, SIDE * SIDE) and labels.shape == (count,)
    if fits:
        pixels = images.astype(np.uint8)
        fits = bool((pixels == images).all()) and 0 <= labels.min() <= labels.max() < classes
    if not fits:
        raise DataFileError(
            f"What openml.org sent is not {remote.title}: {count:,} images of {SIDE} x {SIDE} "
            f"pixels and their {classes} classes were expected. Nothing was written."
        )
    return pixels.reshape(-1, SIDE, SIDE), labels.astype(np.uint8)


def _bodies(remote: RemoteSet, images: Array, labels: Array) -> dict[str, bytes]:
    """Return the IDX files by name. Errors: ``DataFileError`` if the test part is another."""
    found = {}
    for part, rows in (("train", slice(0, remote.train)), ("t10k", slice(remote.train, None))):
        found[f"{part}-images-idx3-ubyte.gz"] = _idx(images[rows])
        found[f"{part}-labels-idx1-ubyte.gz"] = _idx(labels[rows])
    test = [body for name, body in found.items() if name.startswith("t10k")]
    digest = "".join(hashlib.sha256(body).hexdigest() for body in test)
    if remote.test_digest not in ("", digest):
        raise DataFileError(
            f"The test part of what openml.org sent is not that of {remote.title}: its SHA-256 "
            "differs. Nothing was written."
        )
    return found


def _idx(values: Array) -> bytes:
    return (
        struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.tobytes()
    )


def _write(path: Path, body: bytes) -> Path:
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(gzip.compress(body, 6, mtime=0))
        os.chmod(unfinished, 0o644)
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise
    return path
