"""The files that browsers fetch: modules, styles, plotly.

They stand below a folder that is named by their contents, so that a browser may keep them for good:
another version of the app has another folder.
"""

import hashlib
from pathlib import Path

from bn_core.figures import plotly_js

_FOLDER = Path(__file__).parent / "browser"
_SHARED = Path(__file__).parents[1]
KINDS = {".mjs": "text/javascript", ".js": "text/javascript", ".css": "text/css"}
PLOTLY = "plotly.min.js"
PAGE_STYLES = {
    "page.css": _SHARED / "page.css",
    "lessons.css": _SHARED / "lessons" / "lessons.css",
    "lab.css": _FOLDER / "lab.css",
    "diagram.css": _FOLDER / "diagram.css",
}
"""The styles that stand in each page's HTML."""

FILES: dict[str, Path] = {
    path.name: path for path in sorted(_FOLDER.iterdir()) if path.suffix in KINDS
} | {PLOTLY: plotly_js.PACKED, **PAGE_STYLES}
"""Each file by the name under which it is fetched; one that ends in .gz is packed already."""


def _fingerprint() -> str:
    found = hashlib.sha256()
    for name, path in FILES.items():
        found.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


BASE = f"lab-files/{_fingerprint()}"
"""The folder below the app's address that holds them."""
