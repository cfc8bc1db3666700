"""A self-contained page of HTML: text, tables, and charts that zoom without a network.

Everything that is not markup of this file is escaped. A content security policy lets only the two
scripts run that the page is made with, by their hashes.
"""

import base64
import hashlib
import html
from collections.abc import Iterable, Sequence

from bn_core.export.page_style import STYLE, legend_line
from bn_core.export.source import safe_link
from bn_core.figures import plotly_js
from bn_core.figures.chart import Chart
from bn_core.figures.serialize import to_bytes
from bn_core.figures.theme import paint

PLOT_HEIGHT = 300
"""Pixels; a chart that says a height of its own has at least that."""

_DRAWING = """
const charts = JSON.parse(document.getElementById("charts").textContent);
const options = { displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
charts.forEach(({ data, layout }, number) => {
  const plot = document.getElementById(`plot-${number}`);
  const width = plot.clientWidth, height = plot.clientHeight;
  Plotly.newPlot(plot, data, { ...layout, width, height }, options);
});
document.documentElement.dataset.drawn = charts.length;
"""


def escaped(text: object) -> str:
    """Return text that stands for itself in HTML, in an attribute too."""
    return html.escape(str(text), quote=True)


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of plain text."""
    return f'<p class="{escaped(kind)}">{escaped(text)}</p>' if kind else f"<p>{escaped(text)}</p>"


def section(title: str, *parts: str) -> str:
    """Return a part of the page under a heading; nothing if it is empty."""
    inside = "\n".join(part for part in parts if part)
    return f"<section><h2>{escaped(title)}</h2>\n{inside}</section>" if inside else ""


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table of plain texts; the first cell of each row is its heading."""
    head = "".join(f'<th scope="col">{escaped(one)}</th>' for one in headings)
    body = "\n".join(
        f'<tr><th scope="row">{escaped(first)}</th>'
        + "".join(f"<td>{escaped(cell)}</td>" for cell in cells)
        + "</tr>"
        for first, *cells in rows
    )
    top = f"<thead><tr>{head}</tr></thead>" if headings else ""
    return f'<div class="wide"><table>{top}<tbody>{body}</tbody></table></div>'


def link(address: str) -> str:
    """Return a link that shows its address; one that is no page of the web is only shown."""
    plain = safe_link(address)
    shown = escaped(plain)
    if not plain.startswith(("http://", "https://")):
        return f"<code>{shown}</code>"
    return f'<a href="{shown}" rel="noreferrer">{shown}</a>'


def answers() -> str:
    """Return room for a name and an answer, to be typed in or written by hand."""
    return (
        '<section class="answers"><h2>Your answer</h2>'
        '<label>Name <input autocomplete="off" maxlength="200"></label>'
        '<label>What did you expect, and what do you see? <textarea rows="7"></textarea></label>'
        "</section>"
    )


def page(title: str, parts: Iterable[str], charts: Sequence[Chart]) -> bytes:
    """Return the whole page as UTF-8; ``charts`` are those whose places the parts hold."""
    plotly, drawing = _plotly(), _DRAWING
    if not charts:
        plotly = drawing = ""
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in (plotly, drawing) if script)
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
        f"script-src {hashes or chr(39) + 'none' + chr(39)}; base-uri 'none'; form-action 'none'"
    )
    data = [paint(chart.figure, "light") for chart in charts]
    held = to_bytes(data).decode().replace("<", "\\u003c")
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escaped(title)}</title><style>{STYLE}</style></head><body><main>",
            *(part for part in parts if part),
            "</main>",
            f'<script type="application/json" id="charts">{held}</script>',
            f"<script>{plotly}</script><script>{drawing}</script></body></html>\n",
        ]
    ).encode()


def chart_places(charts: Sequence[Chart], first: int = 0) -> str:
    """Return the place of each chart: title, legend, plot, what it shows in words, and its help.

    ``first`` is the number of the first among all charts of the page.
    """
    return "\n".join(_place(number, chart) for number, chart in enumerate(charts, first))


def _place(number: int, chart: Chart) -> str:
    height = max(PLOT_HEIGHT, chart.height)
    legend = "".join(legend_line(entry) for entry in chart.legend)
    return (
        f"<figure><h3>{escaped(chart.title)}</h3>"
        + (f'<ul class="legend">{legend}</ul>' if legend else "")
        + f'<div class="plot" id="plot-{number}" role="img" aria-label="{escaped(chart.alt)}" '
        f'style="height: {int(height)}px"></div>'
        f"<figcaption>{escaped(chart.alt)}</figcaption></figure>"
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _plotly() -> str:
    """Return plotly's own code, in which no text ends a script."""
    return plotly_js.source().replace("</script", "<\\/script")
