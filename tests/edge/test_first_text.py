"""The HTML that a browser is sent: the page's styles, and the Lab's first words."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import Message

from bn_core.figures.view import View
from bn_core.presets import PRESETS
from pages.shared.first_text import FirstText, page_html
from pages.shared.framework_files import framework_files
from pages.shared.lab.introduction import first_words
from pages.shared.lab.url_state import lab_query
from pages.shared.live.browser_files import FILES
from tests.event_loop import run_apart

PAGE = Path(st.__file__).parent / "static" / "index.html"
STREAMLITS = PAGE.read_text(encoding="utf-8")
WORDS = re.compile('<div class="bn-first-words" inert>.*?</div>')
BROWSER = {"accept": "text/html,*/*", "accept-encoding": "gzip"}


async def _page(_request: object) -> FileResponse:
    return FileResponse(PAGE)


async def _words(_request: object) -> PlainTextResponse:
    return PlainTextResponse("passed on", headers={"etag": '"1"'})


APP = Starlette(
    routes=[Route("/words", _words), Route("/{path:path}", _page)],
    middleware=[Middleware(FirstText), Middleware(GZipMiddleware)],
)


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def get(path: str, query: str = "", method: str = "GET", **headers: str) -> Answer:
    return run_apart(_ask(path, query, method, headers or BROWSER))


async def _ask(path: str, query: str, method: str, headers: dict[str, str]) -> Answer:
    found: list[Message] = []

    async def receive() -> Message:
        return await asyncio.Future()  # the client stays

    async def send(message: Message) -> None:
        found.append(message)

    asked = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "root_path": ""}
    await APP({**scope, "query_string": query.encode(), "headers": asked}, receive, send)
    head = {name.decode(): value.decode() for name, value in found[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in found[1:])
    return Answer(found[0]["status"], head, body)


def test_the_lab_comes_with_its_first_words_before_the_place_of_the_app() -> None:
    html = get("/").text
    assert html == page_html(STREAMLITS, "/", "")
    assert html.index("<h1 class='bn-title'>The Lab</h1>") < html.index('<div id="root">')
    assert "press <b>Train</b> and compare" in html
    assert "<title>Batch Norm Lab</title>" in html and "<title>Streamlit" not in html
    # They are not reached by keys: the app's own words take their place.
    assert re.search(r'<div class="bn-first-words" inert>', html)


@pytest.mark.parametrize(("path", "query"), [("/claims", ""), ("/", "embed=true")])
def test_other_pages_come_with_the_styles_alone(path: str, query: str) -> None:
    html = get(path, query).text
    assert "bn-first-words" not in html
    for name in ("page.css", "lessons.css"):
        assert re.search(rf'<link rel="stylesheet" href="\./lab-files/\w+/{name}">', html)


def test_the_words_are_those_of_the_example_that_the_link_names() -> None:
    for preset in PRESETS.values():
        html = get("/", urlencode(lab_query(preset.comparison, View()))).text
        assert first_words(preset.comparison) in html


@pytest.mark.parametrize(
    "query", ["arms=<script>alert(1)</script>", "depth=9e99&depth=%ff", "&".join(["a=1"] * 500)]
)
def test_a_link_that_cannot_be_read_changes_nothing_of_the_words(
    query: str,
) -> None:
    answer = get("/", query)
    assert (answer.status, WORDS.findall(answer.text)) == (200, WORDS.findall(get("/").text))
    assert len(WORDS.findall(answer.text)) == 1


def test_browsers_never_keep_a_page_of_another_version() -> None:
    kept = get("/", accept="*/*").headers["etag"]
    answer = get("/", accept="text/html", if_none_match=kept, range="bytes=0-9")
    assert answer.status == 200 and answer.text == page_html(STREAMLITS, "/", "")
    assert "etag" not in answer.headers and "last-modified" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.body)


def test_all_else_is_passed_on_as_it_is() -> None:
    assert get("/", accept="*/*").text == STREAMLITS
    answer = get("/words")
    assert answer.text == "passed on" and answer.headers["etag"] == '"1"'
    assert get("/", method="HEAD").body == b""


def test_the_page_names_each_file_that_the_lab_will_need_once() -> None:
    files = {path.name: path for path in framework_files().values() if path.suffix == ".js"}
    html = get("/").text
    preloaded = re.findall(r'href="\./([^"]+\.m?js)"', html)
    assert len(preloaded) == len(set(preloaded))
    named = preloaded + re.findall(r'src="\./([^"]+\.m?js)"', html)
    own = {name.rpartition("/")[2] for name in named if name.startswith("lab-files/")}
    assert {"live.mjs", "diagram.mjs", "drawing.mjs", "plotly.min.js"} <= own <= FILES.keys()
    parts = [name.rpartition("/")[2] for name in named if name.startswith("static/js/")]
    for kind in ("BidiComponent", "Html", "Slider", "Button", "Selectbox", "PageLink"):
        assert any(name.startswith(f"{kind}.") for name in parts)
    # None of them has the browser wait for a file that it is not told of.
    for name in parts:
        code = files[name].read_text(encoding="utf-8")
        assert set(re.findall(r"""from["'`]\./([\w.-]+\.js)["'`]""", code)) <= set(parts)
