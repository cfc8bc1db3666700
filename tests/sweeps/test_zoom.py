"""A rectangle of a map becomes a map of its own, finer."""

import dataclasses

import numpy as np
import pytest

from bn_core.settings import SettingError
from bn_core.sweeps.axis import Axis
from bn_core.sweeps.link import sweep_from_query, sweep_to_query
from bn_core.sweeps.stability_map import DIVERGED, LEARNED, StabilityMap
from bn_core.sweeps.sweep import Sweep
from bn_core.sweeps.zoom import zoomed, zoomed_at_border

SWEEP = Sweep(x=Axis("learning_rate", 0.01, 10.0), y=Axis("depth", 1, 8), size=8)


def test_ends_between_cells_follow_the_spacing_of_the_axis():
    found = zoomed(SWEEP, (3.5, 7.5), (2.4, 4.6))
    values = SWEEP.x_values
    assert found.x.low == pytest.approx((values[3] * values[4]) ** 0.5, rel=1e-3)
    assert (found.x.high, found.y.low, found.y.high) == (10.0, 3, 6)
    assert found.size == 8 and not found.double
    assert sweep_from_query(sweep_to_query(found)) == (found, [])
    assert zoomed(SWEEP, (7.5, 3.5), (4.6, 2.4)) == found, "dragged from any corner"


def test_whole_numbers_keep_two_values():
    assert zoomed(SWEEP, (1, 2), (3.1, 3.2)).y == Axis("depth", 4, 5)
    assert zoomed(SWEEP, (1, 2), (6.9, 9.0)).y == Axis("depth", 7, 8)


def test_rates_that_are_close_are_computed_in_float64():
    once = zoomed(SWEEP, (3.0, 3.2), (0, 7))
    assert not once.double
    again = zoomed(once, (3.0, 3.2), (0, 7))
    assert again.double


@pytest.mark.parametrize("xs", [(-0.5, 7.5), (float("nan"), 1.0), (0.0, float("inf"))])
def test_what_is_no_part_is_refused(xs):
    with pytest.raises(SettingError):
        zoomed(SWEEP, xs, (-0.5, 7.5))


def test_rates_cannot_be_zoomed_beyond_their_digits():
    sweep = SWEEP
    with pytest.raises(SettingError):
        for _ in range(40):
            sweep = zoomed(sweep, (3.0, 3.5), (0, 7))
            sweep.x.values(8)


def test_the_border_is_zoomed_into_where_it_is_nearest_to_the_middle():
    sweep = dataclasses.replace(SWEEP, size=24)
    found = StabilityMap.empty(sweep)
    with pytest.raises(SettingError, match="no border"):
        zoomed_at_border(found)
    found.fate[0, 0] = np.where(np.arange(24) < 9, LEARNED, DIVERGED)
    part = zoomed_at_border(found)
    assert part.x.low < sweep.x_values[8] < sweep.x_values[9] < part.x.high
    assert part.x.high / part.x.low < 2.5
