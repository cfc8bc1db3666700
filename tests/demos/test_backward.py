"""The backward pass by the paper's equations, against torch's autograd in 64 bits."""

import math
import re

import numpy as np
import pytest
import torch

from bn_core.demos.backward import backward, gradients, scale_invariance
from bn_core.demos.forward import layer
from bn_core.experiments import _ended
from bn_core.results import Result

BATCH = (
    (1.0, 20.0, -0.5),
    (2.0, 18.0, 0.1),
    (4.0, 26.0, 0.3),
    (3.0, 21.0, -0.1),
    (5.0, 15.0, 0.7),
)
UPSTREAM = (
    (0.1, 0.2, -0.1), (-0.3, 0.1, 0.0), (0.2, 0.0, 0.4), (0.1, 0.5, -0.2), (0.0, -0.4, 0.1),
)  # fmt: skip
NAMES = ["dy", "dxhat", "dvar", "dmu", "dx", "dgamma", "dbeta"]


def pair(rows: int, units: int, seed: int):
    """Return a batch and an upstream gradient."""
    state = np.random.RandomState(seed)
    x = state.normal(state.uniform(-9, 9, units), state.uniform(0.1, 9, units), (rows, units))
    return tuple(map(tuple, x)), tuple(map(tuple, state.normal(size=(rows, units))))


def torch_says(rows, upstream, gamma: float, epsilon: float) -> dict[str, np.ndarray]:
    """Return the gradients at every node of the graph as autograd finds them."""
    x = torch.tensor(rows, dtype=torch.float64, requires_grad=True)
    dy = torch.tensor(upstream, dtype=torch.float64)
    mean = x.mean(0, keepdim=True)
    variance = ((x - mean) ** 2).mean(0, keepdim=True)
    xhat = (x - mean) / torch.sqrt(variance + epsilon)
    for node in (mean, variance, xhat):
        node.retain_grad()
    (xhat * gamma).backward(dy)
    found = {"dxhat": xhat.grad, "dvar": variance.grad, "dmu": mean.grad}
    norm = torch.nn.BatchNorm1d(x.shape[1], eps=epsilon).double()
    torch.nn.init.constant_(norm.weight, gamma)
    again = x.detach().clone().requires_grad_()
    norm(again).backward(dy)
    found |= {"dx": again.grad, "dgamma": norm.weight.grad, "dbeta": norm.bias.grad}
    return {name: np.atleast_2d(grad.numpy()) for name, grad in found.items() if grad is not None}


CASES = [(BATCH, UPSTREAM), pair(2, 1, 0), pair(64, 8, 1), pair(6, 3, 2)]


@pytest.mark.parametrize(("rows", "upstream"), CASES)
@pytest.mark.parametrize("gamma", [1.0, -1.0, 3.0, 0.0])
@pytest.mark.parametrize("epsilon", [1e-8, 1e-5, 1.0])
def test_every_gradient_is_autograds(rows, upstream, gamma, epsilon):
    result = _ended(backward(rows, upstream, gamma, epsilon))
    found = {stage.name: stage.values for stage in result.facts["stages"]}
    assert list(found) == NAMES
    np.testing.assert_array_equal(found["dy"], upstream)
    exact = torch_says(rows, upstream, gamma, epsilon)
    assert set(exact) == set(NAMES) - {"dy"}
    for name, values in exact.items():
        scale = max(np.abs(values).max(), 1e-6)
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-9 * scale, err_msg=name)
    for key in ("dx", "dgamma", "dbeta"):
        assert result[key].median < 1e-10


@pytest.mark.parametrize(("rows", "upstream"), CASES)
def test_batch_norm_takes_out_what_shifts_and_what_stretches(rows, upstream):
    result = _ended(backward(rows, upstream, 1.5, 1e-8))
    assert result["sum"].median < 1e-11
    assert result["along"].median < 1e-6
    blunt = _ended(backward(rows, upstream, 1.5, 1.0))
    found = {stage.name: stage.values for stage in blunt.facts["stages"]}
    x = np.array(rows)
    xhat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1)
    along = np.abs((found["dx"] * xhat).sum(axis=0)).max()
    np.testing.assert_allclose(blunt["along"].median, along, rtol=1e-6, atol=1e-13)


def test_several_nets_at_once_are_several_nets():
    draw = torch.Generator().manual_seed(3)
    x, dy = (torch.randn(3, 6, 4, generator=draw, dtype=torch.float64) for _ in range(2))
    together = gradients(x, dy, 0.7, 1e-5)
    for k in range(3):
        exact = torch_says(x[k].tolist(), dy[k].tolist(), 0.7, 1e-5)
        np.testing.assert_allclose(together["dx"][k], exact["dx"], atol=1e-12)
        np.testing.assert_allclose(together["dgamma"][k], exact["dgamma"], atol=1e-12)


