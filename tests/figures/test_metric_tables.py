"""Metrics as a table of nets by measures."""

import numpy as np

from bn_core.experiments import initialization_scale, noniid, whitening
from bn_core.figures.metric_tables import MetricTable, metric_table
from bn_core.results import Metric


def metric(label: str, *values: float) -> Metric:
    return Metric(label, label, np.array(values), ".2f")


def test_rows_are_nets_and_columns_measures():
    found = metric_table(
        [
            metric("No norm: accuracy", 0.5),
            metric("No norm: steps", 7.0),
            metric("BN: accuracy", 0.9),
            metric("BN: steps", 3.0),
            metric("Ratio of the steps", 2.33),
        ]
    )
    assert found.head == ["value", "accuracy", "steps"]
    assert found.rows == [["No norm", "0.50", "7.00"], ["BN", "0.90", "3.00"]]
    assert found.beside == [["Ratio of the steps", "2.33"]]


def test_a_net_may_stand_behind_its_measure_too():
    found = metric_table([metric("Steps, BN", 1.0), metric("Steps, no norm", 2.0)])
    assert found == MetricTable(["value", "Steps"], [["BN", "1.00"], ["no norm", "2.00"]], [])


def test_a_measure_of_one_net_alone_makes_no_column():
    found = metric_table([metric("BN: accuracy", 0.9), metric("No norm: steps", 1.0)])
    rows = [["BN: accuracy", "0.90"], ["No norm: steps", "1.00"]]
    assert found == MetricTable(["measure", "value"], rows, [])


def test_no_metric_is_lost_and_a_missing_one_leaves_its_place_empty():
    labels = ["A: x", "B: x", "A: y", "B: y", "C: x", "D, z"]
    found = metric_table([metric(label, 1.0, 2.0) for label in labels])
    assert found.head == ["median and range over 2 seeds", "x", "y"]
    assert found.rows[2] == ["C", "1.50 (1.00 to 2.00)", ""] and found.beside[0][0] == "D, z"
    assert sum(bool(cell) for row in found.rows for cell in row[1:]) + 1 == len(labels)


def test_without_metrics_there_is_no_table():
    assert metric_table([]) == MetricTable([], [], [])


def test_the_ratio_of_two_ranges_stands_under_no_measure_of_a_net():
    scales = np.array([0.1, 1.0, 20.0])
    part = {"complete": True, "scales": scales, "accuracy": np.full((2, 3), 0.9)}
    names = ("none", "before", "layer")
    found = metric_table(initialization_scale.summarize(dict.fromkeys(names, part)).metrics)
    assert len(found.head) == 4 and [row[0] for row in found.rows] == [
        "No norm",
        "BN before",
        "Layer norm",
    ]
    assert all(len(row) == 4 for row in found.rows)
    assert found.beside == [["Ratio of the ranges", "1 (1 to 1)"]]


def test_nets_are_rows_where_one_of_them_has_two_ways_of_evaluation():
    part = {"complete": True, "steps": np.array([0, 20]), "running": np.full((1, 2), 0.5)}
    partials = dict.fromkeys(("renorm", "layer"), part)
    both = {"before": part | {"paired": np.ones((1, 2))}}
    found = metric_table(noniid.summarize(both | partials).metrics)
    assert found.head == ["value", "running averages"]
    assert sorted(row[0] for row in found.rows) == ["BN before", "Batch renorm", "Layer norm"]
    assert [row[0] for row in found.beside] == [
        "BN before: statistics of one pair",
        "BN before: one pair minus running averages",
        "Batch renorm minus BN before, running averages",
    ]


def test_ratios_of_steps_are_no_numbers_of_steps():
    values = {"grid": np.array([1.0, 10.0]), "complete": True}
    for form in whitening.FORMS:
        values[f"{form}_steps"] = values[f"{form}_condition"] = np.array([8.0])
        values[f"{form}_losses"] = np.ones((1, 2))
    found = metric_table(whitening.summarize({"invented": values, "digits": values}).metrics)
    assert found.head == [
        "value",
        "Steps, ten invented features",
        "Condition number, ten invented features",
        "Steps, 64 pixels of digits",
        "Condition number, 64 pixels of digits",
    ]
    assert [row[0] for row in found.rows] == list(whitening.FORMS.values())
    assert len(found.beside) == 4 and all(" / " in label for label, _ in found.beside)
