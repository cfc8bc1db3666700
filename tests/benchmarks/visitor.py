"""A visitor without a browser: speaks Streamlit's protocol, fetches pictures as live.mjs does."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg


@dataclass
class Visitor:
    """One client: a WebSocket for the page, a connection of its own for the pictures."""

    port: int
    query: str
    buttons: dict[str, str] = field(default_factory=dict)
    feed: str = ""
    have: int = 0
    step: int = -1
    updates: int = 0
    steps_trained: int = 0
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)

    async def visit(self) -> None:
        """Open the page, press Train when told to, fetch pictures until told to leave."""
        address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        protocols = [websockets.Subprotocol("streamlit")]
        async with websockets.connect(address, subprotocols=protocols, max_size=None) as line:
            self.line = line
            await self.rerun()
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.listen()), group.create_task(self.follow())]
                await self.leaving.wait()
                for task in tasks:
                    task.cancel()

    async def rerun(self, press: str = "") -> None:
        message = BackMsg()
        message.rerun_script.query_string = self.query
        if press:
            message.rerun_script.widget_states.widgets.add(id=press, trigger_value=True)
        await self.line.send(message.SerializeToString())

    async def press(self, label: str) -> None:
        """Press the button with a label, once it is there."""
        await until(lambda: label in self.buttons, 60)
        await self.rerun(press=self.buttons.pop(label))

    async def train_with_new_seeds(self) -> None:
        """Press New seeds, wait for the page that offers to train them, and press Train."""
        self.buttons.pop("Train", None)
        await self.press("New seeds")
        await self.press("Train")

    async def listen(self) -> None:
        async for data in self.line:
            message = ForwardMsg()
            assert isinstance(data, bytes), "the server speaks protobuf"
            message.ParseFromString(data)
            if message.WhichOneof("type") == "delta" and message.delta.HasField("new_element"):
                self.take_element(message.delta.new_element)

    def take_element(self, element) -> None:
        kind = element.WhichOneof("type")
        if kind == "button":
            self.buttons[element.button.label] = element.button.id
        elif kind == "bidi_component" and "feed" in element.bidi_component.json:
            self.feed = orjson.loads(element.bidi_component.json)[0]["feed"]
            self.woken.set()

    async def follow(self) -> None:
        """Fetch pictures as live.mjs does: at once when the page was shown anew, else in turn."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while True:
            await self.woken.wait()
            rest = False
            while not rest:
                self.woken.clear()
                began = time.monotonic()
                answer = await self.ask(reader, writer)
                self.take_picture(answer)
                rest = answer["rest"] and not self.woken.is_set()
                await asyncio.sleep(max(answer["pause"] / 1000 - (time.monotonic() - began), 0))

    async def ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> dict[str, Any]:
        path = f"/lab-files/feed/{self.feed}?have={self.have}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("http/1.1 200"), head
        length = int(head.split("content-length: ")[1].split("\r")[0])
        return orjson.loads(await reader.readexactly(length))

    def take_picture(self, answer: dict[str, Any]) -> None:
        if "charts" in answer:
            self.have = answer["number"]
        if "step" in answer:  # the nets are built
            self.updates += answer["step"] != self.step
            self.steps_trained += max(answer["step"] - self.step, 0)
            self.step = answer["step"]


async def until(condition, seconds: float) -> None:
    """Wait for a condition. Errors: ``TimeoutError``."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)
