"""What a sweep is: axes, links, and which cells each level measures."""

from itertools import pairwise

import pytest

from bn_core.arms import ARMS
from bn_core.settings import SettingError
from bn_core.sweeps.axis import AXES, Axis, values_text
from bn_core.sweeps.link import SWEEP_KEYS, sweep_from_query, sweep_to_query
from bn_core.sweeps.sweep import SIZES, Sweep, usual_base


def test_values_of_an_axis_keep_its_ends_and_even_ratios():
    values = Axis("learning_rate", 0.01, 10.0).values(4)
    assert values == (0.01, 0.1, 1.0, 10.0)
    assert Axis("dropout", 0.0, 0.8).values(5) == pytest.approx((0, 0.2, 0.4, 0.6, 0.8))


def test_whole_numbers_appear_once_each():
    assert Axis("depth", 1, 5).values(24) == (1, 2, 3, 4, 5)
    values = Axis("batch_size", 1, 512).values(24)
    assert list(values) == sorted(set(values)) and all(isinstance(v, int) for v in values)


def test_neighbours_of_a_narrow_range_stay_apart():
    values = Axis("learning_rate", 0.5, 0.5 * (1 + 1e-9)).values(72)
    assert len(set(values)) == 72
    assert len(set(values_text(values))) == 72
    with pytest.raises(SettingError, match="Zoom out"):
        Axis("learning_rate", 0.5, 0.5 * (1 + 1e-13)).values(72)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("learning_rate", 1.0, 0.1),
        ("learning_rate", 0.0, 1.0),
        ("learning_rate", float("nan"), 1.0),
        ("learning_rate", 0.1, float("inf")),
        ("depth", 1.5, 4),
        ("depth", 1, 500),
        ("seed", 1, 4),
    ],
)
def test_ends_that_do_not_fit_are_refused(name, low, high):
    with pytest.raises(SettingError):
        Axis(name, low, high)


def test_every_usual_range_fits_its_setting():
    for name in AXES:
        assert Axis.usual(name).values(24)


SWEEPS = [
    Sweep(),
    Sweep(size=72, double=True, x=Axis("learning_rate", 0.12345678901234, 0.2)),
    Sweep(x=Axis.usual("depth"), y=Axis.usual("gain"), size=8, arms=(ARMS["layer"],)),
    Sweep(x=Axis.usual("rate_1"), y=Axis.usual("rate_2"), base=usual_base().changed({"seed": 5})),
    Sweep(base=usual_base().changed({"width": 64, "depth": 6, "data": "moons"})),
]


@pytest.mark.parametrize("sweep", SWEEPS)
def test_a_link_holds_the_whole_sweep(sweep):
    query = sweep_to_query(sweep)
    assert set(query) <= SWEEP_KEYS
    assert sweep_from_query(query) == (sweep, [])
    assert sweep_to_query(Sweep()) == {}


@pytest.mark.parametrize(
    "query",
    [
        {"x": "<b>"},
        {"x": "learning_rate", "y": "learning_rate"},
        {"x": "rate_1", "y": "depth"},
        {"xr": "1:0"},
        {"xr": "nan:inf"},
        {"xr": "1:" + "9" * 500},
        {"xr": "--:e"},
        {"yr": "1"},
        {"size": "1000000"},
        {"f64": "yes"},
        {"width": "1e9"},
        {"arms": "nobody"},
        {"arms": "none-before-after-layer-group"},
        {"x": "rate_1", "y": "rate_2", "arms": "none-layer"},
    ],
)
def test_a_hostile_link_falls_back_and_says_so(query):
    sweep, complaints = sweep_from_query(query)
    assert complaints and sweep.shape <= (72, 72)
    assert "<" not in complaints[0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["batch_size", "depth", "width", "gain"])
def test_each_level_holds_the_cells_of_the_level_before(size, name):
    sweep = Sweep(y=Axis.usual(name), size=size)
    every = {(x, y) for x in range(sweep.shape[1]) for y in range(sweep.shape[0])}
    grids = [sweep.cells_of(level) for level in range(sweep.levels)]
    for coarse, fine in pairwise(grids):
        assert coarse <= fine
    assert grids[-1] == every


def test_the_lines_of_the_first_levels_measure_every_cell_once():
    for sweep in (Sweep(), Sweep(x=Axis.usual("depth"), y=Axis.usual("learning_rate"))):
        lines = [line for level in range(sweep.levels) for line in sweep.lines(level)]
        cells = [(line.arm, cell) for line in lines for cell in line.cells]
        assert len(cells) == len(set(cells)) == 2 * sweep.shape[0] * sweep.shape[1]
        for line in lines:  # what is trained at once lies along the rates
            assert len({cell[1 if sweep.along_x else 0] for cell in line.cells}) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": "moons", "points": 100}, "does not fit"),
        ({"steps": 10_000, "width": 256, "depth": 20}, "times heavier"),
        ({"replicas": 10}, "at most 3 seeds"),
    ],
)
def test_what_cannot_be_computed_is_said_before_anything_is(changes, words):
    assert words in Sweep(base=usual_base().changed(changes)).problem()
    assert not Sweep().problem()


def test_a_cell_opens_in_the_lab_with_its_settings():
    sweep = Sweep(size=8)
    comparison = sweep.comparison((3, 5))
    assert comparison.base.learning_rate == sweep.x_values[3]
    assert comparison.base.batch_size == sweep.y_values[5]
    assert comparison.arms == sweep.arms
