"""How a report looks, on screen and on paper: the light theme's colours, and A4."""

import html

from bn_core.figures.chart import LegendEntry
from bn_core.figures.theme import paint

_COLOURS = {
    "text": "@text",
    "muted": "@muted",
    "paper": "@paper",
    "line": "@muted/0.35",
    "faint": "@muted/0.1",
}


def _variables() -> str:
    return "".join(f"--{name}: {paint(one, 'light')};" for name, one in _COLOURS.items())


STYLE = (
    ":root{" + _variables() + "}"
    """
@page { size: A4; margin: 15mm; }
body { margin: 0; background: var(--paper); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  overflow-wrap: break-word; }
main { width: 180mm; max-width: calc(100vw - 2rem); margin: 1.5rem auto; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 0.4rem; }
h2 { font-size: 1.15rem; margin: 1.6rem 0 0.5rem; border-bottom: 1px solid var(--line);
  break-after: avoid; }
h3 { font-size: 1rem; margin: 0 0 0.2rem; }
p { margin: 0.3rem 0; }
a, code { overflow-wrap: anywhere; }
a { color: inherit; }
.made, figcaption, .muted { color: var(--muted); font-size: 0.85rem; }
.conclusion { font-size: 1.15rem; padding: 0.7rem 0.9rem; background: var(--faint);
  border-left: 4px solid var(--text); break-inside: avoid; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.85rem; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.6rem 0.25rem 0;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
tbody th { font-weight: 600; }
tr { break-inside: avoid; }
@media screen and (max-width: 640px) { table { display: block; overflow-x: auto; } }
figure { margin: 0 0 1.4rem; break-inside: avoid; }
.plot { width: 100%; }
.legend { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap;
  gap: 0 1.1rem; font-size: 0.85rem; }
.legend svg { vertical-align: middle; margin-right: 0.35rem; }
.answers { break-inside: avoid; }
label { display: block; margin: 0.7rem 0; }
input, textarea { display: block; width: 100%; box-sizing: border-box; margin-top: 0.2rem;
  font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--muted);
  border-radius: 4px; padding: 0.4rem 0.5rem; }
textarea { resize: vertical; }
@media print {
  body { font-size: 11pt; }
  main { width: auto; max-width: none; margin: 0; }
  .modebar { display: none; }
  .wide { overflow: visible; }
  thead { display: table-header-group; }
}
"""
)

_CIRCLE = "M -4 0 A 4 4 0 1 0 4 0 A 4 4 0 1 0 -4 0 Z"
SYMBOLS = {
    "circle": _CIRCLE,
    "square": "M -4 -4 H 4 V 4 H -4 Z",
    "triangle-up": "M 0 -5 L 5 4 H -5 Z",
    "triangle-down": "M 0 5 L 5 -4 H -5 Z",
    "triangle-left": "M -5 0 L 4 -5 V 5 Z",
    "triangle-right": "M 5 0 L -4 -5 V 5 Z",
    "diamond": "M 0 -5 L 5 0 L 0 5 L -5 0 Z",
    "cross": "M -1.5 -5 H 1.5 V -1.5 H 5 V 1.5 H 1.5 V 5 H -1.5 V 1.5 H -5 V -1.5 H -1.5 Z",
    "x": "M -4 -5 L 0 -1 L 4 -5 L 5 -4 L 1 0 L 5 4 L 4 5 L 0 1 L -4 5 L -5 4 L -1 0 L -5 -4 Z",
    "star": "M 0 -6 L 1.4 -1.9 H 5.7 L 2.2 .7 L 3.5 4.9 L 0 2.3 L -3.5 4.9 L -2.2 .7 L -5.7 -1.9 "
    "H -1.4 Z",
    "hexagram": "M 0 -6 L 1.7 -3 H 5.2 L 3.5 0 L 5.2 3 H 1.7 L 0 6 L -1.7 3 H -5.2 L -3.5 0 "
    "L -5.2 -3 H -1.7 Z",
    "pentagon": "M 0 -5 L 4.8 -1.5 L 2.9 4 H -2.9 L -4.8 -1.5 Z",
    "star-triangle-up": "M 0 -5.2 L 1.1 -.65 L 4.5 2.6 L 0 1.3 L -4.5 2.6 L -1.1 -.65 Z",
    "star-diamond": "M 0 -5.2 L 1.4 -1.4 L 5.2 0 L 1.4 1.4 L 0 5.2 L -1.4 1.4 L -5.2 0 "
    "L -1.4 -1.4 Z",
    "hourglass": "M -4 -5 H 4 L -4 5 H 4 Z",
    "bowtie": "M -5 -4 V 4 L 5 -4 V 4 Z",
}
"""The outline of each of plotly's markers that the theme uses, around (0, 0)."""


def legend_line(entry: LegendEntry) -> str:
    """Return a line of a legend: a sample of its line and marker, then its label."""
    colour = html.escape(str(paint(entry.colour, "light")), quote=True)
    dash = "none" if entry.dash in ("", "solid") else entry.dash.replace("px", "")
    drawn = f'<path d="M -17 0 H 17" stroke-dasharray="{html.escape(dash, quote=True)}"/>'
    outline = SYMBOLS.get(entry.symbol, _CIRCLE)
    sign = f'<path d="{outline}" fill="{colour}" stroke="none"/>'
    words = html.escape(" ".join(filter(None, (entry.label, entry.value))))
    sample = (
        '<svg width="34" height="14" viewBox="-17 -7 34 14" aria-hidden="true" fill="none" '
        f'stroke="{colour}" stroke-width="2">{drawn if entry.dash else ""}'
        f"{sign if entry.symbol else ''}</svg>"
    )
    return f"<li>{sample}{words}</li>"
