"""Marks of steps at which training changed: another learning rate, or norms that stand still."""

from typing import Any

import numpy as np

from bn_core.figures.context import FigureContext
from bn_core.figures.layout import guide, line, note, text_size
from bn_core.figures.x_axis import axis_end, axis_values

LABEL_WIDTH = 0.22
"""Space for the label of a mark, as a share of the planned steps."""


def _rate_changes(context: FigureContext) -> list[tuple[float, float]]:
    """Return the place and the rate of each change; none where arms come to them apart."""
    if not context.same_places:
        return []
    losses = axis_values(context.record, 0, context.axis)[0]
    return [
        (float(losses[step - 1]), rate)
        for step, rate in context.record.rate_changes
        if 1 <= step <= len(losses)
    ]


_FROZEN = {"statistics": "statistics frozen", "parameters": "gamma, beta frozen"}
"""What a mark says of norms that stand still; both together are "norms frozen"."""


def _freezings(context: FigureContext) -> list[tuple[float, str]]:
    """Return the place and the words of each step behind which norms of some arm stand still."""
    if not context.same_places:
        return []
    losses = axis_values(context.record, 0, context.axis)[0]
    found: dict[int, set[str]] = {}
    for config in context.record.comparison.configs:
        if config.freezes_statistics or config.freezes_parameters:
            found.setdefault(max(config.freeze_at, 1), set()).add(config.freeze)
    return [
        (float(losses[step - 1]), _FROZEN.get("".join(kinds), "norms frozen"))
        for step, kinds in sorted(found.items())
        if step <= len(losses)
    ]


def rate_lines(context: FigureContext) -> list[dict[str, Any]]:
    """Return vertical lines: dotted where the learning rate changed, dashed where norms froze."""
    rates = [
        guide(context.view, (at, at), (0, 1), yref="paper") for at, _ in _rate_changes(context)
    ]
    dashed = line(context.view, "@muted/0.9", "dash")
    return rates + [
        guide(context.view, (at, at), (0, 1), yref="paper", line=dashed)
        for at, _ in _freezings(context)
    ]


def rate_labels(context: FigureContext) -> list[dict[str, Any]]:
    """Return what the lines of ``rate_lines`` mean, above them; crowded words are left out."""
    labels, last = [], -np.inf
    end = axis_end(context.record, context.axis)
    marks = [(at, f"rate {rate:g}") for at, rate in _rate_changes(context)]
    for at, words in sorted(marks + _freezings(context)):
        if at - last < end * LABEL_WIDTH:
            continue
        last = at
        # A label stands on the side of its line where the plot has room for it.
        side = "right" if at > end * (1 - LABEL_WIDTH) else "left"
        place = {"xref": "x", "xanchor": side, "yanchor": "bottom"}
        labels.append(note(context.view, words, at, 1, **place))
    return labels


def margin_for_rates(context: FigureContext) -> dict[str, int]:
    """Return the margin of a chart over the steps, with room for the words above its lines."""
    rates = text_size(context.view) + 4 if _rate_changes(context) or _freezings(context) else 0
    return {"l": 40, "r": 10, "t": 8 + rates, "b": 32, "pad": 0}
