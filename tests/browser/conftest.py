"""The real app in a real browser: a server of its own, and pages that must not report errors."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
BEEN_HERE = "try { localStorage.setItem('bn-lab.visited', '1') } catch {}"
"""What a browser holds after the first visit, on which the page offers the start."""
STORED = "cookies,local_storage,indexeddb"
LAPTOP: ViewportSize = {"width": 1440, "height": 900}

OpenPage = Callable[..., Page]
expect.set_options(timeout=60_000)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Yield the address of the server that the tests share."""
    with app_started() as found:
        yield found


@pytest.fixture
def new_address() -> Iterator[str]:
    """Yield the address of a server that has just started and that nobody has visited."""
    with app_started() as found:
        yield found


@contextmanager
def app_started(port: int | None = None) -> Iterator[str]:
    """Start the app as the README says, and yield its address once it answers."""
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    process = subprocess.Popen([*command, "--server.headless", "true"], cwd=ROOT)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def drawn(page: Page) -> Page:
    """Wait for the Lab's first charts and return the page."""
    page.wait_for_function("() => window.bnLabSequence >= 1")
    return page


def button(page: Page, name: str) -> Locator:
    """Return a button of the page by the beginning of its name."""
    return page.get_by_role("button", name=re.compile(rf"^{name}(?! axes)\b"))


def wait_for_step(page: Page, step: int) -> None:
    """Wait until the charts show a step or a later one."""
    page.wait_for_function(f"() => window.bnLabStep >= {step}", timeout=60_000)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the app ended while it started"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the app did not answer within a minute")


def chromium() -> str:
    """Return the path of Chromium; without one, skip, unless the environment demands the tests."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("BN_LAB_BROWSER_TESTS") == "required":
            pytest.fail("The browser tests are required, and there is no chromium on the path.")
        pytest.skip("There is no chromium on the path.")
    return found


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Yield Chromium with a profile on disk: it compiles each script once, not for each page."""
    found = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=found, args=FLAGS, viewport=LAPTOP
        )
        started.add_init_script(BEEN_HERE)
        yield started
        started.close()


@pytest.fixture
def context(profile: BrowserContext) -> Iterator[BrowserContext]:
    """Yield the browser; afterwards its pages are closed and what they stored is gone."""
    yield profile
    first, *others = profile.pages
    for page in others:
        page.close()
    devtools = profile.new_cdp_session(first)
    devtools.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": STORED})
    devtools.detach()


@pytest.fixture
def open_page(address: str, context: BrowserContext) -> Iterator[OpenPage]:
    """Yield what opens a page of the app; afterwards no script may have failed on any.

    Nor may any page have asked another host or needed what the content policy forbids, which the
    browser says in its console. Instead of a path it takes a whole address too, of another server.
    """
    opened, errors = [], []
    hosts: set[str | None] = set()

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            errors.append(message.text)

    def open_at(path: str = "/", size: ViewportSize = LAPTOP, dark: bool = False) -> Page:
        page = context.new_page()
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", note)
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
        opened.append(page)
        page.goto(path if path.startswith("http") else address + path)
        return page

    yield open_at
    failed = [page.get_by_text("Something went wrong on this page").count() for page in opened]
    tracebacks = [page.get_by_test_id("stException").count() for page in opened]
    assert errors == []
    assert hosts <= {"127.0.0.1", None}, "a page asked another host"
    assert not any(tracebacks), "a traceback reached a page"
    assert not any(failed), "a page's script failed; the server's log says where"
