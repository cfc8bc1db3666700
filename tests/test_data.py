"""The data: real, split fairly, standardized by the training part, the same for the same seed."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from bn_core.config import IMAGE_DATA, PLANE_DATA, SETTINGS, Config
from bn_core.data import IMAGE_SETS, POINT_SETS, load


def test_the_digits_are_scikit_learns():
    images, labels = load_digits(return_X_y=True)
    data = load(Config())
    mean, std = data.train_inputs.mean(), data.train_inputs.std()
    assert abs(mean) < 1e-5 and abs(std - 1) < 1e-3
    found = torch.cat([data.train_inputs, data.validation_inputs]).numpy()
    # Up to the standardization, which is one line for all pixels, they are the same images.
    found = (found - found.min()) / (found.max() - found.min()) * 16
    ours = sorted(map(tuple, np.round(found).astype(int).tolist()))
    assert ours == sorted(map(tuple, images.astype(int).tolist()))
    both = torch.cat([data.train_labels, data.validation_labels]).numpy()
    assert np.array_equal(np.bincount(both), np.bincount(labels))


@pytest.mark.parametrize("seed", [0, 1, 17])
def test_the_digits_split_keeps_the_shares_of_the_classes_and_no_image_twice(seed):
    data = load(Config(seed=seed))
    assert (len(data.train_inputs), len(data.validation_inputs)) == (1297, 500)
    train, held_out = data.train_labels.bincount(), data.validation_labels.bincount()
    assert ((train + held_out) * 500 / 1797 - held_out).abs().max() <= 1
    images = torch.cat([data.train_inputs, data.validation_inputs])
    assert len(torch.unique(images, dim=0)) == len(
        np.unique(load_digits(return_X_y=True)[0], axis=0)
    )
    # Any beginning of the training part is a fair sample: a probe takes its first examples.
    assert data.train_labels[:256].bincount(minlength=10).min() >= 10


@pytest.mark.parametrize("name", list(PLANE_DATA))
def test_point_sets_are_balanced_standardized_and_held_out(name):
    data = load(Config(data=name, points=400, noise=0.1))
    assert data.train_inputs.shape == (400, 2) and data.validation_inputs.shape == (200, 2)
    share = torch.cat([data.train_labels, data.validation_labels]).float().mean()
    assert abs(share - 0.5) < 0.01
    np.testing.assert_allclose(data.train_inputs.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(data.train_inputs.std(0, correction=0), 1, rtol=1e-4)


@pytest.mark.parametrize("name", [*PLANE_DATA, *IMAGE_DATA])
def test_a_seed_gives_the_same_data_and_another_seed_other_data(name):
    one, same, other = (load(Config(data=name, seed=seed)) for seed in (3, 3, 4))
    assert torch.equal(one.train_inputs, same.train_inputs)
    assert not torch.equal(one.train_inputs, other.train_inputs)


def test_noise_moves_points():
    calm, noisy = (load(Config(data="moons", noise=noise)) for noise in (0.0, 0.4))
    assert not torch.equal(calm.train_inputs, noisy.train_inputs)


def test_every_data_set_of_the_settings_is_registered():
    assert set(SETTINGS["data"].options) == set(POINT_SETS) | set(IMAGE_SETS)


def test_a_batch_that_does_not_fit_is_refused_with_the_limit():
    with pytest.raises(ValueError, match="100 training examples"):
        load(Config(data="xor", points=100, batch_size=256))
