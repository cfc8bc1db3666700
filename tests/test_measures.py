"""Each measure against an independent formula in float64."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from bn_core import measures
from bn_core.records import HISTOGRAM_EDGES, QUANTILES


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_losses_and_accuracy():
    logits, labels = draw(3, 20, 10), torch.arange(60).view(3, 20) % 10
    exact = logits.double().numpy()
    shares = np.exp(exact) / np.exp(exact).sum(axis=2, keepdims=True)
    right = np.take_along_axis(shares, labels.numpy()[..., None], axis=2)[..., 0]
    np.testing.assert_allclose(measures.losses(logits, labels), -np.log(right).mean(1), rtol=1e-6)
    hits = (exact.argmax(2) == labels.numpy()).mean(1)
    np.testing.assert_allclose(measures.accuracy(logits, labels), hits, rtol=1e-6)


def test_the_output_gradient_is_that_of_autograd():
    logits = draw(30, 10).double().requires_grad_()
    labels = torch.arange(30) % 10
    functional.cross_entropy(logits, labels, reduction="sum").backward()
    ours = measures.output_gradient(logits.detach(), labels)
    torch.testing.assert_close(ours, logits.grad, rtol=1e-12, atol=1e-14)


def test_moments_and_norms_and_update_ratios():
    values = draw(4, 3, 50, 7) * 3 + 1
    mean, std = measures.moments(values)
    exact = values.double().numpy()
    np.testing.assert_allclose(mean, exact.mean((2, 3)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(std, exact.std((2, 3)), rtol=1e-5)
    before, after = [draw(3, 8, 5)], [draw(3, 8, 5) + 0.01 * draw(3, 8, 5, seed=2)]
    steps = (after[0] - before[0]).double().numpy().reshape(3, -1)
    spread = before[0].double().numpy().reshape(3, -1)
    expected = steps.std(1, ddof=1) / spread.std(1, ddof=1)
    np.testing.assert_allclose(measures.update_ratios(before, after)[:, 0], expected, rtol=1e-3)
    norms = np.sqrt((before[0].double().numpy() ** 2).sum((1, 2)))
    np.testing.assert_allclose(measures.matrix_norms(before)[:, 0], norms, rtol=1e-6)


@pytest.mark.parametrize(("examples", "units"), [(32, 32), (20, 8), (128, 64), (100, 33)])
def test_quantiles_are_those_of_an_even_choice_of_values(examples, units):
    values = draw(2, 3, examples, units) * 2 + 1
    exact = values.numpy()
    rows, columns = -(-examples // 32), -(-units // 32)
    chosen = exact[:, :, ::rows, ::columns]
    assert chosen.shape[2] <= 32 and chosen.shape[3] <= 32
    pooled = nearest_quantiles(chosen.reshape(2, 3, -1))
    assert np.array_equal(measures.pooled_quantiles(values), pooled)
    assert np.array_equal(measures.unit_quantiles(values), nearest_quantiles(exact[..., 0]))
    # The choice must still tell what all values would, up to the error of so small a sample:
    # four times sqrt(q (1 - q) / n) / density of a normal value with deviation 2.
    error = 4 * np.sqrt(0.15 * 0.85 / chosen[0, 0].size) / 0.233 * 2
    everything = np.quantile(exact.reshape(2, 3, -1), QUANTILES, axis=2)
    np.testing.assert_allclose(pooled, np.moveaxis(everything, 0, 2), atol=error)


def nearest_quantiles(values: np.ndarray) -> np.ndarray:
    """Return the 15th, 50th and 85th percentile by sorting, along the last axis."""
    ordered = np.sort(values, axis=-1)
    return ordered[..., [round(q * (values.shape[-1] - 1)) for q in QUANTILES]]


@pytest.mark.parametrize("scale", [1e-3, 0.3, 3.0, 1e3])
def test_histograms_count_as_numpy_does(scale):
    values = torch.cat([draw(2, 5000) * scale, 1e6 * draw(2, 10)], dim=1)
    found = measures.histograms(values, skip_zeros=False)
    for row, counts in zip(values.double().numpy(), found.numpy(), strict=True):
        inside = np.clip(row, HISTOGRAM_EDGES[0], HISTOGRAM_EDGES[-1])
        expected = np.histogram(inside, HISTOGRAM_EDGES)[0]
        assert counts.max() == pytest.approx(65535, rel=1e-6)
        # A value that lies on an edge may round to either side.
        assert np.abs(counts / 65535 * expected.max() - expected).sum() <= 4


def test_values_that_are_not_finite_still_give_a_histogram():
    values = torch.tensor([[float("nan"), float("inf"), -float("inf"), 1.0, 1.0, 1.0]])
    (counts,) = measures.histograms(values, skip_zeros=True)
    assert counts.isfinite().all()
    assert counts[0] == counts[-1] == 65535 / 3  # infinities lie in the outermost bins
    assert counts.sum() == pytest.approx(65535 * 5 / 3)  # and what is no number in none


def test_zeros_of_a_relu_are_left_out_of_the_histogram_but_counted():
    outputs = functional.relu(draw(1, 2, 100, 4))
    outputs[..., 0] = 0.0
    dead, zero = measures.zero_shares(outputs)
    np.testing.assert_allclose(dead, [[0.25, 0.25]])
    np.testing.assert_allclose(zero, (outputs == 0).double().mean((2, 3)), rtol=1e-6)
    counts = measures.histograms(outputs.flatten(0, 1), skip_zeros=True)
    middle = np.searchsorted(HISTOGRAM_EDGES, 0.0)
    assert counts[:, : middle - 1].sum() == 0
    assert counts[:, middle:].max() == pytest.approx(65535, abs=0.1)


@pytest.mark.parametrize(
    ("activation", "values", "share"),
    [
        ("tanh", [0.98, -0.99, 0.5, 0.0], 0.5),
        ("sigmoid", [0.99, 0.01, 0.5, 0.98], 0.5),
        ("relu", [0.0, 0.0, 5.0, 9.0], 0.0),
    ],
)
def test_saturated_shares(activation, values, share):
    outputs = torch.tensor(values).view(1, 1, 4, 1)
    assert measures.saturated_share(outputs, activation).item() == pytest.approx(share)


def test_quantiles_are_the_first_papers():
    assert QUANTILES == (0.15, 0.5, 0.85)
