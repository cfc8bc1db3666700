"""Random settings: what is drawn, what counts as learning, the verdict, and a run."""

import numpy as np
import pytest

from bn_core.claims import CLAIMS
from bn_core.experiments import EXPERIMENTS, random_grid, shard_of
from bn_core.results import Panel, TaskGenerator


def test_settings_are_a_seeds_own_and_lie_in_their_ranges():
    many = random_grid.drawn_settings(3, 200)
    assert many[:8] == random_grid.drawn_settings(3, 8), "a quick run takes the first of them"
    assert many[:8] != random_grid.drawn_settings(4, 8)
    assert {one["optimizer"] for one in many} == set(random_grid.USUAL_RATES)
    ratios = [one["learning_rate"] / random_grid.USUAL_RATES[one["optimizer"]] for one in many]
    for values in (ratios, [one["gain"] for one in many]):
        assert 0.1 <= min(values) < 0.15 and 7 < max(values) <= 10
        assert 0.35 < np.mean(np.array(values) < 1) < 0.65
    assert {one["depth"] for one in many} == set(range(2, 16))


def partials(shares: dict[str, list[float]], usual: float = 0.95) -> dict:
    """Return ended shards of three seeds of 20 settings, of which such shares learn."""
    drawn = {
        "rate": np.tile([0.5, 2.0], (3, 10)),
        "gain": np.tile([0.5] * 10 + [2.0] * 10, (3, 1)),
        "depth": np.full((3, 20), 4),
    }
    return {
        name: {
            "usual": np.full(3, usual),
            "accuracy": np.stack(
                [np.where(np.arange(20) < round(20 * share), 0.95, 0.1) for share in of_seeds]
            ),
            **drawn,
            "complete": True,
        }
        for name, of_seeds in shares.items()
    }


def verdict(none: list[float], before: list[float], usual: float = 0.95):
    found = partials({"none": none, "before": before, "layer": [0.4] * 3}, usual)
    return EXPERIMENTS["grid"].decide(random_grid.summarize(found))


def test_the_verdict_can_come_out_every_way():
    assert verdict([0.1, 0.2, 0.15], [0.6, 0.7, 0.65]).kind == "holds"
    assert verdict([0.5, 0.6, 0.55], [0.5, 0.6, 0.55]).kind == "fails"
    assert verdict([0.6, 0.7, 0.65], [0.1, 0.2, 0.15]).kind == "fails"
    open_still = verdict([0.1, 0.5, 0.1], [0.5, 0.6, 0.2])
    assert (open_still.kind, open_still.settled) == ("depends", False)
    assert verdict([0.1] * 3, [0.7] * 3, usual=0.5).kind == "untested"


def test_shares_are_those_of_settings_that_reach_90_percent():
    shares = {"none": [0.1] * 3, "before": [0.6, 0.7, 0.8], "layer": [0.4] * 3}
    result = random_grid.summarize(partials(shares))
    np.testing.assert_allclose(result["before_share"].values, shares["before"])
    np.testing.assert_allclose(result["over_none"].values, [0.5, 0.6, 0.7])
    levels, halves = result.panels
    assert isinstance(levels, Panel) and isinstance(halves, Panel)
    curve = levels.curves[1]
    assert (curve.y[:, 0] == 1).all() and (np.diff(curve.y, axis=1) <= 0).all()
    np.testing.assert_allclose(curve.y[:, 90], shares["before"])
    assert halves.categories[2:4] == ("small weights", "large weights")
    np.testing.assert_allclose(halves.curves[1].y[:, 2], 1.0)
    np.testing.assert_allclose(halves.curves[1].y[:, 3], [0.2, 0.4, 0.6])
    assert np.isnan(halves.curves[1].y[:, 5]).all(), "no net of 9 layers or more was drawn"


def test_the_claim_on_settings_is_measured_by_what_it_states():
    (claim,) = (one for one in CLAIMS if one.number == 7)
    assert claim.measured_by == "grid"


@pytest.mark.slow
def test_more_settings_learn_with_batch_norm():
    partials = {name: ended(shard_of("grid", name, 2, 0, True)) for name in ("none", "before")}
    result = random_grid.summarize(partials)
    assert (result["none_usual"].values > 0.8).all()
    assert result["over_none"].values.mean() > 0.1


def ended(task: TaskGenerator) -> dict:
    """Return what a shard brings in the end."""
    while True:
        try:
            next(task)
        except StopIteration as stop:
            return stop.value
