"""Charts of nets that differ in depth: one axis for all, layer 1 of each at one height."""

import numpy as np
import pytest

from bn_core.arms import arm_named
from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.figures.dashboard import charts
from bn_core.figures.depth import by_depth
from bn_core.figures.distributions import RIDGE, ridges
from bn_core.figures.percentiles import percentiles
from bn_core.figures.summary import rows
from bn_core.figures.view import View
from bn_core.records import Record
from bn_core.training import run
from tests.figures.invented import DIFFERENT, make_record


@pytest.fixture
def depths() -> Record:
    """Return a record of nets of two and of eight layers, whose base has five."""
    return make_record(("none;depth:2", "before;depth:8"))


def test_hills_of_a_layer_stand_at_one_height_whatever_the_depth_of_the_net(depths):
    figure = ridges(depths, View(), None).figure
    assert figure["layout"]["yaxis"]["range"][1] > 8
    shallow, deep = (figure["data"][arm] for arm in (0, 1))
    tops = {}
    for name, trace in (("shallow", shallow), ("deep", deep)):
        layers = trace["customdata"][..., 2].ravel()
        for layer in (1, 2):
            heights = np.asarray(trace["y"]).ravel()[layers == layer]
            tops[name, layer] = float(np.nanmax(heights))
    assert tops["shallow", 1] == pytest.approx(7 + RIDGE) == tops["deep", 1]
    assert tops["shallow", 2] == pytest.approx(6 + RIDGE) == tops["deep", 2]


def test_the_axis_of_layers_reaches_the_deepest_net(depths):
    layout = by_depth(depths, View(), None).figure["layout"]
    assert layout["xaxis"]["range"] == [0.6, 8.4]


@pytest.mark.parametrize(("layer", "absent"), [(0, True), (8, True), (2, False)])
def test_a_net_without_the_layer_has_an_empty_panel_that_says_so(depths, layer, absent):
    chart = percentiles(depths, View(distributions="percentiles", layer=layer), None)
    named = f"no layer {layer or 8}"
    notes = [note["text"] for note in chart.figure["layout"]["annotations"]]
    assert (named in notes) == absent
    assert (f"No norm, depth 2 has {named}." in chart.alt) == absent


def test_a_layer_that_is_not_normalized_says_so_in_a_net_that_is():
    record = make_record(("before;normed:1-2",))
    view = View(distributions="percentiles", site="normalized")
    for layer, absent in ((2, False), (3, True)):
        chart = percentiles(record, View(**{**vars(view), "layer": layer}), None)
        notes = [note["text"] for note in chart.figure["layout"]["annotations"]]
        assert ("no normalization" in notes) == absent


def test_values_below_zero_have_room_unless_no_net_puts_out_any():
    view = View(site="post_activation")
    for names, negative in ((("none", "before"), False), (("none", "before;act:tanh"), True)):
        low, high = ridges(make_record(names), view, None).figure["layout"]["xaxis"]["range"]
        assert (low == -high) == negative


def test_shares_of_different_activations_are_headed_by_both():
    texts = [
        note["text"]
        for note in ridges(make_record(("none", "none;act:tanh")), View(), None).figure["layout"][
            "annotations"
        ]
    ]
    assert "dead / saturated, %" in texts


@pytest.mark.parametrize("data", ["digits", "moons"])
def test_a_real_run_of_eight_different_nets_is_drawn_and_summed_up(data):
    base = Config(data=data, steps=4, depth=5, width=16, replicas=2)
    record = run(Comparison(base, tuple(arm_named(name) for name in DIFFERENT)))
    for view in (View(), View(distributions="percentiles", site="normalized", gradients="ratio")):
        found = charts(record, view, None)
        assert all(chart.alt for chart in found)
    found = rows(record)
    assert [row.arm for row in found] == list(DIFFERENT)
    assert all(row.milliseconds_per_step > 0 for row in found)
