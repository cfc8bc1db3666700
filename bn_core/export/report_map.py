"""The report of a stability map: what it shows, its charts, its numbers, its settings."""

from collections.abc import Iterator

import numpy as np

from bn_core.comparison import Comparison
from bn_core.export.page import answers, chart_places, page, paragraph, section, table
from bn_core.export.report import ending, heading
from bn_core.export.settings_table import settings_rows
from bn_core.figures.chart import Chart
from bn_core.figures.stability_cells import EXPLANATIONS, SHOWS
from bn_core.figures.stability_map import map_charts
from bn_core.figures.stability_words import TWO_LAYERS, axis_rows, border_words, map_title
from bn_core.figures.view import View
from bn_core.sweeps.findings import findings
from bn_core.sweeps.reading import measured_fates
from bn_core.sweeps.stability_map import (
    DIVERGED,
    FATE_WORDS,
    LEARNED,
    NOT_LEARNED,
    UNKNOWN,
    StabilityMap,
)
from bn_core.sweeps.sweep import Sweep
from bn_core.sweeps.theory import theory_words

_INCOMPLETE = "A part of the map has not been measured, so nothing is concluded."
_KINDS = (LEARNED, NOT_LEARNED, DIVERGED, UNKNOWN)


def report_of_map(found: StabilityMap, address: str = "") -> bytes:
    """Return the report of a map as it stands, as HTML; ``address`` is its link."""
    sweep, title = found.sweep, map_title(found.sweep)
    first, *others = findings(found) or [_INCOMPLETE]
    sections, charts = _chart_sections(found)
    parts = [
        heading("Stability map", title, address),
        paragraph(first if first == _INCOMPLETE else f"So: {first}", "conclusion"),
        *map(paragraph, others),
        section(
            "Cells", table(("Net", *(FATE_WORDS[kind] for kind in _KINDS)), _count_rows(found))
        ),
        *sections,
        section("Theory", paragraph(theory_words(sweep))) if theory_words(sweep) else "",
        section("The border", *map(paragraph, border_words(sweep))),
        section("Settings", table(("Setting", "Value"), _settings(sweep))),
        answers(),
        ending("Learned: the mean of the last ten losses is below the level. CSV has every net."),
    ]
    return page(f"Batch Norm Lab: {title}", parts, charts)


def _chart_sections(found: StabilityMap) -> tuple[list[str], list[Chart]]:
    """Return a section for each meaning of the colours, and the charts of all of them."""
    kinds = ["speed"] if found.sweep.two_layers else list(SHOWS)
    drawn = {kind: map_charts(found, View(), kind) for kind in kinds}
    sections, start = list[str](), 0
    for kind, charts in drawn.items():
        if kind == "sick":  # its difference is that of the speed
            charts = drawn[kind] = charts[: len(found.sweep.arms)]
        places = chart_places(charts, start)
        sections.append(section(SHOWS[kind], paragraph(EXPLANATIONS[kind]), places))
        start += len(charts)
    return sections, [chart for charts in drawn.values() for chart in charts]


def _count_rows(found: StabilityMap) -> Iterator[tuple[object, ...]]:
    for arm, one in enumerate(found.sweep.arms):
        fate = measured_fates(found, arm)
        yield one.label, *(int(np.sum(fate == kind)) for kind in _KINDS)


def _settings(sweep: Sweep) -> list[tuple[str, str]]:
    axes = axis_rows(sweep)
    precision = [("Numbers", "float64" if sweep.double or sweep.two_layers else "float32")]
    if sweep.two_layers:
        base = sweep.base
        nets = [("Nets", TWO_LAYERS), ("Steps", str(base.steps)), ("Seeds", str(sweep.seeds))]
        return [*axes, *nets, *precision]
    swept = {label for label, _ in axes}
    rows = settings_rows(Comparison(sweep.base, sweep.arms))
    return [*axes, *((label, value) for label, value in rows if label not in swept), *precision]
