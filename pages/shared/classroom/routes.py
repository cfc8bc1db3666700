"""What students' devices ask: a light page of our own, its events, and where answers are sent.

A device is told of each change by server-sent events and opens no session of Streamlit, so that
hundreds of them cost little beside the nets in training.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bn_core.classroom import ClassError, Classes, Classroom, Phase
from bn_core.classroom.questions import QuestionError
from pages.shared import environment
from pages.shared.classroom.pooling import pooled
from pages.shared.live.browser_files import BASE
from pages.shared.security_connections import at_shutdown

CLASSES = Classes()
"""The classes of this server."""

PAGE = "/join"
API = "/lab-files/class/{code}"
MOST_BODY_BYTES = 4096
SECONDS_BETWEEN_SIGNS = 10.0
"""A device that hears nothing for much longer connects anew."""
SECONDS_BETWEEN_STATES = 0.1
"""Changes that come faster reach a device together."""

_PAGE = (Path(__file__).parent / "join.html").read_text("utf-8").replace("{base}", BASE)
_PARTS = ", ".join(
    f"<{BASE}/class_{name}.mjs>; rel=modulepreload"
    for name in ("connection", "curves", "map", "part", "pool", "results", "run")
)
_NO_CLASS = "There is no class with this code. It may have ended; compare the code on the screen."
_NO_STORE = {"Cache-Control": "no-store"}
_listeners: dict[str, "_Listeners"] = {}


def routes() -> list[Route]:
    """Return the routes of the students' page and of what it asks."""
    CLASSES.replica = environment.read_or_exit().replica
    at_shutdown(_end_streams)
    return [
        Route(PAGE, page),
        Route(f"{API}/students", join, methods=["POST"]),
        Route(f"{API}/answers", answer, methods=["POST"]),
        Route(f"{API}/parts", train_part, methods=["POST"]),
        Route(f"{API}/events", events),
        Route(f"{API}/teacher", teach, methods=["POST"]),
    ]


def _end_streams() -> None:
    for listeners in list(_listeners.values()):
        listeners.stopped = True
        listeners.tell()


class _Listeners:
    """Wakes every stream of a class; told of changes by any thread."""

    def __init__(self, classroom: Classroom) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._classroom = classroom
        self._body: tuple[int, bytes] = (-1, b"")
        self.count = 0
        self.stopped = False
        """Whether the streams are to end, as the server stops."""
        classroom.on_change.append(self.tell)

    def tell(self) -> None:
        """Let all streams go on; from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self) -> None:
        """Wait until the class changes."""
        await self._changed.wait()

    def state(self) -> tuple[int, bytes]:
        """Return the version of what students see and its text, made once for all of them."""
        if self._body[0] != self._classroom.version:
            shown = self._classroom.shown_to_students()
            self._body = shown["version"], orjson.dumps(shown)
        return self._body


@contextmanager
def _listening(classroom: Classroom) -> "Iterator[_Listeners]":
    """Return what wakes the streams of a class, shared by all that listen at a time."""
    listeners = _listeners.get(classroom.code)
    if listeners is None or listeners.stopped:
        listeners = _listeners[classroom.code] = _Listeners(classroom)
    listeners.count += 1
    try:
        yield listeners
    finally:
        listeners.count -= 1
        if not listeners.count:
            classroom.on_change.remove(listeners.tell)
            if _listeners.get(classroom.code) is listeners:
                del _listeners[classroom.code]


async def page(_request: Request) -> Response:
    """Answer with the students' page: the same for all, so it may be asked for without a code."""
    headers = {"Cache-Control": "no-cache", "Link": _PARTS}
    return Response(_PAGE, media_type="text/html", headers=headers)


async def join(request: Request) -> Response:
    """Let a device into the class, or back into it with the token it was given."""
    classroom = CLASSES.find(request.path_params["code"])
    given = await _body(request)
    if classroom is None or given is None:
        return _refusal(404 if classroom is None else 400, _NO_CLASS)
    token = given.get("student", "")
    try:
        student = classroom.join(token if isinstance(token, str) else "")
    except ClassError as problem:
        return _refusal(409, str(problem))
    work, answers = pooled(classroom), classroom.answers_of(student)
    part = work.told(student) if work else {}
    return _json({"student": student, "code": classroom.code, "answers": answers, "part": part})


