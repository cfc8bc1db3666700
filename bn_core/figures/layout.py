"""What all charts share: sizes, axes, legend, notes and guides."""

import math
from typing import Any

from bn_core.figures.view import View

FONT = "'Source Sans', 'Source Sans 3', 'Source Sans Pro', system-ui, sans-serif"


def text_size(view: View) -> int:
    """Return the size of ordinary text in pixels."""
    return 15 if view.projector else 11


def thick(view: View, width: float) -> float:
    """Return a line's width, or a marker's size, for this view."""
    return width * 1.6 if view.projector else width


def layout(view: View, **changes: Any) -> dict[str, Any]:
    """Return the layout all charts share, with ``changes`` on top."""
    size = text_size(view)
    shared = {
        "font": {"size": size, "color": "@text", "family": FONT},
        "paper_bgcolor": "@paper/0",
        "plot_bgcolor": "@paper/0",
        "margin": {"l": 40, "r": 10, "t": 8, "b": 32, "pad": 0},
        # One fixed value: a reader's zoom survives every redraw.
        "uirevision": "kept",
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "@paper",
            "bordercolor": "@muted",
            "font": {"size": size, "color": "@text", "family": FONT},
            "align": "left",
            "namelength": -1,
        },
        "showlegend": False,
    }
    return shared | changes


def axis(view: View, title: str = "", **changes: Any) -> dict[str, Any]:
    """Return an axis in the style of all charts, with ``changes`` on top."""
    size = text_size(view)
    shared = {
        "title": {"text": title, "standoff": 5, "font": {"size": size, "color": "@muted"}},
        "automargin": True,
        "gridcolor": "@grid",
        "linecolor": "@grid",
        "tickfont": {"size": size - 1, "color": "@muted"},
        "zeroline": False,
        "ticks": "",
        "nticks": 6,
        "fixedrange": False,
    }
    return shared | changes


def log_axis(view: View, title: str, low: float, high: float, **changes: Any) -> dict[str, Any]:
    """Return a logarithmic axis from ``low`` to ``high``, labelled with plain numbers."""
    ends = [math.log10(low), math.log10(high)]
    decades = range(math.floor(ends[0]), math.ceil(ends[1]) + 1)
    every = max(1, math.ceil((ends[1] - ends[0]) / 6))
    digits = (1, 2, 5) if ends[1] - ends[0] < 1.9 else (1,)
    marks = [digit * 10.0**power for power in decades if power % every == 0 for digit in digits]
    shown = [mark for mark in marks if low <= mark <= high]
    ticks = {"tickvals": shown, "ticktext": [_short(mark) for mark in shown]}
    return axis(view, title, **({"type": "log", "range": ends} | ticks | changes))


def _short(mark: float) -> str:
    """Return 0.01, 100, 1e5 for a tick."""
    return (
        f"{mark:g}" if 1e-4 < mark < 1e5 else f"{mark:.0e}".replace("e+0", "e").replace("-0", "-")
    )


def note(view: View, text: str, x: float, y: float, **changes: Any) -> dict[str, Any]:
    """Return a small muted text at paper coordinates, with ``changes`` on top."""
    shared = {
        "text": text,
        "x": x,
        "y": y,
        "xref": "paper",
        "yref": "paper",
        "showarrow": False,
        "font": {"size": text_size(view) - 1, "color": "@muted"},
    }
    return shared | changes


def line(view: View, colour: str, dash: str = "solid", width: float = 1.0) -> dict[str, Any]:
    """Return a line's style."""
    return {"color": colour, "dash": dash, "width": thick(view, width)}


def guide(view: View, x: tuple[Any, Any], y: tuple[Any, Any], **changes: Any) -> dict[str, Any]:
    """Return a thin straight line from (x[0], y[0]) to (x[1], y[1]), drawn below the data."""
    shared = {
        "type": "line",
        "x0": x[0],
        "x1": x[1],
        "y0": y[0],
        "y1": y[1],
        "layer": "below",
        "line": line(view, "@muted/0.6", "dot"),
    }
    return shared | changes
