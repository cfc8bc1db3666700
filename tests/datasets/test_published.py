"""Published image sets: found where BN_LAB_DATA says, split fairly, and missed with a sentence."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bn_core.comparison import Comparison, comparison_from_query, comparison_to_query
from bn_core.config import Config
from bn_core.datasets import published, published_images
from bn_core.datasets.dataset import scaled
from bn_core.datasets.published import PUBLISHED, specs
from bn_core.datasets.spec import DataSpec, Sampling
from bn_core.settings import SettingError
from bn_core.training import Setup
from tests.datasets.idx_files import images_and_labels, write_published


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that ``BN_LAB_DATA`` names in this process."""
    monkeypatch.setenv(published.VARIABLE, str(tmp_path))
    return tmp_path


def found(folder: Path | None) -> dict[str, DataSpec]:
    return {spec.name: spec for spec in specs(folder) if not spec.missing}


@pytest.mark.parametrize("name", ["mnist", "MNIST/raw"])
def test_files_are_found_in_folders_of_the_set_s_name_and_in_torchvision_s(folder: Path, name: str):
    write_published(folder / name, "train", 300)
    write_published(folder / name, "t10k", 60, packed=False)
    spec = found(folder)["mnist"]
    assert (spec.input_shape, spec.fixed_size) == ((1, 28, 28), 300)
    split = spec.split(Sampling(3, examples=100))
    assert split.train_inputs.shape == (100, 784) and split.validation_inputs.shape == (60, 784)
    assert split.train_inputs.dtype == np.float32
    images, labels = images_and_labels(300, seed=len("train"))
    rows = {tuple(row): label for row, label in zip(images.reshape(300, -1), labels, strict=True)}
    pixels = np.rint(split.train_inputs * 255).astype(np.uint8)
    assert [rows[tuple(row)] for row in pixels] == split.train_labels.tolist()


def test_one_part_alone_is_split_fairly_and_nothing_held_out_is_trained_on(folder: Path):
    write_published(folder / "fashion", "t10k", 400)
    spec = found(folder)["fashion"]
    assert spec.fixed_size == 300
    split, again = spec.split(Sampling(5)), spec.split(Sampling(5))
    assert np.array_equal(split.train_inputs, again.train_inputs)
    assert not np.array_equal(split.train_inputs, spec.split(Sampling(6)).train_inputs)
    assert np.bincount(split.validation_labels).tolist() == [10] * 10
    assert np.bincount(split.train_labels[:100]).tolist() == [10] * 10
    both = np.concatenate([split.train_inputs, split.validation_inputs])
    assert len(np.unique(both, axis=0)) == 400


def test_pooling_takes_the_mean_of_two_by_two_pixels(folder: Path):
    write_published(folder / "mnist", "t10k", 80)
    spec = found(folder)["mnist"]
    whole, small = spec.split(Sampling(1)), spec.with_pooling().split(Sampling(1))
    blocks = whole.train_inputs.reshape(-1, 14, 2, 14, 2).transpose(0, 1, 3, 2, 4)
    expected = blocks.reshape(-1, 196, 4).mean(axis=2)
    np.testing.assert_allclose(small.train_inputs, expected, rtol=1e-6)
    assert spec.with_pooling().input_shape == (1, 14, 14)


def test_files_are_read_once_and_a_thumbnail_reads_a_few_of_them(folder: Path):
    write_published(folder / "mnist", "t10k", 2000)
    spec = found(folder)["mnist"]
    preview = spec.split(Sampling(0, examples=200, preview=True))
    assert len(preview.train_inputs) == 200
    spec.split(Sampling(1))
    for path in (folder / "mnist").iterdir():
        path.write_bytes(path.read_bytes()[:100])  # whoever read again would be refused
    assert len(spec.split(Sampling(2)).train_inputs) == 1500


def test_standardized_images_have_one_mean_and_deviation_in_single_precision(folder: Path):
    write_published(folder / "mnist", "t10k", 400)
    data = scaled(found(folder)["mnist"], found(folder)["mnist"].split(Sampling(0)))
    assert abs(float(data.train_inputs.mean())) < 1e-5
    assert float(data.train_inputs.std(correction=0)) == pytest.approx(1, rel=1e-5)


