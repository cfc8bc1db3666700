"""Messages over the WebSocket: what no page of the app sends does not reach Streamlit."""

import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from pages.shared import security
from pages.shared.security_messages import ALLOWED, AllowedMessages
from tests.event_loop import run_apart

KINDS = [field.name for field in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields]


def message(kind: str) -> bytes:
    """Return a message of one kind with nothing in it."""
    made, field = BackMsg(), BackMsg.DESCRIPTOR.fields_by_name[kind]
    if field.message_type is None:
        setattr(made, kind, True)
    else:
        getattr(made, kind).SetInParent()
    return made.SerializeToString()


def arrived(*sent: bytes) -> list[bytes]:
    """Return which messages reach the app behind the middleware."""
    found: list[bytes] = []
    waiting: list[Message] = [{"type": "websocket.receive", "bytes": data} for data in sent]
    waiting.append({"type": "websocket.disconnect"})

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (got := await receive())["type"] == "websocket.receive":
            found.append(got["bytes"])

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(_message: Message) -> None:
        pass

    run_apart(AllowedMessages(app)({"type": "websocket"}, receive, send))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_pages_send_passes(kind: str) -> None:
    assert arrived(message(kind)) == ([message(kind)] if kind in ALLOWED else [])


def test_what_concerns_all_visitors_is_among_what_is_dropped() -> None:
    assert {"clear_cache", "load_git_info", "set_run_on_save", "debug_shutdown_runtime"} <= set(
        KINDS
    ) - ALLOWED


def test_padding_hides_nothing_and_what_cannot_be_read_is_left_to_streamlit() -> None:
    padded = message("clear_cache") + b"\xfa\x3f\x02xx"  # a field that nobody knows
    assert arrived(padded, b"\xff\xff", message("rerun_script")) == [
        b"\xff\xff",
        message("rerun_script"),
    ]


def test_the_server_puts_it_in_front_of_streamlit() -> None:
    assert AllowedMessages in [one.cls for one in security.middleware()]
