"""Fetching published sets: from an invented server, as this must not need a network."""

import gzip
import hashlib
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import sklearn.datasets

from bn_core.cli import main
from bn_core.datasets import fetching
from bn_core.datasets.fetching import REMOTE, RemoteSet, fetch, fetched_bytes
from bn_core.datasets.idx import DataFileError
from bn_core.datasets.published import PUBLISHED, VARIABLE, find_files, specs
from tests.datasets.idx_files import idx_bytes, images_and_labels

SMALL = RemoteSet("mnist", 554, train=60, test=40)
IMAGES, LABELS = images_and_labels(100)


class Server:
    """Answers in the place of scikit-learn's ``fetch_openml``."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = {"data": IMAGES.reshape(100, -1).astype(np.int64), "target": LABELS}
        self.answer = answer or {**self.answer, "target": LABELS.astype(str).astype(object)}
        self.asked: list[dict[str, Any]] = []

    def __call__(self, **asked: Any) -> Any:
        self.asked.append(asked)
        cache = Path(asked["data_home"])
        (cache / "openml").mkdir()
        (cache / "openml" / "part").write_bytes(bytes(1000))
        self.bytes_seen = fetched_bytes(cache.parents[1])
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", made)
    monkeypatch.setattr(fetching, "REMOTE", REMOTE)
    monkeypatch.setitem(REMOTE, "mnist", SMALL)  # type: ignore[arg-type]
    return made


def test_the_command_writes_the_files_that_the_app_reads(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "sets"))
    assert main(["fetch", "mnist"]) == 0
    printed = capsys.readouterr()
    folder = tmp_path / "sets" / "mnist"
    assert printed.out.split() == [str(path) for path in find_paths(folder)]
    assert f"{VARIABLE}={tmp_path / 'sets'}" in printed.err
    assert server.asked[0]["data_id"] == 554 and server.bytes_seen == 1000
    (spec,) = (one for one in specs(tmp_path / "sets") if one.name == "mnist")
    assert not spec.missing and spec.fixed_size == 60
    packed = folder / "t10k-images-idx3-ubyte.gz"
    assert gzip.decompress(packed.read_bytes()) == idx_bytes(IMAGES[60:])
    assert sorted(folder.iterdir()) == sorted(find_paths(folder))  # nothing else is left there
    assert main(["fetch", "mnist"]) == 0 and len(server.asked) == 1
    assert "already" in capsys.readouterr().err


def find_paths(folder: Path) -> list[Path]:
    kinds = ("images-idx3-ubyte.gz", "labels-idx1-ubyte.gz")
    return [folder / f"{part}-{kind}" for part in ("train", "t10k") for kind in kinds]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (URLError("Name or service not known"), "could not be fetched from openml.org"),
        (ValueError("md5 checksum of local file does not match"), "md5 checksum"),
        (TimeoutError("timed out"), "The app does not need it"),
        ({"data": np.zeros((5, 784)), "target": np.zeros(5)}, "is not MNIST"),
        ({"data": np.full((100, 784), 0.5), "target": np.zeros(100)}, "is not MNIST"),
        ({"data": np.zeros((100, 784)), "target": np.full(100, 10)}, "is not MNIST"),
        ({"data": np.zeros((100, 784))}, "could not be fetched"),
    ],
)
def test_what_cannot_be_fetched_is_said_in_a_sentence_and_nothing_is_left(
    server, answer, words, tmp_path, capsys
):
    server.answer = answer
    assert main(["fetch", "mnist", "--to", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said
    assert not find_files(PUBLISHED["mnist"], tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_another_test_part_than_the_published_one_is_refused(server, tmp_path):
    parts = (idx_bytes(IMAGES[60:]), idx_bytes(LABELS[60:]))
    right = "".join(hashlib.sha256(part).hexdigest() for part in parts)
    known = RemoteSet("mnist", 554, 60, 40, right)
    assert len(fetch(known, tmp_path / "a", print)) == 4
    server.answer["data"][70, 3] ^= 1
    with pytest.raises(DataFileError, match="SHA-256"):
        fetch(known, tmp_path / "b", print)


def test_a_folder_that_cannot_be_written_is_said(server, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["fetch", "mnist", "--to", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_only_known_sets_are_fetched(server, capsys):
    assert main(["fetch", "../../etc"]) == 2 and not server.asked
    assert set(REMOTE) == set(PUBLISHED)
