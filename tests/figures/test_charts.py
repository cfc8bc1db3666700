"""Every chart of every edge case is a figure plotly accepts, and says what it shows."""

import re
from typing import Any

import numpy as np
import orjson
import plotly.graph_objects as go
import pytest

from bn_core.figures.boundary import boundary
from bn_core.figures.chart import Chart
from bn_core.figures.curves import accuracy, loss
from bn_core.figures.dashboard import IDS, charts
from bn_core.figures.depth import by_depth
from bn_core.figures.distributions import ridges
from bn_core.figures.gradients import heat_map, update_ratio
from bn_core.figures.outputs import output_gradient
from bn_core.figures.percentiles import percentiles
from bn_core.figures.serialize import to_bytes
from bn_core.figures.theme import paint
from bn_core.figures.view import View
from bn_core.records import SITES, Record
from tests.figures.invented import make_record

VIEWS = (
    View(),
    View(
        site="normalized",
        layer=20,
        unit="first",
        loss_scale="log",
        distributions="percentiles",
        gradients="ratio",
        moment="output",
        projector=True,
    ),
    View(site="post_activation", distributions="percentiles", layer=1),
)


def valid(chart: Chart, theme: str) -> go.Figure:
    """Return the painted figure as plotly sees it; no colour name may be left."""
    painted = paint(chart.figure, theme)
    assert b'"@' not in to_bytes(painted)
    return go.Figure(painted)


@pytest.mark.parametrize(("view", "cursor", "theme"), [(0, 0, "dark"), (1, None, "light")])
def test_every_case_makes_valid_figures(
    any_record: Record, view: int, cursor: int | None, theme: str
) -> None:
    found = charts(any_record, VIEWS[view], cursor)
    assert [chart.id for chart in found] == list(IDS)
    for chart in found:
        valid(chart, theme)
        assert chart.title and chart.help.count(". ") >= 1


@pytest.mark.parametrize("cursor", [0, 3, None])
def test_every_case_is_told_in_words(any_record: Record, cursor: int | None) -> None:
    for view in VIEWS:
        for chart in charts(any_record, view, cursor):
            assert chart.alt.endswith(".") and "nan" not in re.findall(r"\w+", chart.alt.lower())
            assert "inf" not in re.findall(r"\w+", chart.alt.lower())


def test_a_cursor_beyond_the_end_is_the_newest_snapshot(record: Record) -> None:
    told = [[chart.alt for chart in charts(record, View(), cursor)] for cursor in (None, 10, 999)]
    assert told[0] == told[1] == told[2]


def test_arrays_are_32_bit_floats_or_integers(any_record: Record) -> None:
    def walk(part: Any) -> None:
        if isinstance(part, np.ndarray):
            assert part.dtype in (np.float32, np.int32)
            assert part.dtype == np.int32 or not np.isinf(part).any()
        elif isinstance(part, dict):
            [walk(value) for value in part.values()]
        elif isinstance(part, list):
            [walk(value) for value in part]

    for view in VIEWS:
        walk([chart.figure for chart in charts(any_record, view)])


def test_a_frame_is_small_and_valid_json() -> None:
    record = make_record(trained=1000, every=16, steps=1000, depth=10)
    dashboard = to_bytes([chart.figure for chart in charts(record, View())])
    assert len(dashboard) < 250_000
    assert orjson.loads(dashboard)


def test_the_moment_follows_the_data_and_the_view() -> None:
    plane, images = make_record(data="moons"), make_record()
    titles = [charts(r, View())[2].title for r in (plane, images)]
    assert titles == ["Decision boundary", "Output gradient: predicted minus true"]
    assert charts(plane, View(moment="output"))[2].title == "Output gradient: predicted minus true"


def test_arms_differ_in_more_than_colour(record: Record) -> None:
    legend = loss(record, View(), None).legend
    assert [entry.label for entry in legend] == ["No norm", "BN before", "BN after"]
    for kind in ("colour", "dash", "symbol"):
        assert len({getattr(entry, kind) for entry in legend}) == 3


def test_legends_stand_beside_plots_and_name_what_is_drawn(any_record: Record) -> None:
    for view in VIEWS:
        for chart in charts(any_record, view):
            assert not chart.figure["layout"]["showlegend"]
            groups = {trace.get("legendgroup") for trace in chart.figure["data"]}
            for entry in chart.legend:
                assert entry.label and (entry.dash or entry.symbol)
                assert "@" in entry.colour
                if entry.group and any_record.snapshots and chart.id in ("accuracy", "gradients"):
                    assert entry.group in groups


def test_every_chart_over_the_steps_can_be_read_at_a_step(record: Record) -> None:
    over_steps = {}
    for view in (View(), View(distributions="percentiles", gradients="ratio")):
        for chart in charts(record, view):
            if not chart.time_axes:
                continue
            over_steps[chart.title] = chart
            assert set(chart.time_axes) <= set(chart.figure["layout"])
            for entry in chart.legend:
                read = [
                    trace
                    for trace in chart.figure["data"]
                    if trace.get("legendgroup") == entry.group and "read" in trace.get("meta", {})
                ]
                assert bool(read) == bool(entry.group), (chart.id, entry)
                assert all(np.all(np.diff(trace["x"]) > 0) for trace in read)
    titles = {"Loss", "Accuracy", "Gradient of each layer", "Update : data", "Layer 5 over time"}
    assert set(over_steps) == titles


