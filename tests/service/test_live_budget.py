"""How often a run is measured for the display; with a clock of the test's own."""

import pytest

from bn_core.service.live_budget import SECONDS_BETWEEN, SHARE, LiveBudget


def measured(cost: float, share: float, *, step: float = 0.01, seconds: float = 20.0) -> int:
    """Return how often a run is measured that takes a step every so often."""
    budget, count = LiveBudget(), 0
    budget.start(0.0)
    for number in range(round(seconds / step)):
        if budget.due(number * step, share):
            budget.charge(cost)
            count += 1
    return count


def test_cheap_measurements_are_taken_ten_times_a_second():
    count = measured(cost=0.001, share=1.0, step=0.001)
    assert count == pytest.approx(20 / SECONDS_BETWEEN, rel=0.02)


@pytest.mark.parametrize(("cost", "share"), [(0.05, 1.0), (0.006, 1 / 15), (0.5, 1.0)])
def test_dear_measurements_take_at_most_their_share_of_the_time_of_the_run(cost, share):
    spent = measured(cost, share) * cost
    assert spent <= SHARE * share * 20 + cost + 1e-9, "the last one may be paid for afterwards"
    assert spent > 0.5 * SHARE * share * 20


def test_the_time_a_run_rested_is_not_saved_up():
    budget = LiveBudget()
    budget.start(0.0)
    assert budget.due(0.0, 1.0)
    budget.charge(0.5)
    budget.start(1000.0)
    assert not budget.due(1000.2, 1.0)