async def answer(request: Request) -> Response:
    """Count an answer; say why if it cannot be counted."""
    classroom = CLASSES.find(request.path_params["code"])
    given = await _body(request)
    if classroom is None or given is None:
        return _refusal(404 if classroom is None else 400, _NO_CLASS)
    token, number = given.get("student"), given.get("number")
    if not isinstance(token, str) or type(number) is not int:
        return _refusal(400, "This is no answer.")
    try:
        classroom.vote(token, number, given.get("answer"))
    except (ClassError, QuestionError) as problem:
        return _refusal(409, str(problem))
    return _json({"answers": classroom.answers_of(token)})


async def train_part(request: Request) -> Response:
    """Train for a student the next part of what the class trains, or what a link of theirs names.

    The answer says which part it is; what comes of it all students see in the class's state.
    """
    classroom = CLASSES.find(request.path_params["code"])
    given = await _body(request)
    if classroom is None or given is None:
        return _refusal(404 if classroom is None else 400, _NO_CLASS)
    work, student, link = pooled(classroom), given.get("student"), given.get("link")
    if not isinstance(student, str) or not isinstance(link, str | None):
        return _refusal(400, "This is no link.")
    if work is None:
        return _refusal(409, "The class trains nothing together now.")
    try:
        told = work.ask(student) if link is None else work.submit_link(student, link)
    except ClassError as problem:
        return _refusal(409, str(problem))
    return _json(told)


async def events(request: Request) -> Response:
    """Stream what students see, at every change."""
    classroom = CLASSES.find(request.path_params["code"])
    token = request.query_params.get("student", "")
    if classroom is None or not classroom.is_student(token):
        return _refusal(404, _NO_CLASS)
    headers = _NO_STORE | {"X-Accel-Buffering": "no"}
    stream = _stream(classroom, token)
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _stream(classroom: Classroom, token: str) -> AsyncIterator[bytes]:
    sent = -1
    with classroom.connected(token), _listening(classroom) as listeners:
        while not listeners.stopped:
            version, body = listeners.state()
            if version != sent:
                sent = version
                yield b"retry: 1000\ndata: " + body + b"\n\n"
                if classroom.ended:
                    return
                await asyncio.sleep(SECONDS_BETWEEN_STATES)
                continue
            try:
                async with asyncio.timeout(SECONDS_BETWEEN_SIGNS):
                    await listeners.wait()
            except TimeoutError:
                yield b"event: sign\ndata:1\n\n"


async def teach(request: Request) -> Response:
    """Do what the teacher's browser asks, if it has the key; answer with how the class stands."""
    given = await _body(request)
    key = request.headers.get("x-class-key", "")[:100]
    classroom = CLASSES.find_for_teacher(request.path_params["code"], key)
    if classroom is None or given is None:
        return _refusal(404 if classroom is None else 400, _NO_CLASS)
    try:
        _obey(classroom, given)
    except (ClassError, QuestionError) as problem:
        return _refusal(409, str(problem))
    return _json(classroom.shown_to_teacher())


def _obey(classroom: Classroom, given: dict[str, Any]) -> None:
    """Do what a teacher's browser asks. Errors: ``ClassError``, ``QuestionError``."""
    match given:
        case {"command": "forward"}:
            classroom.move(1)
        case {"command": "back"}:
            classroom.move(-1)
        case {"command": "go", "phase": str(phase)} if phase in list(Phase):
            classroom.go_to(Phase(phase))
        case {"command": "decide", "answer": int(index)}:
            classroom.decide(index)
        case {"command": "close"}:
            classroom.close_to_newcomers(True)
        case {"command": "open"}:
            classroom.close_to_newcomers(False)
        case _:
            pass  # only the numbers are asked for


async def _body(request: Request) -> dict[str, Any] | None:
    """Return the object in a request's body; None if there is none or it is too long."""
    body = b""
    try:
        async with asyncio.timeout(10):
            async for part in request.stream():
                body += part
                if len(body) > MOST_BODY_BYTES:
                    return None
        found = orjson.loads(body or b"{}")
    except (TimeoutError, ClientDisconnect, orjson.JSONDecodeError):
        return None
    return found if isinstance(found, dict) and _is_finite(found) else None


def _is_finite(found: Any) -> bool:
    """Return whether no number is infinite: orjson reads 1e999 as such."""
    numbers = found.get("answer")
    if isinstance(numbers, list):
        return all(not isinstance(one, float) or math.isfinite(one) for one in numbers)
    return True


def _json(shown: Any) -> Response:
    return Response(orjson.dumps(shown), headers=_NO_STORE, media_type="application/json")


def _refusal(status: int, words: str) -> Response:
    body = orjson.dumps({"words": words})
    return Response(body, status, headers=_NO_STORE, media_type="application/json")
