"""The metrics of a result as a table of nets by measures, where their labels name both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bn_core.results import Metric

Place = tuple[str, str]
"""A row and a column."""


@dataclass(frozen=True)
class MetricTable:
    """A table of nets by measures, and the metrics that belong to none of its columns."""

    head: list[str]
    rows: list[list[str]]
    beside: list[list[str]]
    """A label and a value each; they stand in a table of their own."""


def metric_table(metrics: Sequence[Metric]) -> MetricTable:
    """Return the metrics as a table of nets by measures; without nets, of labels and values.

    A label "net: measure" or "measure, net" has a place in the table if its measure is that of two
    nets at least. What has none stands beside the table, under no heading of another measure.
    """
    if not metrics:
        return MetricTable([], [], [])
    seeds = max(len(metric.values) for metric in metrics)
    over = f"median and range over {seeds} seeds" if seeds > 1 else "value"
    held = _places(metrics)
    if not held:
        rows = [[metric.label, metric.words()] for metric in metrics]
        return MetricTable(["measure", over], rows, [])
    nets, columns = (list(dict.fromkeys(place[i] for place in held)) for i in (0, 1))
    words = {place: metric.words() for place, metric in held.items()}
    table = [[net, *(words.get((net, column), "") for column in columns)] for net in nets]
    placed = {metric.key for metric in held.values()}
    beside = [[one.label, one.words()] for one in metrics if one.key not in placed]
    return MetricTable([over, *columns], table, beside)


def _places(metrics: Sequence[Metric]) -> dict[Place, Metric]:
    """Return the metrics that stand in a table of nets by measures; none if there is no such."""
    return max((_shared(metrics, place_of) for place_of in (_net_first, _net_last)), key=len)


def _shared(
    metrics: Sequence[Metric], place_of: Callable[[str], Place | None]
) -> dict[Place, Metric]:
    """Return the metrics whose measure is that of two nets at least, by their place."""
    places = {place: one for one in metrics if (place := place_of(one.label)) is not None}
    columns = [column for _, column in places]
    return {place: one for place, one in places.items() if columns.count(place[1]) > 1}


def _net_first(label: str) -> Place | None:
    net, colon, measure = label.partition(": ")
    return (net, measure) if colon else None


def _net_last(label: str) -> Place | None:
    measure, comma, net = label.rpartition(", ")
    # What a colon divides is a comparison or has its net first: "Steps, digits: raw / whitened".
    return (net, measure) if comma and ": " not in label else None
