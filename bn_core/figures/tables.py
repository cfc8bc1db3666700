"""Figures and results as tables of raw numbers, for CSV files."""

import base64
import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bn_core.figures.chart import Chart
from bn_core.figures.summary import Range, rows
from bn_core.records import Record
from bn_core.results import Metric

Array = np.ndarray
Row = list[Any]

_TAGS = re.compile(r"<[^>]+>")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that a spreadsheet would take for a formula."""
_NUMBER = re.compile(r"-\d{1,30}(\.\d{1,30})?(e-?\d{1,3})?", re.ASCII)


def table_of(chart: Chart) -> list[Row]:
    """Return exactly what a chart draws: a row of names, then a row for each point of each trace.

    Places and values are named by their axes; where an axis is warped, the values stand instead of
    the places. The band around a median is not a row of its own: the lowest and the highest seed
    stand beside the median, or in words where one of them diverged. A cell that a trace has no
    number for is empty.
    """
    return figure_table(chart.figure)


def figure_table(figure: Mapping[str, Any]) -> list[Row]:
    """Return the table of a figure; its arrays may be plotly's typed arrays out of JSON."""
    parts = [_columns_of(trace, figure["layout"]) for trace in figure["data"]]
    parts = [columns for columns in parts if columns]
    names = list(dict.fromkeys(name for columns in parts for name in columns))
    found: list[Row] = [names]
    for columns in parts:
        count = max(len(values) for values in columns.values())
        missing = [""] * count
        found += [list(row) for row in zip(*(columns.get(n, missing) for n in names), strict=True)]
    return found


def summary_table(record: Record) -> list[Row]:
    """Return the results of each arm so far: losses in nats, accuracies as shares of 1."""
    measures = ("train loss (nats)", "validation loss (nats)", "validation accuracy")
    ends = ("median", "lowest", "highest")
    head = ["net", "step", "seeds", "seeds diverged"]
    head += [f"{measure}, {end}" for measure in measures for end in ends]
    table: list[Row] = [[*head, "milliseconds per step", "state"]]
    for row in rows(record):
        ranges = (row.train_loss, row.validation_loss, row.validation_accuracy)
        lost = row.seeds - row.finite_seeds
        counts = [row.label, record.step, row.seeds, lost]
        numbers = [number for one in ranges for number in _ends(one)]
        table.append([*counts, *numbers, row.milliseconds_per_step, row.state])
    return table


def metrics_table(metrics: Iterable[Metric]) -> list[Row]:
    """Return a row for each measure: its median and its value for each seed."""
    metrics = list(metrics)
    seeds = max((len(metric.values) for metric in metrics), default=0)
    table: list[Row] = [["measure", "median", *(f"seed {i + 1} of the run" for i in range(seeds))]]
    for metric in metrics:
        values = [float(value) for value in metric.values]
        table.append([metric.label, metric.median, *values, *[""] * (seeds - len(values))])
    return table


def to_csv(table: Iterable[Row]) -> bytes:
    """Return a table as CSV in UTF-8; numbers keep all their digits, missing ones are empty."""
    out = io.StringIO()
    # Excel reads UTF-8 only behind this mark.
    out.write("\ufeff")
    csv.writer(out).writerows([_cell(value) for value in row] for row in table)
    return out.getvalue().encode("utf-8")


def _ends(one: Range) -> tuple[float, float, float]:
    return one.median, one.low, one.high


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        is_formula = value.startswith(_FORMULA) and not _NUMBER.fullmatch(value)
        return f"'{value}" if is_formula else value
    if isinstance(value, float | np.floating):
        # The shortest digits that give the same 32-bit number back are those of a 32-bit float.
        return "" if np.isnan(value) else str(value)
    return value


def _columns_of(trace: Mapping[str, Any], layout: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the columns of a trace by name; nothing for one without points."""
    x, y = (_decoded(trace.get(name)) for name in ("x", "y"))
    titles = [_title(layout, trace, letter) for letter in ("x", "y")]
    curve = trace.get("name", "")
    if trace.get("type") in ("heatmap", "contour"):
        z = _decoded(trace["z"])
        rows_of, columns_of = np.indices(z.shape)
        # One place more than columns: those are their edges, and each begins at the first.
        x = columns_of if x is None else np.broadcast_to(x[: z.shape[1]], z.shape)
        y = rows_of if y is None else np.broadcast_to(np.asarray(y)[:, None], z.shape)
        values = {titles[0]: x, titles[1]: y, _value_name(layout, trace): z}
        flat = {name: list(value.ravel()) for name, value in values.items()}
        return {"curve": [curve] * z.size, **flat} if z.size else {}
    if x is None or y is None or not len(x) or all(value is None for value in x):
        return {}
    if trace.get("fill") and "customdata" not in trace:
        return {}
    warped = (trace.get("meta") or {}).get("warped", "")
    places = {"x": (titles[0], list(x)), "y": (titles[1], list(y))}
    columns = dict(place for letter, place in places.items() if letter not in warped)
    columns |= _beside(trace)
    return {"curve": [curve] * len(x), **columns}


def _beside(trace: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what a trace holds beside its places: named numbers, ends over the seeds, or texts."""
    held = _decoded(trace.get("customdata"))
    columns: dict[str, list[Any]] = {}
    names = (trace.get("meta") or {}).get("columns")
    if isinstance(held, np.ndarray) and held.ndim == 1:
        held = held[:, None]
    if isinstance(held, np.ndarray) and held.shape[1] >= 1:
        names = names or (["lowest seed", "highest seed"] if held.shape[1] == 2 else [])
        columns = {name: list(held[:, i]) for i, name in enumerate(names)}
    elif isinstance(held, list) and all(isinstance(text, str) for text in held):
        columns["in words"] = [_TAGS.sub(" ", text) for text in held]
    if isinstance(trace.get("text"), list):
        columns["text"] = [str(text) for text in trace["text"]]
    error = trace.get("error_y") or {}
    if error.get("array") is not None:
        middle = np.asarray(_decoded(trace["y"]), np.float64)
        columns["lowest seed"] = list(middle - np.asarray(_decoded(error["arrayminus"])))
        columns["highest seed"] = list(middle + np.asarray(_decoded(error["array"])))
    return columns


def _title(layout: Mapping[str, Any], trace: Mapping[str, Any], letter: str) -> str:
    number = str(trace.get(f"{letter}axis", letter))[1:]
    first = layout.get(f"{letter}axis", {})
    own = layout.get(f"{letter}axis{number}", first)
    named = (trace.get("meta") or {}).get(letter, "")
    return named or _text_of(own) or _text_of(first) or letter


def _value_name(layout: Mapping[str, Any], trace: Mapping[str, Any]) -> str:
    bar = trace.get("colorbar") or layout.get("coloraxis", {}).get("colorbar", {})
    return _text_of(bar) or "value"


def _text_of(part: Mapping[str, Any]) -> str:
    return _TAGS.sub("", (part.get("title") or {}).get("text", ""))


def _decoded(values: Any) -> Any:
    """Return an array for an array or a typed array; lists stay, None stays."""
    if isinstance(values, dict) and "bdata" in values:
        flat = np.frombuffer(base64.b64decode(values["bdata"]), f"<{values['dtype']}")
        shape = [int(size) for size in values.get("shape", str(len(flat))).split(",")]
        return flat.reshape(shape)
    return values
