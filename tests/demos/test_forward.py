"""The forward pass step by step, against torch's own batch norm in 64 bits."""

import math
import re

import numpy as np
import pytest
import torch

from bn_core.demos.forward import forward, noise
from bn_core.experiments import _ended
from bn_core.results import Panel, Result

BATCH = (
    (1.0, 20.0, -0.5),
    (2.0, 18.0, 0.1),
    (4.0, 26.0, 0.3),
    (3.0, 21.0, -0.1),
    (5.0, 15.0, 0.7),
)
SIZES = (2, 4, 8, 16, 32, 64, 128, 256)


def random_rows(rows: int, units: int, seed: int = 0) -> tuple[tuple[float, ...], ...]:
    state = np.random.RandomState(seed)
    spread = 10 ** state.uniform(-2, 2, units)
    return tuple(map(tuple, state.normal(state.uniform(-100, 100, units), spread, (rows, units))))


def stages(result: Result) -> dict[str, np.ndarray]:
    return {stage.name: stage.values for stage in result.facts["stages"]}


def torch_says(rows, gamma: float, beta: float, epsilon: float) -> np.ndarray:
    norm = torch.nn.BatchNorm1d(len(rows[0]), eps=epsilon).double()
    torch.nn.init.constant_(norm.weight, gamma)
    torch.nn.init.constant_(norm.bias, beta)
    return norm(torch.tensor(rows, dtype=torch.float64)).detach().numpy()


@pytest.mark.parametrize("rows", [BATCH, random_rows(2, 1), random_rows(64, 8), random_rows(7, 3)])
@pytest.mark.parametrize("epsilon", [1e-8, 1e-5, 1.0])
@pytest.mark.parametrize(("gamma", "beta"), [(1.0, 0.0), (1.5, 0.5), (-1.0, 2.0), (0.0, -2.0)])
def test_the_stages_are_torchs(rows, gamma, beta, epsilon):
    found = stages(_ended(forward(rows, gamma, beta, epsilon)))
    x = np.array(rows)
    np.testing.assert_array_equal(found["x"], x)
    np.testing.assert_allclose(found["mean"], x.mean(axis=0)[None], rtol=1e-12)
    np.testing.assert_allclose(found["variance"], x.var(axis=0)[None], rtol=1e-11)
    np.testing.assert_allclose(found["xhat"], torch_says(rows, 1, 0, epsilon), atol=1e-9)
    np.testing.assert_allclose(found["y"], torch_says(rows, gamma, beta, epsilon), atol=1e-9)


def test_stages_come_in_the_order_of_the_computation_with_symbols():
    made = _ended(forward(BATCH, 1.5, 0.5, 1e-5)).facts["stages"]
    assert [stage.symbol for stage in made] == ["x", "μ", "σ²", "x̂", "y"]
    assert [stage.values.shape for stage in made] == [(5, 3), (1, 3), (1, 3), (5, 3), (5, 3)]
    assert all(stage.words for stage in made)


@pytest.mark.parametrize("rows", [((2.0, -3.0),), ((0.1, 0.1),) * 7, ((1e6,), (1e6,))])
def test_without_spread_all_that_comes_out_is_beta(rows):
    found = stages(_ended(forward(rows, 3.0, 0.5, 1e-5)))
    np.testing.assert_allclose(found["variance"], 0, atol=1e-20)
    np.testing.assert_allclose(found["xhat"], 0, atol=1e-9)
    np.testing.assert_allclose(found["y"], 0.5, atol=1e-9)


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", text)]


@pytest.mark.parametrize("rows", [BATCH, BATCH[:1], random_rows(12, 2)])
def test_every_value_has_its_formulas_with_the_numbers_filled_in(rows):
    result = _ended(forward(rows, -1.5, 0.5, 1e-3))
    found, lines = stages(result), result.facts["lines"]
    assert len(lines) == len(rows) and all(len(row) == len(rows[0]) for row in lines)
    for n, row in enumerate(lines):
        for c, written in enumerate(row):
            results = [numbers(line.rsplit("=", 1)[1])[0] for line in written]
            exact = [found[k][0, c] for k in ("mean", "variance")]
            exact += [found[k][n, c] for k in ("xhat", "y")]
            np.testing.assert_allclose(results, exact, rtol=1e-3, atol=1e-11)
            assert written[0].startswith("μ = (") and f"/ {len(rows)} =" in written[0]
            assert "√(" in written[2] and "+ 0.001)" in written[2]
            assert "γ x̂ + β = (-1.5) ·" in written[3]
            assert "nan" not in "".join(written)


