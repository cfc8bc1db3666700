"""A chart: a plotly figure with its name, what it means, and what it shows in words."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Chart:
    """One picture for the page.

    ``figure`` is a plain dict with "data" and "layout"; its colours may be names of the theme
    such as "@before" or "@before/0.2" (with opacity), which the page paints light or dark.
    """

    id: str
    title: str
    figure: dict[str, Any]
    alt: str
    help: str
    wide: bool = False
    """Whether it takes the whole width of the page."""
