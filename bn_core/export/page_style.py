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
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
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

_SYMBOLS = {
    "circle": "●",
    "square": "■",
    "triangle-up": "▲",
    "triangle-down": "▼",
    "triangle-left": "◀",
    "diamond": "◆",
    "cross": "✚",
    "x": "✖",
    "star": "★",
    "hexagram": "✶",
    "pentagon": "⬟",
    "hourglass": "⧗",
    "bowtie": "⧓",
}
"""A sign for each of plotly's markers that the theme uses."""


def legend_line(entry: LegendEntry) -> str:
    """Return a line of a legend: a sample of its line and marker, then its label."""
    colour = html.escape(str(paint(entry.colour, "light")), quote=True)
    dash = "" if entry.dash in ("", "solid") else entry.dash.replace("px", "")
    stroke = f'stroke-dasharray="{html.escape(dash, quote=True)}"' if dash else ""
    drawn = (
        f'<line x1="0" y1="7" x2="34" y2="7" stroke="{colour}" stroke-width="2" {stroke}/>'
        if entry.dash
        else ""
    )
    symbol = _SYMBOLS.get(entry.symbol, "")
    sign = (
        f'<text x="17" y="11.5" font-size="12" text-anchor="middle" fill="{colour}">{symbol}</text>'
        if symbol
        else ""
    )
    words = html.escape(" ".join(filter(None, (entry.label, entry.value))))
    sample = f'<svg width="34" height="14" aria-hidden="true">{drawn}{sign}</svg>'
    return f"<li>{sample}{words}</li>"
