"""The parts of pages that run in the browser. Their code is fetched once, not with every update."""

from typing import Any

from streamlit.components import v2


def component(name: str, html: str) -> Any:
    """Return the component whose code is the module ``name``.mjs of this folder."""
    loader = f"""
const ready = import(new URL("lab-files/{name}.mjs", document.baseURI));
export default async (component) => (await ready).default(component);
"""
    return v2.component(f"bn_{name}", html=html, js=loader, isolate_styles=False)
