"""What is said of a map follows from its numbers."""

import csv
import dataclasses
import io

import numpy as np
import pytest

from bn_core.arms import ARMS
from bn_core.sweeps.axis import Axis
from bn_core.sweeps.findings import sentence, where_each_wins
from bn_core.sweeps.reading import (
    box_dimension,
    fates,
    largest_rates,
    measured_fates,
    scores,
)
from bn_core.sweeps.stability_map import (
    DIVERGED,
    LEARNED,
    NOT_LEARNED,
    UNKNOWN,
    StabilityMap,
    nothing,
)
from bn_core.sweeps.sweep import Sweep, usual_base
from bn_core.sweeps.table import map_to_csv, map_to_npz

RATES, DEPTHS = Axis("learning_rate", 0.1, 10.0), Axis("depth", 1, 3)


def usual_steps(arm, x):
    return 100 - 10 * x - 5 * arm


def invented(limits, *, slowest=(0, 0), sweep=None, steps=usual_steps):
    """Return a map in which arm a learns below limits[a][row] and diverges above it.

    Cells in columns below ``slowest[a]`` are finite and have not learned.
    """
    sweep = sweep or Sweep(x=RATES, y=DEPTHS, size=8)
    found = StabilityMap.empty(sweep)
    for line in sweep.lines(0):
        one = nothing(line)
        for place, (x, y) in enumerate(line.cells):
            learns = x < limits[line.arm][y]
            slow = x < slowest[line.arm]
            one.fate[place] = NOT_LEARNED if slow else LEARNED if learns else DIVERGED
            one.loss[place] = 0.1 if learns and not slow else 2.0 if slow else np.inf
            if learns and not slow:
                one.learned_at[place] = steps(line.arm, x)
            if not learns:
                one.diverged_at[place] = 20 - x
        found = found.extended(one)
    return found


def test_the_sentence_names_the_largest_rates_and_where_batch_norm_loses():
    found = invented([(5, 5, 2), (8, 6, 0)])
    rates = found.sweep.x_values
    largest = [np.asarray(largest_rates(found, arm)).tolist() for arm in (0, 1)]
    assert largest == [[rates[4], rates[4], rates[1]], [10, rates[5], 0]]
    words = sentence(found)
    assert words.startswith("So: ")
    middle = f"{rates[4]:.2g} with No norm and {rates[5]:.2g} with BN before"
    assert f"{middle}, {rates[5] / rates[4]:.2g} times as large (medians over hidden" in words
    spread = f"Over hidden layers it ranges from {rates[1]:.2g} to {rates[4]:.2g} with No norm"
    assert f"{spread} and ranges from none to 10 with BN before." in words
    assert "learned in 12 of 24 cells" in words and "learned in 14 of 24 cells" in words
    assert "4 learned only with BN before, 2 only with No norm" in words
    assert "BN before loses to No norm at learning rate 0.1 to 0.193 and hidden layers 3" in words
    assert "BN before was sooner in 10 and No norm in 0" in words


def test_where_the_second_net_does_worse_is_said_row_by_row():
    found = invented([(5, 5, 2), (8, 6, 0)])
    rates = found.sweep.x_values
    said = " ".join(where_each_wins(found))
    assert f"lower at hidden layers 3 (0 against {rates[1]:.2g})" in said
    assert f"higher at hidden layers 1 to 2 ({rates[5]:.2g} to 10 against {rates[4]:.2g})" in said
    later = invented([(4, 4, 4), (4, 4, 4)], steps=lambda arm, x: 100 + (2 * x - 3) * arm)
    said = " ".join(where_each_wins(later))
    assert "equal at every value of hidden layers" in said
    assert "BN before was sooner in 6 and No norm in 6" in said
    assert f"In most of those at learning rate {rates[2]:.3g} to {rates[3]:.3g} it was" in said


def test_nothing_is_said_of_losing_where_nothing_is_lost():
    words = sentence(invented([(3, 3, 3), (5, 5, 5)]))
    assert "loses" not in words and "lower" not in words
    assert "In no cell did No norm learn and BN before not." in words
    assert "none with No norm and at least 10 with BN" in sentence(invented([(0, 0, 0), (8, 8, 8)]))
    assert sentence(StabilityMap.empty(Sweep(size=8))) == ""


def test_the_roughness_of_a_border_is_said_with_its_range_only_where_cells_are_enough():
    two_layers = Sweep(x=Axis.usual("rate_1"), y=Axis.usual("rate_2"), size=72)
    straight = [(36,) * 72, tuple(range(72))]
    words = sentence(measured_everywhere(two_layers, straight))
    assert "The border of No norm is 3 % of the cells (a straight one would be 3 %)" in words
    assert "with box dimension 1.00 (1.00 to 1.00)" in words.split(" The border of BN before")[0]
    coarse = dataclasses.replace(two_layers, size=24)
    words = sentence(measured_everywhere(coarse, [(12,) * 24, (0,) * 24]))
    assert "dimension 1." in words and "choose 72" in words and "box dimension" not in words
    assert "BN before has no border here" in words


