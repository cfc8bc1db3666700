"""Each statistic against an independent formula in float64."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from bn_core.probing import statistics
from bn_core.records import HISTOGRAM_EDGES, QUANTILES


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_losses_and_accuracy():
    logits, labels = draw(3, 20, 10), torch.arange(60).view(3, 20) % 10
    exact = logits.double().numpy()
    shares = np.exp(exact) / np.exp(exact).sum(axis=2, keepdims=True)
    right = np.take_along_axis(shares, labels.numpy()[..., None], axis=2)[..., 0]
    np.testing.assert_allclose(statistics.losses(logits, labels), -np.log(right).mean(1), rtol=1e-6)
    hits = (exact.argmax(2) == labels.numpy()).mean(1)
    np.testing.assert_allclose(statistics.accuracy(logits, labels), hits, rtol=1e-6)


def test_the_output_gradient_is_that_of_autograd():
    logits = draw(30, 10).double().requires_grad_()
    labels = torch.arange(30) % 10
    functional.cross_entropy(logits, labels, reduction="sum").backward()
    ours = statistics.output_gradient(logits.detach(), labels)
    torch.testing.assert_close(ours, logits.grad, rtol=1e-12, atol=1e-14)


SHAPES = [(3, 50, 7), (2, 20, 4, 5), (2, 9, 3, 4, 5)]
"""Vectors, sequences of channels, images of channels."""


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_moments_and_zero_shares_with_any_positions_behind_the_units(shape):
    values = draw(*shape) * 3 + 1
    mean, std = statistics.moments(values)
    exact = values.double().numpy()
    rest = tuple(range(1, len(shape)))
    np.testing.assert_allclose(mean, exact.mean(rest), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(std, exact.std(rest), rtol=1e-5)
    outputs = values.relu()
    outputs[:, :, 1] = 0.0
    dead, zero = statistics.zero_shares(outputs)
    np.testing.assert_allclose(dead, np.full(shape[0], 1 / shape[2]), rtol=1e-6)
    np.testing.assert_allclose(zero, (outputs == 0).double().mean(rest), rtol=1e-6)
    assert np.array_equal(statistics.first_unit(values), values[:, :, 0].reshape(shape[0], -1))


def test_norms_and_update_ratios_of_weights_of_any_shape():
    for shape in ((3, 8, 5), (3, 4, 2, 3, 3)):
        before, after = [draw(*shape)], [draw(*shape) + 0.01 * draw(*shape, seed=2)]
        steps = (after[0] - before[0]).double().numpy().reshape(3, -1)
        spread = before[0].double().numpy().reshape(3, -1)
        expected = steps.std(1, ddof=1) / spread.std(1, ddof=1)
        found = statistics.update_ratios(before, after)[:, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-3)
        norms = np.sqrt((spread**2).sum(1))
        np.testing.assert_allclose(statistics.matrix_norms(before)[:, 0], norms, rtol=1e-6)


@pytest.mark.parametrize("most", [100, 409, 1_024, 4_096])
@pytest.mark.parametrize("units", [(4,), (16,), (33,), (64,), (100,), (256,), (8, 5, 5)], ids=str)
def test_an_even_choice_takes_as_much_of_every_example_and_every_unit(units, most):
    examples, of_example = 128, int(np.prod(units))
    places = torch.arange(examples * of_example).view(1, examples, *units)
    places = places.expand(2, *places.shape[1:])
    chosen = statistics.even_choice(places, most)
    assert chosen.shape[0] == 2 and torch.equal(chosen[0], chosen[1])
    assert 0 < chosen.shape[1] <= most
    assert chosen.shape[1] >= min(most, examples * of_example) / 3
    from_examples = np.bincount(chosen[0] // of_example, minlength=examples)
    from_places = np.bincount(chosen[0] % of_example, minlength=of_example)
    assert np.ptp(from_examples) <= 1 and np.ptp(from_places) <= 1


def test_quantiles_are_those_of_sorting():
    values = draw(3, 500) * 2 + 1
    assert np.array_equal(statistics.quantiles(values), nearest_quantiles(values.numpy()))


def nearest_quantiles(values: np.ndarray) -> np.ndarray:
    """Return the 15th, 50th and 85th percentile by sorting, along the last axis."""
    ordered = np.sort(values, axis=-1)
    return ordered[..., [round(q * (values.shape[-1] - 1)) for q in QUANTILES]]


@pytest.mark.parametrize("scale", [1e-3, 0.3, 3.0, 1e3])
def test_histograms_count_as_numpy_does(scale):
    values = torch.cat([draw(2, 5000) * scale, 1e6 * draw(2, 10)], dim=1).float()
    for row, counts in zip(values.double().numpy(), statistics.histograms(values), strict=True):
        assert counts.sum() == (row != 0).sum()
        inside = np.clip(row, HISTOGRAM_EDGES[0], HISTOGRAM_EDGES[-1])
        expected = np.histogram(inside, HISTOGRAM_EDGES)[0]
        # A value that lies on an edge may round to either side.
        assert np.abs(counts.numpy() - expected).sum() <= 4
        scaled = statistics.scaled_to_16_bits(counts.numpy())
        assert scaled.max() == pytest.approx(65535, rel=1e-6)


def test_values_that_are_not_finite_still_give_a_histogram():
    values = torch.tensor([[float("nan"), float("inf"), -float("inf"), 1.0, 1.0, 1.0]])
    (counts,) = statistics.histograms(values)
    assert counts.sum() == 5  # what is no number lies in no bin
    assert counts[0] == counts[-1] == 1  # infinities lie in the outermost ones
    assert (statistics.scaled_to_16_bits(np.zeros(3, np.int64)) == 0).all()


def test_zeros_of_a_relu_are_left_out_of_the_histogram_but_counted():
    outputs = functional.relu(draw(2, 100, 4))
    outputs[..., 0] = 0.0
    dead, _ = statistics.zero_shares(outputs)
    np.testing.assert_allclose(dead, [0.25, 0.25])
    (counts,) = statistics.histograms(outputs.view(1, -1))
    middle = np.searchsorted(HISTOGRAM_EDGES, 0.0)
    assert counts[: middle - 1].sum() == 0
    assert counts.sum() == (outputs != 0).sum()


@pytest.mark.parametrize(
    ("activation", "values", "share"),
    [
        ("tanh", [0.98, -0.99, 0.5, 0.0], 0.5),
        ("sigmoid", [0.99, 0.01, 0.5, 0.98], 0.5),
        ("relu", [0.0, 0.0, 5.0, 9.0], 0.0),
    ],
)
def test_saturated_shares(activation, values, share):
    outputs = torch.tensor(values).view(1, 4, 1)
    assert statistics.saturated_share(outputs, activation).item() == pytest.approx(share)


def test_quantiles_are_the_first_papers():
    assert QUANTILES == (0.15, 0.5, 0.85)
