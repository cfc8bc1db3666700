"""The route that takes a reader's own files: for the page that has its token, and bounded."""

import json
from collections.abc import Iterator

import pytest
from starlette.types import Message, Scope

from bn_core.datasets.reading import MOST_FILE_BYTES
from pages.shared.own_data import inbox
from pages.shared.own_data.inbox import MOST_WAITING_BYTES, Inbox
from pages.shared.security import ClosedRoutes
from tests.event_loop import run_apart


def post(
    token: str, parts: list[bytes], query: str = "name=a.csv", length: int | None = None
) -> tuple[int, str]:
    """Send a body in parts, through what closes routes; return status and words."""
    (route,) = inbox.routes()
    path = f"/lab-files/files/{token}"
    headers = [] if length is None else [(b"content-length", str(length).encode())]
    scope: Scope = {
        "type": "http", "method": "POST", "path": path, "query_string": query.encode(),
        "headers": headers, "path_params": {"token": token}, "root_path": "",
    }  # fmt: skip
    waiting: list[Message] = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    run_apart(ClosedRoutes(route.app)(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], json.loads(body)["words"]


@pytest.fixture
def box() -> Iterator[Inbox]:
    yield Inbox()


def test_a_file_reaches_the_inbox_of_its_token_alone(box: Inbox) -> None:
    other = Inbox()
    assert post(box.token, [b"1,2", b",a"]) == (200, "")
    assert box.files == (("a.csv", b"1,2,a"),) and other.files == ()
    before = box.arrived
    assert post(box.token, [b"x"], "name=b.csv&part=0")[0] == 200
    assert post(box.token, [b"y"], "name=c.csv&part=1")[0] == 200
    assert box.files == (("b.csv", b"x"), ("c.csv", b"y")) and box.arrived > before


def test_a_token_that_is_none_is_answered_with_what_to_do() -> None:
    assert post("x" * 22, [b"1"]) == (
        404,
        "This page has expired. Reload it and choose the file again.",
    )


def test_what_is_too_large_is_refused_before_it_is_read_or_as_it_arrives(box: Inbox) -> None:
    assert post(box.token, [], length=MOST_FILE_BYTES + 1)[0] == 413
    endless = [bytes(2**20)] * (MOST_FILE_BYTES // 2**20 + 100)
    assert post(box.token, endless)[0] == 413
    assert post(box.token, endless, length=3)[0] == 413  # whatever it says of itself
    assert box.files == ()
    half = MOST_FILE_BYTES // 2 + 1
    assert post(box.token, [bytes(half)])[0] == 200
    assert post(box.token, [bytes(half)], "part=1")[0] == 413
    assert len(box.files) == 1


def test_three_files_are_too_many_and_names_are_cut(box: Inbox) -> None:
    assert [post(box.token, [b"1"], f"part={n}&name={'n' * 500}")[0] for n in (0, 1, 2)] == [
        200,
        200,
        413,
    ]
    assert len(box.title) == inbox.LONGEST_NAME


def test_the_files_of_all_visitors_stay_within_a_bound_and_the_oldest_go_first() -> None:
    boxes = [Inbox() for _ in range(MOST_WAITING_BYTES // MOST_FILE_BYTES + 3)]
    for one in boxes:
        assert one.put("a", bytes(MOST_FILE_BYTES), first=True) == ""
    assert sum(one.size() for one in boxes) <= MOST_WAITING_BYTES
    assert not boxes[0].files and boxes[-1].files
    for one in boxes:
        one.files = ()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/lab-files/files/aaaaaaaaaaaaaaaaaaaaaa"),
        ("DELETE", "/lab-files/files/aaaaaaaaaaaaaaaaaaaaaa"),
        ("POST", "/lab-files/files/"),
        ("POST", "/lab-files/files/aaaaaaaaaaaaaaaaaaaaaa/more"),
        ("POST", "/lab-files/files/aaaaaaaaaaaaaaaaaaaaaa\n"),
        ("POST", "/lab-files/feed/aaaaaaaaaaaaaaaaaaaaaa"),
        ("POST", "/_stcore/upload_file/files/aaaaaaaaaaaaaaaaaaaaaa"),
        ("POST", "/_stcore/upload_file/lab-files/files/aaaaaaaaaaaaaaaaaaaaaa"),
        ("POST", "/"),
    ],
)
def test_no_other_way_of_sending_is_open(method: str, path: str) -> None:
    sent: list[Message] = []

    async def app(*_: object) -> None:
        raise AssertionError("this reached the app")

    async def receive() -> Message:
        raise AssertionError("this was read")

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": method, "path": path, "headers": []}
    run_apart(ClosedRoutes(app)(scope, receive, send))
    assert sent[0]["status"] in (404, 405)
