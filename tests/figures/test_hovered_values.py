"""What charts say of a value: pointed at, beyond the axis, zero, or missing."""

import numpy as np

from bn_core.figures.curves import loss
from bn_core.figures.depth import by_depth
from bn_core.figures.distributions import ridges
from bn_core.figures.gradients import heat_map, update_ratio
from bn_core.figures.percentiles import percentiles
from bn_core.figures.view import View
from bn_core.records import Record
from tests.figures.drawn_lines import lines_of


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
