"""What students' devices and the teacher's browser ask of a class, over real connections."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from bn_core.classroom import ClassQuestion, Classroom
from bn_core.comparison import Comparison, comparison_to_query
from bn_core.config import Config
from pages.shared.classroom import routes
from pages.shared.classroom.pooled_runs import PooledRuns
from pages.shared.classroom.pooling import start_pooling, stop_pooling
from pages.shared.classroom.routes import CLASSES, MOST_BODY_BYTES
from pages.shared.security import ClosedRoutes
from pages.shared.security_connections import ConnectionLimits
from tests.edge.serving import bare_server


class Endless:
    """A computation that has not ended yet."""

    failure, result, done = "", None, False

    def renew_lease(self) -> None:
        """Stay."""


QUESTION = ClassQuestion("Which nets learn?", ("Both", "One", "None"), answer=1)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    app = Starlette(routes=routes.routes(), middleware=[Middleware(ClosedRoutes)])
    with bare_server(app, ConnectionLimits(50)) as port:
        yield port


@pytest.fixture
def classroom() -> Iterator[Classroom]:
    opened = CLASSES.open()
    yield opened
    opened.end()


def ask(port: int, path: str, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    """Post a body; return the status and the object that came back."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", f"/lab-files/class/{path}", body, headers)
    answer = connection.getresponse()
    found = answer.read()
    connection.close()
    return answer.status, json.loads(found) if found.startswith(b"{") else {}


def post(port: int, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    return ask(port, path, json.dumps(body).encode())


def join(port: int, classroom: Classroom) -> str:
    return post(port, f"{classroom.code}/students")[1]["student"]


@contextmanager
def listening(port: int, classroom: Classroom, student: str) -> Iterator[http.client.HTTPResponse]:
    """Yield the answer to a device that asks for the events."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"/lab-files/class/{classroom.code}/events?student={student}")
    with connection.getresponse() as stream:
        yield stream
    connection.close()


def state(stream: http.client.HTTPResponse) -> dict[str, Any]:
    """Return the next state of a stream of events."""
    while line := stream.readline():
        if line.startswith(b"data: "):
            return json.loads(line[6:])
    return {}


def teach(port: int, classroom: Classroom, key: str = "", **body: Any) -> tuple[int, Any]:
    path = f"{classroom.code}/teacher"
    return ask(port, path, json.dumps(body).encode(), **{"X-Class-Key": key or classroom.key})


def test_a_question_goes_to_the_devices_and_its_answers_come_back(
    port: int, classroom: Classroom
) -> None:
    student = join(port, classroom)
    with listening(port, classroom, student) as stream:
        assert stream.getheader("content-type", "").startswith("text/event-stream")
        assert state(stream)["phase"] == "wait"
        classroom.ask(QUESTION)
        shown = state(stream)
        assert shown["question"]["choices"] == list(QUESTION.choices) and shown["number"] == 1
        assert "answer" not in shown["question"]
        vote = {"student": student, "number": 1, "answer": 1}
        assert post(port, f"{classroom.code}/answers", **vote) == (200, {"answers": [1, None]})
        status, counted = teach(port, classroom)
        assert (status, counted["present"], counted["voted"]) == (200, 1, [1, 0])
        for phase in ("discuss", "vote again", "reveal"):
            assert teach(port, classroom, command="forward")[1]["phase"] == phase
            assert state(stream)["phase"] == phase
        assert post(port, f"{classroom.code}/students", student=student)[1]["answers"] == [1, None]
        classroom.end()
        assert state(stream)["ended"] and state(stream) == {}


def test_the_teacher_s_commands_need_the_key(port: int, classroom: Classroom) -> None:
    classroom.ask(QUESTION)
    student = join(port, classroom)
    for key in ("x", student, classroom.code, "ÿ"):
        assert teach(port, classroom, key, command="go", phase="reveal")[0] == 404
    assert classroom.phase == "vote"
    assert teach(port, classroom, command="go", phase="reveal")[1]["phase"] == "reveal"
    assert teach(port, classroom, command="decide", answer=2)[1]["question"]["answer"] == 2
    assert teach(port, classroom, command="decide", answer=9)[0] == 409


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"[]",
        b"null",
        b"{}",
        b'{"student": 3, "number": 1, "answer": 0}',
        b'{"student": "x", "number": 1, "answer": 0}',
        b'{"student": "STUDENT", "number": "1", "answer": 0}',
        b'{"student": "STUDENT", "number": true, "answer": 0}',
        b'{"student": "STUDENT", "number": 1, "answer": 1e999}',
        b'{"student": "STUDENT", "number": 1, "answer": [1e999]}',
        b'{"student": "STUDENT", "number": 1, "answer": {"a": 1}}',
        b"[" * 4000,
        b"x" * (MOST_BODY_BYTES + 1),
    ],
)
def test_hostile_answers_are_refused_in_words_and_count_for_nothing(
    port: int, classroom: Classroom, body: bytes
) -> None:
    student = join(port, classroom)
    classroom.ask(QUESTION)
    path = f"{classroom.code}/answers"
    status, found = ask(port, path, body.replace(b"STUDENT", student.encode()))
    assert 400 <= status < 500 and found["words"]
    assert classroom.shown_to_teacher()["voted"] == [0, 0]


def test_a_student_trains_a_seed_and_submits_a_run_by_its_link(
    port: int, classroom: Classroom
) -> None:
    first, second = join(port, classroom), join(port, classroom)
    path = f"{classroom.code}/parts"
    assert post(port, path, student=first)[0] == 409
    held = Comparison(Config(seed=7, steps=20))
    start_pooling(PooledRuns(classroom, held, lambda name, **_: Endless()))
    try:
        status, told = post(port, path, student=first)
        assert (status, told["part"]) == (200, 7) and told["link"].startswith("?")
        assert post(port, f"{classroom.code}/students", student=first)[1]["part"] == told
        fitting = f"https://lab.example/?{urlencode(comparison_to_query(held) | {'seed': '40'})}"
        assert post(port, path, student=second, link=fitting)[1]["part"] == 40
        for link, words in ((fitting + "&lr=0.7", "Learning rate"), ("hello", "no link")):
            third = join(port, classroom)
            status, found = post(port, path, student=third, link=link)
            assert status == 409 and words in found["words"]
        for hostile in ({"student": 3}, {"student": second, "link": ["?"]}, {"student": "x"}):
            assert 400 <= post(port, path, **hostile)[0] < 500
    finally:
        stop_pooling(classroom)


def test_a_code_without_a_class_is_refused_in_words(port: int, classroom: Classroom) -> None:
    for path in ("ZZZZZZ/students", f"{classroom.code}X/students"):
        status, found = post(port, path)
        assert status == 404 and "code" in found["words"]
    with listening(port, classroom, "nobody") as refused:
        assert refused.status == 404


def test_the_page_comes_from_this_server_alone(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/join?c=%3Cscript%3E")
    page = connection.getresponse().read().decode()
    connection.close()
    assert "<script>" not in page and "http" not in page


def test_a_server_that_stops_does_not_wait_for_the_devices() -> None:
    opened = CLASSES.open()
    with bare_server(Starlette(routes=routes.routes()), ConnectionLimits(50), force=False) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        path = f"/lab-files/class/{opened.code}/events?student={opened.join()}"
        connection.request("GET", path)
        stream = connection.getresponse()
        assert state(stream)["phase"] == "wait"
    with stream:
        assert state(stream) == {}
    connection.close()
    opened.end()
