"""Which files a browser is told of with the page itself: they come while the page starts.

What React finds missing when it draws, it waits for, and once it has waited it draws the rest only
half a second later.
"""

import functools
import re
from pathlib import Path

import streamlit as st

from pages.shared.framework_files import framework_files
from pages.shared.live.browser_files import BASE, FILES, PLOTLY

_ELSEWHERE = {"runs.mjs", "steps.mjs", "upload.mjs", "first_text.mjs", "first_nets.mjs"}
"""Modules that other pages than the Lab need, or that stand in the HTML."""
_SHOWN_BY_THE_LAB = ("BidiComponent", "Html", "Slider", "Button", "Selectbox", "PageLink")
"""Parts that Streamlit fetches when a page shows the first of their kind."""
_IMPORT = re.compile(r"""(?:from|import)\s*["'`]\./([\w.-]+\.js)["'`]""")

_IMPORTED_MODULE = re.compile(r"""from "\./([\w-]+\.mjs)";""")


def _is_elsewhere(name: str) -> bool:
    return name in _ELSEWHERE or name.startswith(("class_", "join"))


@functools.cache
def drawing_preloads(module: str) -> str:
    """Return links to a module that draws nets and what it imports: before Streamlit's scripts."""
    paths = (f"{BASE}/{name}" for name in _with_imports(module))
    return "".join(_link(path, "modulepreload", " crossorigin", "high") for path in paths)


@functools.cache
def preloads() -> str:
    """Return links to what else the Lab needs, for the HTML: behind what brings the first text."""
    elsewhere = _with_imports("diagram.mjs")
    modules = (name for name in FILES if name.endswith(".mjs") and not _is_elsewhere(name))
    own = [f"{BASE}/{name}" for name in modules if name not in elsewhere]
    parts = [f"static/js/{name}" for name in _parts_of_streamlit()]
    return "".join(
        [
            *(_link(path, "modulepreload", " crossorigin") for path in (*parts, *own)),
            _link(f"{BASE}/{PLOTLY}", "preload", ' as="script"'),
        ]
    )


def _link(path: str, kind: str, more: str, priority: str = "low") -> str:
    return f'<link rel="{kind}" href="./{path}"{more} fetchpriority="{priority}">'


def _with_imports(module: str) -> list[str]:
    found: list[str] = []
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.append(name)
            waiting += _IMPORTED_MODULE.findall(FILES[name].read_text(encoding="utf-8"))
    return found


def _parts_of_streamlit() -> list[str]:
    """Return the parts' files and those they import, but for those that the page itself names."""
    files = {path.name: path for path in framework_files().values() if path.suffix == ".js"}
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    found: list[str] = []
    waiting = [name for name in files if name.partition(".")[0] in _SHOWN_BY_THE_LAB]
    while waiting:
        name = waiting.pop()
        if name in files and name not in page and name not in found:
            found.append(name)
            waiting += _IMPORT.findall(files[name].read_text(encoding="utf-8"))
    return found
