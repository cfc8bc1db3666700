"""The nets of a link, which come with the Lab's HTML: drawn before the app itself has started.

What is known of them before they are built are their layers. Nothing has been measured, and the
drawing says so; what the app then draws in its place begins with the same layers.
"""

import orjson

from bn_core.datasets.own import is_name
from bn_core.figures.diagram import unbuilt_diagram
from bn_core.figures.diagram_nets import unbuilt_nets
from bn_core.figures.theme import PALETTES
from pages.shared.lab.events import LinkOpened

_MOST_BYTES = 48_000
"""A page with more than this comes without: eight deep nets are drawn by the app alone."""


def first_nets(link: LinkOpened) -> str:
    """Return the nets of a link as HTML; nothing where the app might show something else first."""
    comparison = link.comparison
    if link.warnings or is_name(comparison.base.data) or comparison.problem():
        return ""
    nets = unbuilt_nets(comparison)
    if nets is None:
        return ""
    update = {"nets": nets, "diagram": unbuilt_diagram(comparison)}
    shown = orjson.dumps({**update, "palettes": PALETTES})
    if len(shown) > _MOST_BYTES:
        return ""
    large = " bn-projector" if link.view.projector else ""
    data = shown.decode().replace("<", "\\u003c")  # nothing in it ends the element
    return (
        f'<div class="bn-first-nets" inert><div class="bn-live{large}">'
        '<section class="bn-nets" hidden></section></div>'
        f'<script type="application/json">{data}</script></div>'
    )
