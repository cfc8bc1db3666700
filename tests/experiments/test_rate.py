"""The largest stable learning rate: how it is read off, what it adds up to, and a short run."""

from dataclasses import replace

import numpy as np
import pytest

from bn_core.experiments import rate, run
from bn_core.experiments.rate import RATES, largest_stable, rate_ratio
from bn_core.results import Panel, Result, Verdict

GRID = np.array([0.01, 0.1, 0.2, 0.4, 0.8])


@pytest.fixture(scope="module")
def short() -> tuple[Result, Verdict]:
    return run("rate", seeds=2, quick=True)


@pytest.mark.parametrize(
    ("accuracy", "largest"),
    [
        ([0.95, 0.95, 0.95, 0.1, 0.1], 0.2),
        ([0.95, 0.95, 0.1, 0.95, 0.1], 0.1),  # larger ones than the first that fails do not count
        ([0.5, 0.95, 0.95, 0.1, 0.1], 0.2),  # the smallest was too slow
        ([0.5, 0.5, 0.5, 0.5, 0.95], 0.8),
        ([0.95] * 5, 0.8),
        ([0.1] * 5, 0.0),
        ([0.95, 0.95, 0.38, 0.1, 0.0], 0.1),  # a net at 38 % is not trained
        ([0.9, 0.899, 0.9, 0.9, 0.9], 0.01),
    ],
)
def test_the_largest_rate_up_to_which_all_train(accuracy: list[float], largest: float):
    found = largest_stable(GRID, np.array([accuracy, [0.95] * 5]), 0.9)
    np.testing.assert_array_equal(found, [largest, 0.8])


def test_a_net_that_trains_nowhere_is_a_bound_or_the_worst_and_never_nan():
    ratio = rate_ratio(np.array([2.0, 2.0, 0.0, 0.0]), np.array([0.2, 0.0, 0.2, 0.0]), 0.01)
    np.testing.assert_allclose(ratio, [10.0, 200.0, 0.0, 0.0])


def test_the_grid_is_fine_where_the_limits_lie():
    fine = np.array([one for one in RATES if one > 0.02])
    assert fine[0] <= 0.0317 and fine[-1] == 10.0
    np.testing.assert_allclose(fine[1:] / fine[:-1], 10 ** (1 / 8), rtol=0.01)


@pytest.mark.slow
def test_a_short_run_finds_a_larger_rate_with_batch_norm(short: tuple[Result, Verdict]):
    result, verdict = short
    (panel,) = result.panels
    assert isinstance(panel, Panel)
    for curve in panel.curves:
        assert curve.y.shape == (2, len(RATES))
        assert np.isfinite(curve.y).all() and (curve.y >= 0).all()
    plain = panel.curves[0]
    assert plain.colour == "none" and (plain.y[:, -1] == 0).all(), "diverged counts as the worst"
    assert (result["ratio"].values > 2).all()
    np.testing.assert_allclose(
        result["ratio"].values, result["before"].values / result["none"].values
    )
    assert verdict.kind in ("holds", "depends")
    assert result["before"].words() in verdict.words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ratio", "best", "kind"),
    [
        ((10.0, 13.0, 18.0), 0.97, "holds"),
        ((1.0, 1.3, 0.75), 0.97, "fails"),
        ((0.1, 0.13, 0.1), 0.97, "fails"),
        ((3.0, 4.2, 7.5), 0.97, "depends"),
        ((10.0, 13.0, 0.0), 0.97, "depends"),
        ((0.0, 0.0, 0.0), 0.97, "fails"),
        ((10.0, 13.0, 18.0), 0.38, "untested"),
        ((10.0,), 0.97, "depends"),
    ],
)
def test_the_numbers_decide(short, ratio: tuple[float, ...], best: float, kind: str):
    values = {"ratio": np.array(ratio), "none_best": np.full(len(ratio), best)}
    result = rate.EXPERIMENT.decide(with_metrics(short[0], values))
    assert result.kind == kind


def with_metrics(result: Result, values: dict[str, np.ndarray]) -> Result:
    changed = (replace(one, values=values.get(one.key, one.values)) for one in result.metrics)
    return replace(result, metrics=tuple(changed))


def test_ten_exactly_for_every_seed_is_not_beyond_the_grid():
    result = rate.EXPERIMENT.effects[0]
    assert result.resolution == pytest.approx(10 ** (1 / 8))


def test_it_is_filed_under_rates_and_sensitivity():
    assert rate.SPEC.claims == (4, 7)
