"""Every chart of every edge case is a figure plotly accepts, and says what it shows."""

import dataclasses
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
from tests.figures.invented import make_record, with_divergence

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


def test_divergence_is_crossed_and_named() -> None:
    chart = loss(with_divergence(make_record(), 0, (0, 1, 2), 13), View(), None)
    (cross,) = [trace for trace in chart.figure["data"] if trace["name"] == "No norm, diverged"]
    assert cross["marker"]["symbol"] == "x" and cross["x"].tolist() == [13, 13, 13]
    assert [entry.symbol for entry in chart.legend if entry.label == "diverged"] == ["x"]
    assert cross["customdata"] == [f"seed {n} diverged at step 13" for n in (10, 11, 12)]
    low, high = chart.figure["layout"]["yaxis"]["range"]
    assert np.all((low < cross["y"]) & (cross["y"] < high))
    assert "No norm diverged" in chart.alt


def test_a_lost_seed_counts_as_the_worst_accuracy() -> None:
    lost = with_divergence(make_record(), 1, (0,), 13)
    snapshot = lost.snapshots[-1].arms[1]
    assert snapshot is not None
    # The largest of ten NaN is the first: torch calls it a guess of class 0.
    snapshot.validation_accuracy[:] = (0.5, 0.8, 0.9)
    chart = accuracy(lost, View(), None)
    assert "BN before 80 % (1 of 3 seeds diverged)" in chart.alt
    band, line = lines_of(chart, "BN before, validation")
    assert line["y"][-1] == np.float32(80) and band["y"].min() == 0
    assert line["customdata"][-1] == "80.0 % (diverged to 90.0)"


def test_most_seeds_lost_is_no_accuracy_of_the_one_that_is_left() -> None:
    lost = with_divergence(make_record(), 1, (0, 2), 13)
    snapshot = lost.snapshots[-1].arms[1]
    assert snapshot is not None
    snapshot.validation_accuracy[:] = (0.5, 0.99, 0.5)
    assert "BN before diverged (2 of 3 seeds diverged)" in accuracy(lost, View(), None).alt
    assert "BN before diverged (2 of 3 seeds diverged)" in loss(lost, View(), None).alt
    legend = [entry.label for entry in loss(lost, View(), None).legend]
    assert "shaded to the top: some seeds diverged" in legend, "the band that has no end says so"
    all_lost = with_divergence(make_record(), 1, (0, 1, 2), 13)
    assert not any("shaded" in entry.label for entry in loss(all_lost, View(), None).legend)


def test_a_lost_seed_counts_as_an_infinite_loss() -> None:
    lost = with_divergence(make_record(), 1, (0,), 13)
    snapshot = lost.snapshots[-1].arms[1]
    assert snapshot is not None
    snapshot.validation_loss[:] = (np.nan, 0.25, 0.75)
    lost.train_loss[38:, 1] = (np.nan, 0.1, 0.4)
    chart = loss(lost, View(), None)
    train, validation = chart.alt.split("Validation loss")
    assert "BN before 0.40 (1 of 3 seeds diverged)" in train
    assert "BN before 0.75 (1 of 3 seeds diverged)" in validation
    band, line = lines_of(chart, "BN before, training")
    top = chart.figure["layout"]["yaxis"]["range"][1]
    assert line["y"][-1] == np.float32(0.4) and band["y"].max() == np.float32(top)
    assert "0.4 nats (0.1 to diverged)" in line["customdata"][-1]
    (marks,) = [t for t in chart.figure["data"] if "BN before, val" in t.get("hovertemplate", "")]
    assert marks["y"][-1] == 0.75


def test_two_of_three_lost_leave_no_loss_to_draw() -> None:
    chart = loss(with_divergence(make_record(), 1, (0, 2), 13), View(), None)
    _, line = lines_of(chart, "BN before, training")
    assert np.isnan(line["y"][-1]) and np.isfinite(line["y"][5])


def test_seeds_left_out_of_distributions_and_gradients_are_counted() -> None:
    lost = with_divergence(make_record(), 1, (0,), 13)
    for view in (View(), View(distributions="percentiles")):
        for name in ("distributions", "depth"):
            (chart,) = [one for one in charts(lost, view) if one.id == name]
            assert "BN before: 2 of 3 seeds; 1 diverged." in chart.alt, name
            (early,) = [one for one in charts(lost, view, 2) if one.id == name]
            assert "diverged" not in early.alt
    for maker in (heat_map, update_ratio):
        assert "(1 of 3 seeds diverged)" in maker(lost, View(), None).alt
        assert "diverged" not in maker(lost, View(), 2).alt


