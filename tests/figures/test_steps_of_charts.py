"""The steps axis: marks of freezing and of rates, running averages, examples and seconds."""

import dataclasses

import numpy as np
import pytest

from bn_core.figures.curves import accuracy, loss
from bn_core.figures.gradients import heat_map, update_ratio
from bn_core.figures.percentiles import percentiles
from bn_core.figures.view import View
from bn_core.records import Record
from tests.figures.invented import make_record


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
