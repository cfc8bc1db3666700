"""The app's scripts without a browser, computing in real worker processes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest

from pages.shared import server
from pages.shared.tasks import catalogue

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def workers() -> Iterator[None]:
    """Run one worker for all tests of scripts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BN_LAB_WORKERS", "1")
        # Where a test has imported Keras, it collects garbage after every script: 0.4 s each.
        patch.setattr(script_runner, "_clean_problem_modules", lambda: None)
        assert server.pool().wait_ready(60)
        assert catalogue.catalogue(seconds=120)
        yield
    server.pool().close()
    server.pool.cache_clear()
    catalogue._request.cache_clear()


@pytest.fixture
def app(workers: None, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Return a visitor who has opened the Lab."""
    plain = PagesManager.__init__

    def without_folder(self: PagesManager, *args: Any, **more: Any) -> None:
        plain(self, *args, **more)
        PagesManager.uses_pages_directory = False  # as the server's start sets it

    monkeypatch.setattr(PagesManager, "__init__", without_folder)
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def handed_to_browser(app: AppTest) -> list[dict[str, Any]]:
    """Return what the page's script hands to each part that runs in the browser."""
    parts = [part.proto.json for part in app.get("bidi_component")]
    return [orjson.loads(part)[0] for part in parts if part]


def go(app: AppTest, page: str, **link: str) -> AppTest:
    """Go to a page: by the navigation, which has no parameters, or by a link.

    A link is read on arrival, so one to the page that is shown is reached from another.
    """
    app.query_params.clear()
    if link:
        app.switch_page("pages/claims.py" if page != "claims" else "pages/lab.py").run()
        app.query_params.clear()
    for name, value in link.items():
        app.query_params[name] = value
    return app.switch_page(f"pages/{page}.py").run()