def test_nothing_is_concluded_from_a_part_of_a_map():
    sweep = Sweep(x=RATES, y=DEPTHS, size=8)
    found = StabilityMap.empty(sweep)
    for line in sweep.lines(0):
        assert sentence(found) == ""
        one = nothing(line)
        one.fate[:] = LEARNED
        found = found.extended(one)
    assert sentence(found).startswith("So: ")


def refined(sweep):
    """Return the map of a sweep, line by line: the first net learns up to the middle along x."""
    found = StabilityMap.empty(sweep)
    for level in range(sweep.levels):
        for line in sweep.lines(level, found):
            one = nothing(line)
            for place, (x, _) in enumerate(line.cells):
                one.fate[place] = LEARNED if line.arm or x < 36 else DIVERGED
            found = found.extended(one)
            yield found


def test_only_measured_cells_are_counted_and_an_ended_map_concludes_nothing():
    steps = list(refined(Sweep(y=Axis.usual("gain"), size=72)))
    assert [sentence(found) for found in steps[:-1]] == [""] * (len(steps) - 1)
    assert (fates(steps[15], 0) != UNKNOWN).all(), "coarse cells fill the picture"
    assert [(measured_fates(steps[15], arm) != UNKNOWN).sum() for arm in (0, 1)] == [64, 64]
    last = steps[-1]
    assert (measured_fates(last, 0) != UNKNOWN).sum() == (last.fate[0] != UNKNOWN).sum() < 5184
    words = sentence(last)
    assert "No norm learned in 288 of 576 cells and BN before learned in 576 of 576" in words
    assert "the 24 x 24 cells of the even grid" in words


def measured_everywhere(sweep, limits):
    """Return a map all of whose cells are measured: row y learns up to column limits[arm][y]."""
    found = StabilityMap.empty(sweep)
    for arm, ends in enumerate(limits):
        learns = np.arange(sweep.shape[1]) < np.array(ends)[:, None]
        found.fate[arm, 0] = np.where(learns, LEARNED, DIVERGED)
    return found


def test_colours_have_the_sign_of_the_fate_and_the_order_of_the_speed():
    found = invented([(4, 4, 4), (6, 6, 6)], slowest=(1, 0))
    for arm, score in enumerate(scores(found)):
        fate = fates(found, arm)
        assert (score[fate == LEARNED] > 0).all() and (score[fate == DIVERGED] < 0).all()
        assert (score[fate == NOT_LEARNED] == 0).all()
        row = score[0][fate[0] == LEARNED]
        assert (np.diff(row) > 0).all(), "larger rates learn sooner in this map"
        gone = score[0][fate[0] == DIVERGED]
        assert (np.diff(gone) < 0).all(), "larger rates diverge sooner in this map"


def test_a_majority_of_seeds_decides_a_cell():
    sweep = Sweep(usual_base().changed({"replicas": 3}), RATES, DEPTHS, (ARMS["none"],), 8)
    found = StabilityMap.empty(sweep)
    for line in sweep.lines(0):
        one = nothing(line)
        one.fate[:] = (LEARNED, DIVERGED, LEARNED)
        one.fate[0] = (LEARNED, DIVERGED, NOT_LEARNED)
        found = found.extended(one)
    assert (fates(found, 0)[:, 1:] == LEARNED).all()
    assert (fates(found, 0)[:, 0] == NOT_LEARNED).all()


def test_a_line_has_box_dimension_one_and_a_plane_two():
    assert box_dimension(np.eye(64, dtype=bool)) == pytest.approx(1)
    assert box_dimension(np.ones((72, 72), bool)) == pytest.approx(2)
    assert np.isnan(box_dimension(np.zeros((64, 64), bool)))


def test_the_files_hold_every_measured_cell():
    found = invented([(5, 5, 2), (8, 6, 0)])
    rows = list(csv.DictReader(io.StringIO(map_to_csv(found).decode())))
    assert len(rows) == 2 * 24
    last = rows[-1]
    assert (last["net"], last["depth"], last["fate"]) == ("BN before", "3", "diverged")
    assert (last["diverged at step"], last["steps to learn"]) == ("13", "")
    held = np.load(io.BytesIO(map_to_npz(found)), allow_pickle=False)
    assert held["fate"].shape == (2, 1, 3, 8) and held["x"].tolist() == list(found.sweep.x_values)
    partly = StabilityMap.empty(found.sweep)
    assert len(map_to_csv(partly).decode().splitlines()) == 1
    assert (partly.fate == UNKNOWN).all()