def test_lines_hold_the_numbers_of_the_stages():
    result = _ended(backward(BATCH, UPSTREAM, 1.5, 1e-5))
    found = {stage.name: stage.values for stage in result.facts["stages"]}
    for n, row in enumerate(result.facts["lines"]):
        for c, written in enumerate(row):
            said = [float(line.rsplit("=", 1)[1].strip(" ()")) for line in written[:4]]
            exact = [found["dxhat"][n, c], found["dvar"][0, c], found["dmu"][0, c]]
            exact.append(found["dx"][n, c])
            np.testing.assert_allclose(said, exact, rtol=1e-3, atol=1e-11)
            last = re.findall(r"= \(?(-?[\d.e-]+)\)?(?:;|$)", written[4])
            exact = [found["dgamma"][0, c], found["dbeta"][0, c]]
            np.testing.assert_allclose([float(text) for text in last], exact, rtol=1e-3, atol=1e-11)


@pytest.mark.parametrize("rows", [((2.0, -3.0),), ((0.1, 0.1),) * 7])
def test_without_spread_no_gradient_goes_back_and_nothing_breaks(rows):
    upstream = tuple((1.0 - n, 2.0) for n in range(len(rows)))
    result = _ended(backward(rows, upstream, 1.5, 1e-5))
    assert all("nan" not in measure.words() for measure in result.metrics)
    assert result["dx"].median < 1e-9 and result["sum"].median < 1e-9
    if len(rows) == 1:
        assert (result.facts["stages"][NAMES.index("dx")].values == 0).all()


@pytest.mark.parametrize(
    ("rows", "upstream", "words"),
    [
        (BATCH, UPSTREAM[:3], "The upstream gradient has 3 rows and 3 columns, the batch 5 and 3"),
        (((1.0,), (2.0,)), ((1.0, 1.0), (2.0, 1.0)), "has 2 rows and 2 columns, the batch 2 and 1"),
        ((), UPSTREAM, "The table is empty"),
        (BATCH, (), "The table is empty"),
        (BATCH, (*UPSTREAM[:4], (0.0, None, 1.0)), "Row 5, column 2 is empty"),
        (BATCH, (*UPSTREAM[:4], (0.0, math.inf, 1.0)), "Row 5, column 2 is infinite"),
        ((*BATCH[:4], ("a", 1.0, 1.0)), UPSTREAM, "Row 5, column 1 holds “a”"),
        (BATCH * 20, UPSTREAM * 20, "100 rows"),
    ],
)
def test_tables_that_do_not_fit_are_refused_in_words(rows, upstream, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        _ended(backward(rows, upstream, 1.0, 1e-5))


def invariance(factor: float) -> Result:
    return _ended(scale_invariance(factor))


@pytest.mark.parametrize("factor", [0.1, 0.5, 1.0, 2.0, 10.0, 1000.0])
def test_longer_weights_leave_the_loss_and_shorten_the_gradient(factor):
    result = invariance(factor)
    # Exact but for epsilon, 1e-12 beside a variance of about 8 factor^2.
    np.testing.assert_allclose(result["moved"].values, result["loss"].values, rtol=1e-9)
    np.testing.assert_allclose(result["ratio"].values, factor, rtol=1e-9)
    np.testing.assert_allclose(
        result["smaller"].values * factor, result["gradient"].values, rtol=1e-9
    )
    assert abs(result["cosine"].median) < 1e-9
    assert result["gradient"].median > 0.01


def test_at_the_smallest_factor_epsilon_just_shows():
    result = invariance(1e-3)
    np.testing.assert_allclose(result["moved"].values, result["loss"].values, rtol=1e-6)
    np.testing.assert_allclose(result["ratio"].values, 1e-3, rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_scale_invariance_holds_for_other_nets_and_for_torchs(seed):
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(48, 8, generator=draw, dtype=torch.float64)
    weight = torch.randn(8, 4, generator=draw, dtype=torch.float64)
    labels = torch.randint(4, (48,), generator=draw)
    for norm in (layer(4, 1.0, 0.0, 1e-30), torch.nn.BatchNorm1d(4, eps=1e-30).double()):
        ours = not isinstance(norm, torch.nn.BatchNorm1d)
        losses, slopes = [], []
        for factor in (1.0, 10.0):
            moved = (factor * weight).requires_grad_()
            z = x @ moved
            y = norm(z[None])[0] if ours else norm(z)
            loss = torch.nn.functional.cross_entropy(y, labels)
            losses.append(float(loss.detach()))
            slopes.append(torch.autograd.grad(loss, [moved])[0])
        assert math.isclose(*losses, rel_tol=1e-13)
        np.testing.assert_allclose(slopes[1] * 10, slopes[0], rtol=1e-9, atol=1e-13)
        assert abs(float((slopes[0] * weight).sum())) < 1e-14


@pytest.mark.parametrize("factor", [0.0, -1.0, 9e-4, 1001.0, math.nan, math.inf])
def test_factors_beyond_the_limits_are_refused(factor):
    with pytest.raises(ValueError, match="between"):
        invariance(factor)