def test_a_loss_that_breaks_in_the_next_step_is_not_yet_lost() -> None:
    lost = with_divergence(make_record(), 1, (0,), 13)
    assert lost.snapshots[3].step == 12
    assert "diverged" not in loss(lost, View(), 3).alt


def test_zero_and_tiny_gradients_are_hovered_as_they_are(record: Record) -> None:
    seen = record.snapshots[-1].arms[0]
    assert seen is not None
    seen.gradient_norm[:, 0], seen.gradient_norm[:, 1] = 0.0, 1e-20
    seen.update_ratio[:] = 1e-12
    chart = heat_map(record, View(), None)
    trace = chart.figure["data"][0]
    assert trace["customdata"][0][-1] == "zero" and trace["customdata"][1][-1] == "10^-20.00"
    assert trace["hovertemplate"].count("customdata") == 1
    assert "in layer 1: No norm zero, " in chart.alt
    assert "customdata" not in chart.figure["data"][1]
    chart = update_ratio(record, View(), None)
    _, line = lines_of(chart, "No norm")
    low = chart.figure["layout"]["yaxis"]["range"][0]
    assert line["y"][-1] == low and line["customdata"][-1] == "10^-12.00, below the axis"
    assert "No norm -12.00" in chart.alt


def test_moments_beyond_the_axis_are_hovered_as_they_are(record: Record) -> None:
    seen = record.snapshots[-1].arms[0]
    assert seen is not None
    seen.std[:, 0, 0], seen.std[:, 0, 1], seen.mean[:, 0, 1] = 0.0, 1e9, -1e9
    chart = by_depth(record, View(), None)
    _, std = lines_of(chart, "No norm, std")
    _, mean = lines_of(chart, "No norm, mean")
    assert std["customdata"][:2] == ["0, below the axis", "1e+09, above the axis"]
    assert mean["customdata"][1] == "-1e+09, below the axis"
    np.testing.assert_allclose(std["y"][:2], [1e-6, 1e6])
    assert "No norm deviation 0 in layer 1" in chart.alt


def test_a_loss_of_zero_is_at_the_foot_of_a_log_axis_and_said_to_be_below(record: Record) -> None:
    record.train_loss[30:, 0] = 0.0
    for snapshot in record.snapshots[-2:]:
        seen = snapshot.arms[0]
        assert seen is not None
        seen.validation_loss[:] = 0.0
    chart = loss(record, View(loss_scale="log"), None)
    _, line = lines_of(chart, "No norm, training")
    foot = 10 ** chart.figure["layout"]["yaxis"]["range"][0]
    np.testing.assert_allclose(line["y"][-1], foot, rtol=1e-5)
    assert line["customdata"][-1] == "0 nats, below the axis"
    assert "Below the foot of the axis" in chart.alt and "Training loss" in chart.alt


def test_values_in_the_outermost_bins_are_said_to_be_beyond(record: Record) -> None:
    seen = record.snapshots[-1].arms[0]
    assert seen is not None
    seen.histogram[0, 2, 1:-1] = 0
    seen.histogram[0, 2, [0, -1]] = (1, 3)
    texts = [
        text
        for trace in ridges(record, View(), None).figure["data"]
        for text in trace.get("customdata", ())
        if "<extra>No norm<" in trace["hovertemplate"] and str(text).startswith("layer 3")
    ]
    assert texts[0].startswith("layer 3 · 25 % of the values are below -8,")
    assert texts[1].startswith("layer 3 · 75 % of the values are above 8,")


def test_how_many_values_are_behind_a_histogram_and_a_percentile_is_said(record: Record) -> None:
    seen = record.snapshots[-1].arms[0]
    assert seen is not None
    seen.histogram_values[0, 2], seen.quantile_values[0, 1] = 1200, 700
    chart = ridges(record, View(), None)
    assert "Each histogram is made of 1,200 to 1,365 values." in chart.alt
    title = chart.figure["layout"]["xaxis"]["title"]["text"]
    assert title == "value that enters the activation"
    chart = percentiles(record, View(), None)
    assert "Each is taken over 700 to 911 values in each seed." in chart.alt
    assert "of 700 to 911 values" in chart.figure["data"][1]["hovertemplate"]
    assert "values in each seed" not in percentiles(record, View(unit="first"), None).alt


def test_gaps_between_snapshots_are_not_bridged(record: Record) -> None:
    for at in (3, 4, 6):
        seen = record.snapshots[at].arms[0]
        assert seen is not None
        seen.gradient_norm[:], seen.update_ratio[:] = np.nan, np.nan
    band, line = lines_of(update_ratio(record, View(), None), "No norm")
    x = [snapshot.step for snapshot in record.snapshots]
    parts = np.split(band["x"], np.flatnonzero(np.isnan(band["x"])))
    ranges = [(np.nanmin(part), np.nanmax(part)) for part in parts]
    # No step has been taken at step 0; the sixth snapshot stands alone.
    assert ranges == [(x[1], x[2]), (x[5], x[5]), (x[7], x[-1])]
    assert line["marker"]["size"][5] > 0 and line["marker"]["size"][8] == 0


