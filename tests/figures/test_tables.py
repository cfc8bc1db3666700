"""Tables of charts: exactly what is drawn, in raw numbers."""

import csv
import io

import numpy as np
import orjson
import pytest

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.figures.curves import accuracy, loss
from bn_core.figures.dashboard import charts
from bn_core.figures.distributions import SITE_NAMES
from bn_core.figures.gradients import heat_map
from bn_core.figures.percentiles import percentiles
from bn_core.figures.serialize import to_bytes
from bn_core.figures.settings_words import settings_line
from bn_core.figures.tables import (
    figure_table,
    metrics_table,
    summary_table,
    table_of,
    to_csv,
)
from bn_core.figures.view import View
from bn_core.records import Record
from bn_core.results import Metric
from tests.figures.invented import make_record, with_divergence


def as_dicts(table: list[list]) -> list[dict]:
    return [dict(zip(table[0], row, strict=True)) for row in table[1:]]


def test_every_chart_has_a_table_with_a_row_for_each_point(any_record: Record) -> None:
    for view in (View(), View(distributions="percentiles", gradients="ratio", loss_scale="log")):
        for chart in charts(any_record, view):
            table = table_of(chart)
            assert all(len(row) == len(table[0]) for row in table)
            # What the browser was sent is the same table.
            sent = orjson.loads(to_bytes(chart.figure))
            assert to_csv(figure_table(sent)) == to_csv(table)


def test_a_curve_stands_in_the_table_with_its_range() -> None:
    chart = accuracy(make_record(), View(), None)
    (trace,) = [t for t in chart.figure["data"] if t["name"] == "BN before, validation"]
    rows = [row for row in as_dicts(table_of(chart)) if row["curve"] == "BN before, validation"]
    (steps,) = [name for name in rows[0] if name.startswith("step")]
    assert [row[steps] for row in rows] == trace["x"].tolist()
    assert [row["accuracy (%)"] for row in rows] == trace["y"].tolist()
    assert [row["lowest seed"] for row in rows] == trace["customdata"][:, 0].tolist()
    assert [row["highest seed"] for row in rows] == trace["customdata"][:, 1].tolist()


def test_values_of_a_warped_axis_are_the_values_themselves() -> None:
    record = make_record()
    for snapshot in record.snapshots:
        for net in snapshot.arms:
            assert net is not None
            net.std[:] = 90.0  # far enough that the axis is warped
            net.quantiles[:] = (-500.0, 1.0, 700.0)
    rows = as_dicts(table_of(percentiles(record, View(), None)))
    site = SITE_NAMES["pre_activation"]
    high = [row[site] for row in rows if row["curve"] == "BN before, 85th percentile"]
    assert set(high) == {700.0}


def test_a_heat_map_is_a_row_for_each_cell() -> None:
    record = make_record()
    rows = as_dicts(table_of(heat_map(record, View(), None)))
    layers = record.comparison.base.depth + 1
    assert len(rows) == len(record.comparison.arms) * layers * len(record.snapshots)
    norms = record.snapshots[2].arms[1]
    assert norms is not None
    cell = next(
        row
        for row in rows
        if row["curve"] == "BN before"
        and row["step"] == record.snapshots[2].step
        and row["layer"] == 3
    )
    expected = np.log10(np.median(norms.gradient_norm[:, 2]))
    assert cell["log10 ‖gradient‖"] == pytest.approx(expected, abs=1e-6)


def test_a_diverged_seed_is_said_in_words() -> None:
    lost = with_divergence(make_record(), 0, (0,), 13)
    rows = as_dicts(table_of(loss(lost, View(), None)))
    assert any("diverged" in row["in words"] for row in rows if row["curve"] == "No norm, training")


def test_csv_keeps_the_digits_and_no_text_is_a_formula() -> None:
    table = [["=net", "loss"], ['+a, "b"', np.float32(0.1)], ["c", float("nan")], ["d", -1.5]]
    table += [["-0.5", "-1e-3"], ["-1+cmd", "-A1"]]
    text = to_csv(table).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [
        ["'=net", "loss"],
        ['\'+a, "b"', "0.1"],
        ["c", ""],
        ["d", "-1.5"],
        ["-0.5", "-1e-3"],
        ["'-1+cmd", "'-A1"],
    ]


def test_the_table_of_results_has_raw_numbers() -> None:
    record = with_divergence(make_record(), 0, (0, 1, 2), 13)
    first, second, _ = as_dicts(summary_table(record))
    assert first["seeds diverged"] == 3 and first["train loss (nats), median"] == np.inf
    assert second["net"] == "BN before" and second["step"] == 40
    assert second["validation accuracy, lowest"] <= second["validation accuracy, median"] <= 1


def test_measures_stand_seed_by_seed() -> None:
    metrics = [Metric("a", "gain", np.array([1.0, 3.0])), Metric("b", "one", np.array([5.0]))]
    assert metrics_table(metrics) == [
        ["measure", "median", "seed 1 of the run", "seed 2 of the run"],
        ["gain", 2.0, 1.0, 3.0],
        ["one", 5.0, 5.0, ""],
    ]


def test_the_line_of_settings_says_what_the_nets_share() -> None:
    line = settings_line(Comparison(Config(depth=10, learning_rate=1.0, dropout=0.2)))
    for words in ("No norm, BN before.", "Hidden layers: 10", "Learning rate: 1;", "Dropout: 0.2"):
        assert words in line
    assert "Normalization:" not in line
