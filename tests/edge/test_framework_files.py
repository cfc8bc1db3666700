"""Streamlit's own files: from memory, kept by browsers, packed once there is time."""

import asyncio
import gzip
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message

from pages.shared.framework_files import FrameworkFiles, framework_files
from tests.event_loop import run_apart

CODE = b"let text = 1;\n" * 2000
FONT = bytes(range(256)) * 8
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    for name, body in (("a.js", CODE), ("b.woff2", FONT)):
        (tmp_path / name).write_bytes(body)
    return {"/static/js/a.js": tmp_path / "a.js", "/static/media/b.woff2": tmp_path / "b.woff2"}


async def ask(app: FrameworkFiles, path: str, method: str = "GET", accept: str = "gzip") -> Answer:
    found: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        found.append(message)

    headers = [(b"accept-encoding", accept.encode())]
    await app({"type": "http", "method": method, "path": path, "headers": headers}, receive, send)
    head = {name.decode(): value.decode() for name, value in found[0]["headers"]}
    return found[0]["status"], head, b"".join(message.get("body", b"") for message in found[1:])


def served(files: dict[str, Path], wait: float = 3600.0) -> FrameworkFiles:
    return FrameworkFiles(PlainTextResponse("passed on"), files, wait)


def test_a_file_is_answered_whole_and_browsers_keep_it(files: dict[str, Path]) -> None:
    for path, body, kind in (
        ("/static/js/a.js", CODE, "text/javascript"),
        ("/static/media/b.woff2", FONT, "font/woff2"),
    ):
        status, headers, found = run_apart(ask(served(files), path))
        assert (status, found) == (200, body) and headers["content-type"].startswith(kind)
        assert int(headers["content-length"]) == len(body)
        assert "immutable" in headers["cache-control"] and "content-encoding" not in headers
    assert run_apart(ask(served(files), "/static/js/a.js", "HEAD"))[2] == b""


@pytest.mark.parametrize("path", ["/", "/static/js/../a.js", "/static/js/c.js", "/static/js/"])
def test_all_else_is_passed_on(files: dict[str, Path], path: str) -> None:
    assert run_apart(ask(served(files), path))[2] == b"passed on"
    assert run_apart(ask(served(files), "/static/js/a.js", "POST"))[2] == b"passed on"


def test_scripts_are_packed_later_for_those_who_can_unpack_them(files: dict[str, Path]) -> None:
    async def ask_until_packed() -> tuple[Answer, Answer, Answer]:
        app = served(files, wait=0.0)
        while True:
            packed = await ask(app, "/static/js/a.js")
            if "content-encoding" in packed[1]:
                break
            await asyncio.sleep(0.01)
        plain = await ask(app, "/static/js/a.js", accept="br")
        return packed, plain, await ask(app, "/static/media/b.woff2")

    packed, plain, font = run_apart(ask_until_packed())
    assert packed[1]["content-encoding"] == "gzip" and gzip.decompress(packed[2]) == CODE
    assert int(packed[1]["content-length"]) == len(packed[2]) < len(CODE) / 4
    assert plain[2] == CODE and "content-encoding" not in plain[1]
    assert font[2] == FONT and "content-encoding" not in font[1]


def test_the_files_are_those_of_the_streamlit_that_is_installed() -> None:
    found = framework_files()
    assert any(path.startswith("/static/js/index.") for path in found)
    assert all(path.is_file() for path in found.values())
    assert not any(path.endswith(".html") for path in found)