def test_short_sums_are_reference_and_long_ones_cut():
    lines = _ended(forward(BATCH, 1, 0, 1e-5)).facts["lines"]
    assert lines[0][0][0] == "μ = (1 + 2 + 4 + 3 + 5) / 5 = 3"
    long = _ended(forward(tuple((float(n),) for n in range(30)), 1, 0, 1e-5)).facts["lines"]
    assert long[0][0][0] == "μ = (0 + 1 + 2 + … + 29) / 30 = 14.5"


def test_distributions_show_every_value_over_its_unit():
    result = _ended(forward(BATCH, 1.5, 0.5, 1e-5))
    for part in result.panels:
        assert isinstance(part, Panel)
        (curve,) = part.curves
        values = stages(result)[part.id]
        assert curve.y.shape == (1, values.size) and len(part.categories) == 3
        unit = np.rint(curve.x).astype(int)
        for c in range(3):
            np.testing.assert_array_equal(np.sort(curve.y[0, unit == c]), np.sort(values[:, c]))


BAD = [
    ((), "The table is empty"),
    (((1.0, 2.0), (3.0, None)), "Row 2, column 2 is empty"),
    (((1.0, "x"),), "Row 1, column 2 holds “x”, which is not a number"),
    (((1.0,), (math.nan,)), "Row 2, column 1 is empty or not a number"),
    (((1.0,), (-math.inf,)), "Row 2, column 1 is infinite"),
    (((1.0,), (1e7,)), "Row 2, column 1 is 1e+07; numbers up to 1,000,000"),
    (((1.0, 2.0), (3.0,)), "Row 2 has 1 numbers where 2 belong"),
    (((1.0,),) * 65, "65 rows"),
    (((1.0,) * 9,), "9 columns"),
]


@pytest.mark.parametrize(("rows", "words"), BAD)
def test_tables_that_cannot_be_used_are_refused_in_words(rows, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        _ended(forward(rows, 1.0, 0.0, 1e-5))
    with pytest.raises(ValueError, match=re.escape(words)):
        _ended(noise(rows))


@pytest.mark.parametrize("rows", [((3.0,),), ((0.1, 5.0), (0.1, 6.0), (0.1, 7.0)), ((0.1,),) * 7])
def test_noise_of_equal_values_is_refused(rows):
    with pytest.raises(ValueError, match="equal values"):
        _ended(noise(rows))


@pytest.mark.parametrize("rows", [BATCH, random_rows(64, 2), ((0.0,), (0.0,), (0.0,), (1e6,))])
def test_moments_of_batches_vary_as_theory_says(rows):
    result = _ended(noise(rows))
    varied, biased = result.panels
    assert isinstance(varied, Panel) and isinstance(biased, Panel)
    column = np.array(rows)[:, 0]
    z = (column - column.mean()) / column.std()
    sizes, fourth = np.array(SIZES, float), (z**4).mean()
    np.testing.assert_array_equal(varied.curves[0].x, sizes)
    # Standard deviations over 400 batches: 4 of their own errors.
    np.testing.assert_allclose(varied.curves[0].y[0], sizes**-0.5, rtol=0.2)
    of_variance = (sizes - 1) / sizes**3 * ((sizes - 1) * fourth - (sizes - 3))
    np.testing.assert_allclose(varied.curves[1].y[0], np.sqrt(of_variance), rtol=0.25)
    error = 4 * np.sqrt(of_variance / 400)
    assert (np.abs(biased.curves[0].y[0] - (1 - 1 / sizes)) < error).all()
    np.testing.assert_allclose(varied.curves[2].y[0], sizes**-0.5)
    np.testing.assert_allclose(biased.curves[1].y[0], 1 - 1 / sizes)


def test_noise_is_the_same_each_time():
    first, again = (_ended(noise(BATCH)).panels[0].curves for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.y, other.y)
