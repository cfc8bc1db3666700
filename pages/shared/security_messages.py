"""What a page may ask of Streamlit by its WebSocket: what this app's pages do, and nothing else."""

from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

ALLOWED = frozenset({"rerun_script", "stop_script", "app_heartbeat", "backend_operation_request"})
"""Left out: ``clear_cache``, which is for all visitors; ``load_git_info``, which runs git while
everybody waits and tells who asks about the server's files; uploads; settings for developers."""


class AllowedMessages:
    """Drops messages of Streamlit's protocol that no page of this app sends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_allowed() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive" or _is_allowed(message.get("bytes")):
                    return message

        is_websocket = scope["type"] == "websocket"
        await self._app(scope, receive_allowed if is_websocket else receive, send)


def _is_allowed(data: bytes | None) -> bool:
    """Return whether a message may pass; Streamlit itself closes on what it cannot read."""
    message = BackMsg()
    try:
        message.ParseFromString(data or b"")
    except DecodeError:
        return True
    return message.WhichOneof("type") in ALLOWED
