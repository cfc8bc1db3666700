"""The band and the line that a chart draws of a net."""

from typing import Any

from bn_core.figures.chart import Chart


def lines_of(chart: Chart, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the band and the median that are hovered under a name."""
    data = chart.figure["data"]
    at = next(i for i, t in enumerate(data) if f"<extra>{name}<" in t.get("hovertemplate", ""))
    return data[at - 1], data[at]
