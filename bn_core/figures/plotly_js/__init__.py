"""The drawing code for browsers: plotly.js with the traces that the figures have, and no others.

``plotly-cartesian.min.js.gz`` is the file of that name in the npm package
``plotly.js-cartesian-dist-min``, packed by gzip and otherwise unchanged; its license is beside it.
A third of the size of the build inside the Python package, it starts in a third of the time. Its
version must be that of the Python package, which checks the figures in the tests.
"""

import gzip
from pathlib import Path

VERSION = "4.1.1"
SHA256 = "79542150855a52c567260e3137095dbe2b744e6d702a5cabe67da246942fba7a"
"""Of the unpacked file, as npm delivers it."""

PACKED = Path(__file__).parent / "plotly-cartesian.min.js.gz"


def source() -> str:
    """Return the code."""
    return gzip.decompress(PACKED.read_bytes()).decode("utf-8")
