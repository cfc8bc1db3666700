"""The data: real, split fairly, standardized by the training part, the same for the same seed."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from bn_core.comparison import ARMS, Comparison, comparison_from_query
from bn_core.config import SETTINGS, Config
from bn_core.datasets.dataset import Dataset, scaled
from bn_core.datasets.digits import VALIDATION_DIGITS, split_digits
from bn_core.datasets.loading import STORE, load, load_per_seed
from bn_core.datasets.registry import DATASETS
from bn_core.datasets.spec import Sampling, Split
from bn_core.datasets.store import DatasetStore
from bn_core.datasets.thumbnails import thumbnails
from bn_core.training import Setup, run

EVERY = list(DATASETS)
GENERATED = [name for name, spec in DATASETS.items() if spec.generated]


def everything(data: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    """Return inputs and labels of both parts."""
    inputs = torch.cat([data.train_inputs, data.validation_inputs])
    return inputs, torch.cat([data.train_labels, data.validation_labels])


def sorted_rows(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    rows = np.column_stack([images, labels])
    return rows[np.lexsort(rows.T)]


def test_the_digits_are_scikit_learns_image_by_image_with_their_labels():
    images, labels = map(np.asarray, load_digits(return_X_y=True))
    raw = split_digits(Sampling(seed=3))
    found = np.concatenate([raw.train_inputs, raw.validation_inputs])
    found_labels = np.concatenate([raw.train_labels, raw.validation_labels])
    assert np.array_equal(sorted_rows(found * 16, found_labels), sorted_rows(images, labels))


def test_reading_the_digits_does_not_import_scikit_learn():
    script = (
        "import sys\nfrom bn_core.config import Config\n"
        "from bn_core.datasets.loading import load\nload(Config())\nprint('sklearn' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "False", done.stderr


def test_the_digits_are_standardized_by_one_mean_and_deviation_of_the_training_part():
    raw, data = split_digits(Sampling(seed=5)), load(Config(seed=5))
    mean, std = raw.train_inputs.mean(), raw.train_inputs.std()
    np.testing.assert_allclose(data.train_inputs, (raw.train_inputs - mean) / std, atol=1e-6)
    held_out = (raw.validation_inputs - mean) / std
    np.testing.assert_allclose(data.validation_inputs, held_out, atol=1e-6)
    assert data.train_inputs.dtype == torch.float32 and data.train_labels.dtype == torch.int64


@pytest.mark.parametrize("seed", [0, 1, 17, 999_999])
def test_the_digits_split_keeps_the_shares_of_the_classes(seed):
    data = load(Config(seed=seed))
    assert (data.train_size, len(data.validation_inputs)) == (1297, VALIDATION_DIGITS)
    train, held_out = data.train_labels.bincount(), data.validation_labels.bincount()
    assert ((train + held_out) * 500 / 1797 - held_out).abs().max() <= 1
    # Any beginning of the training part is a fair sample: a probe takes its first examples.
    assert data.train_labels[:256].bincount(minlength=10).min() >= 10


@pytest.mark.parametrize("name", EVERY)
def test_nothing_that_is_held_out_is_trained_on(name):
    data = load(Config(data=name, seed=2))
    apart = torch.cdist(data.train_inputs.double(), data.validation_inputs.double())
    assert apart.min() > 0
    inputs, labels = everything(data)
    assert len(torch.unique(inputs, dim=0)) == len(inputs)
    assert labels.unique().tolist() == list(range(len(data.classes)))


@pytest.mark.parametrize("points", [20, 401, 2000])
@pytest.mark.parametrize("name", GENERATED)
def test_point_sets_are_balanced_and_standardized(name, points):
    data = load(Config(data=name, points=points, noise=0.1, batch_size=16))
    assert data.train_inputs.shape == (points, 2)
    assert data.validation_inputs.shape == (points // 2, 2)
    ones = everything(data)[1].sum()
    assert abs(2 * ones - (points + points // 2)) <= 2
    np.testing.assert_allclose(data.train_inputs.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(data.train_inputs.std(0, correction=0), 1, rtol=1e-4)


@pytest.mark.parametrize("name", GENERATED)
def test_neighbours_tell_the_class_where_there_is_no_noise(name):
    data = load(Config(data=name, points=2000, noise=0.0))
    apart = torch.cdist(data.validation_inputs, data.train_inputs)
    nearest = data.train_labels[apart.argmin(dim=1)]
    assert (nearest == data.validation_labels).float().mean() > 0.99
    # No straight line does: that is what a hidden layer is for.
    flat = torch.cat([data.train_inputs, torch.ones(2000, 1)], dim=1)
    line = torch.linalg.lstsq(flat, data.train_labels[:, None] * 2.0 - 1).solution
    right = ((flat @ line).flatten() > 0) == (data.train_labels == 1)
    assert right.float().mean() < 0.92


@pytest.mark.parametrize("name", EVERY)
def test_a_seed_gives_the_same_data_and_another_seed_other_data(name):
    one, same, other = (load(Config(data=name, seed=seed)) for seed in (3, 3, 4))
    for part in ("train_inputs", "train_labels", "validation_inputs", "validation_labels"):
        assert torch.equal(getattr(one, part), getattr(same, part))
        assert not torch.equal(getattr(one, part), getattr(other, part))


@pytest.mark.parametrize("name", GENERATED)
def test_noise_moves_points(name):
    calm, noisy = (load(Config(data=name, noise=noise)) for noise in (0.0, 0.4))
    assert not torch.equal(calm.train_inputs, noisy.train_inputs)


def test_every_registered_data_set_is_a_choice_and_is_what_its_spec_says():
    assert list(SETTINGS["data"].options) == EVERY
    for name, spec in DATASETS.items():
        data = load(Config(data=name, points=100))
        assert data.train_size == spec.train_size(100)
        assert data.train_inputs.shape[1] == spec.inputs
        assert (data.classes, data.input_shape, data.kind) == (
            spec.classes,
            spec.input_shape,
            spec.kind,
        )
        assert Config(data=name).data_spec is spec


@pytest.mark.parametrize("name", GENERATED)
def test_a_batch_that_does_not_fit_is_refused_with_the_limit(name):
    with pytest.raises(ValueError, match="100 training examples"):
        load(Config(data=name, points=100, batch_size=256))


@pytest.mark.parametrize("name", EVERY)
def test_each_replica_has_the_split_of_its_own_seed(name):
    both = load_per_seed(Config(data=name, seed=5, replicas=3, points=50, batch_size=16))
    assert both.per_replica and both.train_size == both.train_inputs.shape[1]
    for replica in range(3):
        alone = load(Config(data=name, seed=5 + replica, points=50, batch_size=16))
        assert torch.equal(both.train_inputs[replica], alone.train_inputs)
        assert torch.equal(both.train_labels[replica], alone.train_labels)
        assert torch.equal(both.validation_inputs[replica], alone.validation_inputs)
        assert torch.equal(both.validation_labels[replica], alone.validation_labels)


def test_equal_data_are_loaded_and_held_once():
    first = load(Config(seed=11))
    assert load(Config(seed=11, depth=3, noise=0.4)) is first  # settings of no meaning to digits
    assert STORE.get(first.content_hash) is first
    assert load(Config(seed=12)).content_hash != first.content_hash
    points = load(Config(data="moons", noise=0.1))
    assert load(Config(data="moons", noise=0.2)).content_hash != points.content_hash


def test_what_is_held_stays_within_its_limit_and_the_oldest_goes_first():
    makes = {seed: lambda seed=seed: load(Config(data="xor", seed=seed)) for seed in range(6)}
    size = makes[0]().bytes()
    store = DatasetStore(most_bytes=3 * size)
    kept = [store.load(seed, make) for seed, make in makes.items()]
    assert len(store) == 3 and store.bytes() <= 3 * size
    assert store.get(kept[0].content_hash) is None and store.get(kept[5].content_hash) is kept[5]
    again = store.load(0, makes[0])
    assert torch.equal(again.train_inputs, kept[0].train_inputs)


def test_two_names_for_the_same_content_share_one_copy():
    store, data = DatasetStore(), load(Config(seed=3))
    copy = Dataset(
        data.train_inputs.clone(),
        data.train_labels.clone(),
        data.validation_inputs.clone(),
        data.validation_labels.clone(),
        data.classes,
        data.spec,
    )
    assert store.load("one", lambda: data) is store.load("other", lambda: copy)
    assert len(store) == 1


def test_a_thumbnail_shows_examples_of_every_data_set():
    made = thumbnails()
    assert set(made) == set(DATASETS)
    for name, thumbnail in made.items():
        image = DATASETS[name].kind == "image"
        assert len(thumbnail.images) == (9 if image else 0)
        assert len(thumbnail.points) == (0 if image else 90)
        assert np.abs(thumbnail.points).max(initial=0) <= 1
        assert len(thumbnail.labels) == max(len(thumbnail.images), len(thumbnail.points))


def test_raw_and_min_max_inputs_are_those_of_the_file_and_a_constant_feature_stays_finite():
    raw, unit = (load(Config(seed=5, normalize_inputs=name)) for name in ("none", "unit"))
    digits = split_digits(Sampling(seed=5))
    np.testing.assert_allclose(raw.train_inputs, 16 * digits.train_inputs, atol=1e-6)
    assert float(raw.train_inputs.max()) == 16
    np.testing.assert_allclose(unit.train_inputs, digits.train_inputs, atol=1e-6)
    moons = load(Config(data="moons", normalize_inputs="unit"))
    assert moons.train_inputs.amin(0).tolist() == [0, 0]
    assert moons.train_inputs.amax(0).tolist() == [1, 1]
    flat = Split(np.ones((3, 2)), np.arange(3), np.ones((1, 2)), np.zeros(1))
    spec = Config(data="xor").data_spec
    for scaling in ("standardize", "unit", "raw"):
        assert torch.isfinite(scaled(spec, flat, scaling).train_inputs).all()


@pytest.mark.parametrize("data", ["xor", "digits"])
def test_nets_of_one_comparison_may_have_inputs_of_their_own(data):
    query = {
        "data": data,
        "steps": "3",
        "depth": "1",
        "seeds": "2",
        "arms": "none~none;inputs:unit",
    }
    comparison, complaints = comparison_from_query(query)
    assert complaints == []
    both = run(comparison)
    for index, scaling in enumerate(("standardize", "unit")):
        base = comparison.base.changed({"normalize_inputs": scaling})
        alone = run(Comparison(base, (ARMS["none"],)))
        assert np.array_equal(both.train_loss[:, index], alone.train_loss[:, 0])


def test_a_net_with_inputs_of_its_own_is_shown_the_same_places_of_the_plane():
    setup = Setup.of(Comparison(Config(data="moons", batch_size=16)))
    unit = setup.scaled_for(Config(data="moons", batch_size=16, normalize_inputs="unit"))
    low, high = (getattr(setup.dataset.train_inputs, name)(0) for name in ("amin", "amax"))
    np.testing.assert_allclose(unit.probe.grid, (setup.probe.grid - low) / (high - low), atol=1e-5)
    assert unit.probe.extent == setup.probe.extent


def test_pooled_digits_have_a_quarter_of_the_numbers():
    pooled, whole = load(Config(pooling=True)), load(Config())
    assert pooled.input_shape == (1, 4, 4) and pooled.train_inputs.shape[1] == 16
    assert torch.equal(pooled.train_labels, whole.train_labels)
    assert load(Config(data="xor", pooling=True)).input_shape == (2,)
