"""Batch norm of images and its folding into a convolution, against torch's own in 64 bits."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from bn_core.demos.channels import channels, folding_of_channels, images
from bn_core.demos.folding import folded
from bn_core.experiments import _ended
from bn_core.nets.convolution import Convolution
from bn_core.normalization import BatchNorm
from bn_core.results import HeatMaps, Result

ROWS = (
    (1.0, 2.0, 0.5, 0.0),
    (3.0, 2.0, 0.1, 0.2),
    (4.0, 6.0, -0.3, 0.4),
    (5.0, 3.0, 0.6, -0.1),
    (0.0, 1.0, 0.9, 0.7),
    (2.0, 1.0, 0.3, 0.5),
)
X = np.array(
    [
        [[[1.0, 2.0], [3.0, 2.0]], [[0.5, 0.0], [0.1, 0.2]]],
        [[[4.0, 6.0], [5.0, 3.0]], [[-0.3, 0.4], [0.6, -0.1]]],
        [[[0.0, 1.0], [2.0, 1.0]], [[0.9, 0.7], [0.3, 0.5]]],
    ]
)
"""The same numbers as images (N, C, H, W)."""


def stages(result: Result) -> dict[str, np.ndarray]:
    return {stage.name: stage.values for stage in result.facts["stages"]}


def as_images(values: np.ndarray) -> np.ndarray:
    """Return rows (N H W, C) as images (N, C, H, W)."""
    return values.reshape(3, 2, 2, 2).transpose(0, 3, 1, 2)


def test_two_rows_of_the_table_are_one_image():
    np.testing.assert_array_equal(images(ROWS)[0].numpy(), X)


@pytest.mark.parametrize(("gamma", "beta", "epsilon"), [(1.0, 0.0, 1e-5), (-1.5, 0.5, 0.1)])
def test_a_channel_has_one_mean_over_images_rows_and_columns(gamma, beta, epsilon):
    result = _ended(channels(ROWS, gamma, beta, epsilon))
    found = stages(result)
    np.testing.assert_allclose(found["mean"][0], X.mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(found["variance"][0], X.var(axis=(0, 2, 3)), rtol=1e-12)
    norm = nn.BatchNorm2d(2, epsilon).double()
    nn.init.constant_(norm.weight, gamma)
    nn.init.constant_(norm.bias, beta)
    expected = norm(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(as_images(found["y"]), expected, rtol=1e-10, atol=1e-12)
    count, difference = (metric.median for metric in result.metrics)
    assert count == 3 * 2 * 2 and difference < 1e-12


def test_letters_say_which_numbers_are_averaged_together():
    averaged, before_and_after = _ended(channels(ROWS, 1.5, 0.5, 1e-5)).panels
    assert isinstance(averaged, HeatMaps) and isinstance(before_and_after, HeatMaps)
    by_channel, by_pixel = (np.array(field.text) for field in averaged.fields)
    assert (by_channel[:, :2] == "A").all() and (by_channel[:, 2:] == "B").all()
    assert len(set(by_pixel.ravel())) == 8
    for first, second in itertools.pairwise(range(3)):  # the same pixel of each image
        assert (by_pixel[2 * first : 2 * first + 2] == by_pixel[2 * second : 2 * second + 2]).all()
    assert averaged.fields[0].label.endswith("m = 12") and averaged.fields[1].label.endswith("3")
    np.testing.assert_array_equal(before_and_after.fields[0].values, ROWS)


@pytest.mark.parametrize(
    ("rows", "words"),
    [(ROWS[:3], "An image takes 2 rows"), (ROWS * 3, "At most 8 images"), ((), "empty")],
)
def test_a_table_that_is_no_images_is_refused_with_what_to_do(rows, words):
    for computation in (channels, folding_of_channels):
        with pytest.raises(ValueError, match=words):
            _ended(computation(rows, 1.0, 0.0, 1e-5))


def test_one_image_of_equal_pixels_gives_beta():
    found = stages(_ended(channels(((3.0, 3.0, 3.0, 3.0),) * 2, 2.0, 0.5, 1e-5)))
    np.testing.assert_allclose(found["y"], 0.5, atol=1e-9)


@pytest.mark.parametrize(("gamma", "beta"), [(1.5, 0.5), (-1.0, 2.0), (0.0, 1.0)])
def test_the_folded_convolution_puts_out_the_same(gamma, beta):
    result = _ended(folding_of_channels(ROWS, gamma, beta, 1e-5))
    in_32, in_64 = (metric.median for metric in result.metrics)
    assert in_32 < 1e-4 and in_64 < 1e-12
    (kernels,) = result.panels
    assert isinstance(kernels, HeatMaps)
    before, after = (np.asarray(field.values) for field in kernels.fields)
    for channel, line in enumerate(result.facts["lines"]):
        scale = float(line.split("= ")[2].split(",")[0].strip("()"))
        rows = slice(3 * channel, 3 * channel + 3)
        np.testing.assert_allclose(after[rows], scale * before[rows], rtol=2e-3, atol=1e-12)


def test_folding_is_of_each_replicas_convolution_by_itself():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(2, 3, 2, 3, 3, generator=generator, dtype=torch.float64)
    bias = torch.randn(2, 1, 3, generator=generator, dtype=torch.float64)
    made, norm = Convolution(weight, bias), BatchNorm(2, 3).double()
    x = torch.randn(2, 4, 2, 5, 5, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        norm(made(x))
        norm.eval()
        once = Convolution(*folded(made, norm))
        torch.testing.assert_close(once(x), norm(made(x)), rtol=1e-11, atol=1e-11)
