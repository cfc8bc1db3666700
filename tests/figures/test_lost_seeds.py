"""Charts of runs in which seeds diverged: what is crossed, left out, counted and said."""

import numpy as np

from bn_core.figures.curves import accuracy, loss
from bn_core.figures.dashboard import charts
from bn_core.figures.gradients import heat_map, update_ratio
from bn_core.figures.view import View
from tests.figures.drawn_lines import lines_of
from tests.figures.invented import make_record, with_divergence


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