def lines_of(chart: Chart, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the band and the median that are hovered under a name."""
    data = chart.figure["data"]
    at = next(i for i, t in enumerate(data) if f"<extra>{name}<" in t.get("hovertemplate", ""))
    return data[at - 1], data[at]


@pytest.mark.parametrize(
    ("freeze", "words"),
    [
        ("statistics", "statistics frozen"),
        ("parameters", "gamma, beta frozen"),
        ("both", "norms frozen"),
    ],
)
def test_the_step_at_which_norms_freeze_is_marked_once_it_is_reached(freeze, words) -> None:
    settings = {"freeze": freeze, "freeze_at": 30, "rate_changes": ((5, 0.01),)}
    record = dataclasses.replace(make_record(**settings), rate_changes=((5, 0.01),))
    for chart in (loss, accuracy):
        layout = chart(record, View(), None).figure["layout"]
        assert [note["text"] for note in layout["annotations"]] == ["rate 0.01", words]
        marks = {shape["x0"]: shape["line"]["dash"] for shape in layout["shapes"]}
        assert marks[5] == "dot" and marks[30] == "dash"
    early = make_record(trained=20, **settings)
    texts = [note["text"] for note in loss(early, View(), None).figure["layout"]["annotations"]]
    assert words not in texts


def test_rate_changes_are_labelled_unless_crowded() -> None:
    record = dataclasses.replace(make_record(), rate_changes=((5, 0.01), (6, 0.5), (30, 1e-4)))
    layout = loss(record, View(), None).figure["layout"]
    assert [note["text"] for note in layout["annotations"]] == ["rate 0.01", "rate 0.0001"]
    assert [shape["x0"] for shape in layout["shapes"]][:3] == [5, 6, 30]


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


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_unfilled_running_averages_do_not_set_the_loss_axis(record: Record, scale: str) -> None:
    for arm in record.snapshots[0].arms:
        assert arm is not None
        arm.validation_loss[:] = 4000.0
    low, high = loss(record, View(loss_scale=scale), None).figure["layout"]["yaxis"]["range"]
    if scale == "linear":
        assert low == 0 and 2 < high < 10
    else:
        assert 10**low < float(record.train_loss[-2:].mean()) and high < 4.1


@pytest.mark.parametrize("axis", ["examples", "seconds"])
def test_curves_stand_over_examples_or_seconds_where_the_view_says_so(axis: str) -> None:
    record = dataclasses.replace(make_record(), rate_changes=((5, 0.01),))
    sizes = {"examples": record.comparison.base.batch_size, "seconds": 0.001}
    for make in (loss, accuracy, heat_map, update_ratio, percentiles):
        chart = make(record, View(axis=axis), None)
        assert chart.time_unit == axis
        (trace,) = [
            one
            for one in chart.figure["data"]
            if one.get("meta", {}).get("read")
            and one["name"].startswith("BN before")
            and "training" not in one["name"]
            and "15th" not in one["name"]
            and "85th" not in one["name"]
        ]
        np.testing.assert_allclose(trace["x"], np.arange(0, 41, 4) * sizes[axis], rtol=1e-5)
        low, high = chart.figure["layout"]["xaxis"]["range"]
        assert low < trace["x"][0] and trace["x"][-1] < high
        at = [entry.at for entry in chart.legend if entry.group]
        assert at == pytest.approx([40 * sizes[axis]] * 3, rel=1e-5)
    assert [
        note["text"] for note in loss(record, View(axis=axis), None).figure["layout"]["annotations"]
    ] == ["rate 0.01"]


def test_arms_with_batch_sizes_of_their_own_have_cursors_of_their_own() -> None:
    record = make_record(["none", "before"])
    small = dataclasses.replace(record.comparison.arms[1], changes=(("batch_size", 16),))
    comparison = dataclasses.replace(record.comparison, arms=(record.comparison.arms[0], small))
    record = dataclasses.replace(record, comparison=comparison, rate_changes=((5, 0.01),))
    chart = accuracy(record, View(axis="examples"), 5)
    lines = [shape for shape in chart.figure["layout"]["shapes"] if shape["x0"] == shape["x1"]]
    assert [line["x0"] for line in lines] == [20 * 64, 20 * 16]
    assert [entry.at for entry in chart.legend if entry.group] == [20 * 64, 20 * 16]
    # The same step is at two places, so no line can stand for it.
    assert not chart.figure["layout"]["annotations"]