@pytest.mark.parametrize("view", [View(), View(projector=True)])
def test_zoom_survives_and_the_steps_axis_rests(view: View) -> None:
    early, late = make_record(trained=4), make_record(trained=40)
    for maker in (loss, accuracy, heat_map, update_ratio, percentiles):
        layouts = [maker(r, view, None).figure["layout"] for r in (early, late)]
        assert layouts[0]["uirevision"] == layouts[1]["uirevision"]
        assert layouts[0]["xaxis"]["range"] == layouts[1]["xaxis"]["range"]


def test_gradient_maps_share_one_scale(record: Record) -> None:
    figure = heat_map(record, View(), None).figure
    assert len(figure["data"]) == 3
    assert {trace["coloraxis"] for trace in figure["data"]} == {"coloraxis"}
    scale = figure["layout"]["coloraxis"]
    for trace in figure["data"]:
        assert scale["cmin"] <= trace["z"].min() and trace["z"].max() <= scale["cmax"]


def test_a_map_holds_the_log_of_the_median_norm(record: Record) -> None:
    figure, snapshot = heat_map(record, View(), None).figure, record.snapshots[2].arms[1]
    assert snapshot is not None
    expected = np.log10(np.median(snapshot.gradient_norm, axis=0))
    np.testing.assert_allclose(figure["data"][1]["z"][:, 2], expected, rtol=1e-5)
    assert figure["layout"]["yaxis2"]["ticktext"][-1] == "out"


def test_output_gradients_share_a_fixed_scale_around_zero(record: Record) -> None:
    figure = output_gradient(record, View(), None).figure
    scale = figure["layout"]["coloraxis"]
    assert (scale["cmin"], scale["cmid"], scale["cmax"]) == (-1, 0, 1)
    assert {trace["coloraxis"] for trace in figure["data"]} == {"coloraxis"}


def test_boundaries_have_equal_aspect_and_two_symbols() -> None:
    figure = boundary(make_record(data="moons"), View(), None).figure
    for number in ("", "2", "3"):
        assert figure["layout"][f"yaxis{number}"]["scaleanchor"] == f"x{number}"
        assert figure["layout"][f"yaxis{number}"]["scaleratio"] == 1
    points = [trace for trace in figure["data"] if trace["type"] == "scatter"]
    assert {trace["marker"]["symbol"] for trace in points} == {"circle", "diamond"}
    planes = [trace for trace in figure["data"] if trace["type"] == "heatmap"]
    assert {(trace["zmin"], trace["zmax"]) for trace in planes} == {(0, 1)}


def test_percentile_panels_share_their_y_axis(record: Record) -> None:
    figure = percentiles(record, View(), None).figure
    layout = figure["layout"]
    assert [layout[f"yaxis{n}"]["matches"] for n in (2, 3)] == ["y", "y"]
    assert layout["yaxis"]["range"] == layout["yaxis2"]["range"] == layout["yaxis3"]["range"]
    assert {trace["xaxis"] for trace in figure["data"]} == {"x", "x2", "x3"}
    snapshot = record.snapshots[-1].arms[0]
    assert snapshot is not None
    drawn = [trace["customdata"][-1] for trace in figure["data"][1:4]]
    np.testing.assert_allclose(drawn, np.median(snapshot.quantiles[:, 0, -1], axis=0), rtol=1e-5)


def test_a_blown_up_arm_does_not_press_the_others_flat(record: Record) -> None:
    record.train_loss[20:, 0] = 1e9
    chart = loss(record, View(), None)
    assert chart.figure["layout"]["yaxis"]["range"][1] < 20
    seen = record.snapshots[-1].arms[0]
    assert seen is not None
    seen.validation_loss[:] = 1e9
    assert "Beyond the top of the axis" in loss(record, View(), None).alt


def test_words_tell_the_numbers_at_the_cursor(record: Record) -> None:
    position, snapshot = 5, record.snapshots[5]
    assert snapshot.step == 20
    arm = snapshot.arms[1]
    assert arm is not None
    arm.validation_loss[:] = (0.4, 0.5, 0.6)
    arm.validation_accuracy[:] = (0.7, 0.8, 0.9)
    record.train_loss[18:20, 1] = (0.1, 0.2, 0.3)
    words = loss(record, View(), position).alt
    assert words.startswith("Training loss after 20 steps, median of 3 seeds: No norm ")
    assert "BN before 0.20, " in words and "BN before 0.50, " in words
    assert "after 20 steps" in accuracy(record, View(), position).alt
    assert "BN before 80 %" in accuracy(record, View(), position).alt
    assert "Chance is 10 %" in accuracy(record, View(), position).alt
    arm.std[:, 0, -1], arm.mean[:, 0, -1] = 1.25, -0.5
    assert "BN before mean -0.50, deviation 1.25" in ridges(record, View(), position).alt
    assert "1.25 in layer 5, mean -0.50 there" in by_depth(record, View(), position).alt
    arm.gradient_norm[:, -1], arm.update_ratio[:] = 0.01, 0.001
    assert "BN before -2.00" in heat_map(record, View(), position).alt.split("output layer")[1]
    assert "BN before -3.00" in update_ratio(record, View(), position).alt


def test_the_cursor_is_drawn_where_it_stands(record: Record) -> None:
    for maker in (loss, accuracy, update_ratio, heat_map):
        shapes = maker(record, View(), 5).figure["layout"]["shapes"]
        assert shapes[-1]["x0"] == shapes[-1]["x1"] == 20


def test_a_missing_site_is_absent_and_said_to_be(record: Record) -> None:
    for maker in (ridges, percentiles, by_depth):
        assert "No norm has no normalization" in maker(record, View(site="normalized"), None).alt
        assert "has no normalization" not in maker(record, View(site=SITES[0]), None).alt