def damaged(name: str, body: bytes):
    return lambda folder: (folder / "mnist" / name).write_bytes(body)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damaged("t10k-labels-idx1-ubyte.gz", b"nonsense"), "no IDX file"),
        (damaged("t10k-images-idx3-ubyte.gz", b""), "shorter"),
        (damaged("t10k-images-idx3-ubyte.gz", gzip.compress(b"\0\0\x08\x01\0\0\0\5")), "28 x 28"),
        (damaged("t10k-labels-idx1-ubyte.gz", gzip.compress(b"\0\0\x08\x01\0\0\0\5")), "one label"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(folder: Path, damage, words: str):
    write_published(folder / "mnist", "t10k", 80)
    damage(folder)
    (spec,) = [one for one in specs(folder) if one.name == "mnist"]
    assert words in spec.missing and "t10k" in spec.missing


def test_labels_beyond_the_classes_are_refused_when_they_are_read(folder: Path):
    write_published(folder / "mnist", "t10k", 80)
    spec = found(folder)["mnist"]
    header = b"\0\0\x08\x01\0\0\0\x50"
    damaged("t10k-labels-idx1-ubyte.gz", gzip.compress(header + b"\x0b" * 80))(folder)
    published_images.forget()
    with pytest.raises(ValueError, match="labels that do not fit"):
        spec.split(Sampling(0))


# These processes have no folder: nothing sets BN_LAB_DATA before bn_core is imported.
ABSENT = [name for name in PUBLISHED if Config(data=name).data_spec.missing]
without_files = pytest.mark.skipif(not ABSENT, reason="BN_LAB_DATA has every published set")


@without_files
def test_a_link_to_a_set_that_is_not_here_is_kept_whole_and_says_what_to_do():
    query = {"data": ABSENT[0], "pool": "on", "n": "1000", "depth": "3", "arms": "none-layer"}
    comparison, complaints = comparison_from_query(query)
    assert complaints == [] and comparison_to_query(comparison) == query
    assert comparison.base.data_spec.input_shape == (1, 14, 14)
    words = comparison.problem()
    assert PUBLISHED[ABSENT[0]].title in words and "BN_LAB_DATA" in words
    with pytest.raises(ValueError, match="BN_LAB_DATA"):
        Setup.of(comparison)


def test_a_link_to_another_reader_s_data_is_kept_whole_whatever_nets_it_asks_for():
    for more in ({"arch": "conv"}, {"arch": "residual", "depth": "3"}, {"batch": "512"}):
        query = {"data": "own-" + "0" * 32, "pool": "on", **more}
        comparison, complaints = comparison_from_query(query)
        assert complaints == [] and query.items() <= comparison_to_query(comparison).items()
        assert "Open the same file again" in comparison.problem()


def test_names_that_nobody_publishes_are_no_data_sets():
    with pytest.raises(SettingError):
        Config(data="mnist2")
    comparison, complaints = comparison_from_query({"data": "../mnist", "depth": "3"})
    assert comparison == Comparison(Config(depth=3)) and len(complaints) == 1


SCRIPT = """
import json
from bn_core.comparison import comparison_from_query
from bn_core.config import SETTINGS
from bn_core.datasets.thumbnails import thumbnails
from bn_core.training import prepare_process, run
prepare_process()
query = {"data": "mnist", "pool": "on", "n": "150", "depth": "1", "width": "16", "steps": "60",
         "batch": "32", "seeds": "2", "arms": "before~before;inputs:none~none;inputs:none"}
comparison, complaints = comparison_from_query(query)
first, again = run(comparison), run(comparison)
print(json.dumps({
    "offered": list(SETTINGS["data"].options), "complaints": complaints,
    "images": thumbnails()["mnist"].images.shape, "size": first.summary.train_size,
    "examples": first.summary.examples.shape, "equal": first.fingerprint() == again.fingerprint(),
    "accuracy": [arm.validation_accuracy.tolist() for arm in first.snapshots[-1].arms if arm],
}))
"""


@pytest.mark.slow
def test_a_process_with_the_folder_offers_the_set_and_trains_on_it_repeatably(tmp_path: Path):
    write_published(tmp_path / "mnist", "t10k", 400)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, published.VARIABLE: str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["offered"][:1] == ["digits"] and "mnist" in said["offered"]
    assert (said["complaints"], said["size"], said["equal"]) == ([], 150, True)
    assert said["images"] == [9, 28, 28] and said["examples"] == [4, 1, 14, 14]
    assert min(said["accuracy"][0]) > 0.9  # a row of light says the class


@pytest.mark.skipif(
    not (os.environ.get("BN_LAB_TEST_DATA")),
    reason="BN_LAB_TEST_DATA names no folder with the real MNIST",
)
def test_the_real_files_of_mnist_are_read(monkeypatch: pytest.MonkeyPatch):
    folder = Path(os.environ["BN_LAB_TEST_DATA"])
    monkeypatch.setenv(published.VARIABLE, str(folder))
    split = found(folder)["mnist"].split(Sampling(0))
    assert len(split.validation_inputs) == 1000
    pixels = np.concatenate([split.train_inputs, split.validation_inputs])
    if len(pixels) == 10_000:  # the test part alone
        assert round(float(pixels.mean()) * 255, 2) == 33.79
