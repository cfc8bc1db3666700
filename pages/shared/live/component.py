"""The parts of pages that run in the browser. Their code is fetched once, not with every update."""

from collections.abc import Callable
from typing import Any

from streamlit.components import v2

from pages.shared.live.browser_files import BASE
from pages.shared.live.feed import Feed
from pages.shared.live.schema import ViewData
from pages.shared.session import this_session

_LIVE = """<div class="bn-live">
<section class="bn-nets" aria-label="The nets" hidden></section>
<p class="bn-conclusion" role="status"></p>
<div class="bn-top"><div class="bn-summary"></div><div class="bn-beside-table">
<p class="bn-notice" role="status"></p>
<label class="bn-time"><span>Time</span><input type="range" min="0" max="0" value="0"
 aria-label="Go back to a recorded step"><output></output></label></div></div>
<div class="bn-grid"></div></div>"""


def component(name: str, html: str) -> Any:
    """Return the component whose code is the module ``browser/<name>.mjs``."""
    loader = f"""
const ready = import(new URL("{BASE}/{name}.mjs", document.baseURI));
export default async (component) =>
  (await ready).default({{ ...component, data: component.data?.[0] }});
"""
    shown = v2.component(f"bn_{name}", html=html, js=loader, isolate_styles=False)

    def show(*, data: Any = None, **more: Any) -> Any:
        # In a tuple: whether a list or dict in a dict is a data frame, Streamlit asks pandas, and
        # to import that takes longer than all the rest of a page's first run.
        return shown(data=None if data is None else (data,), **more)

    return show


def show_feed(key: str, feed: Feed, **callbacks: Callable[[], None]) -> None:
    """Show what a feed brings; the page's script runs again when the feed says it should."""
    session = this_session()
    session.script_runs += 1
    data = ViewData(feed=feed.token, state=feed.rerun_key(), shown=session.script_runs)
    component("live", _LIVE)(
        key=key,
        data=data,
        # The script runs again, and that is all there is to do.
        on_rerun_change=lambda: None,
        **callbacks,
    )
