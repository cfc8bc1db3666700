"""Many visitors who all train: what each gets, and whether the server keeps answering.

Run as ``python -m tests.benchmarks.classroom``: thirty visitors for 20 s. For more of them, for
ten minutes, and for a class that presses New seeds all the time::

    python -m tests.benchmarks.classroom --visitors 100
    python -m tests.benchmarks.classroom --seconds 600 --press 2
    python -m tests.benchmarks.classroom --press 2 --query "depth=20&width=256"

Visitors are plain clients that speak Streamlit's own protocol and fetch their pictures as the live
view does in a browser.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bn_core.service.pool import Timeouts
from tests.benchmarks import serving

LEAST_UPDATES = 2.0
MOST_GAINED_MB = 30.0
LONG_ENOUGH_TO_JUDGE_MEMORY = 300.0
LEAST_SHARE = 0.5
MOST_HEALTH_MS = 100.0
MOST_SECONDS_TO_STOP = 10.0


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


async def health_times(port: int, seconds: float) -> list[float]:
    """Return the milliseconds of the health endpoint's answers, asked ten times a second."""
    found = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        began = time.perf_counter()
        await asyncio.to_thread(serving.is_healthy, port)
        found.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(0.1)
    return found


async def press_in_turn(visitors: list[Visitor], seconds: float) -> None:
    """Have one visitor after the other train new seeds, one each so many seconds."""
    for visitor in itertools.cycle(visitors):
        await asyncio.sleep(seconds)
        await visitor.train_with_new_seeds()


async def memory_gained(server: int, seconds: float) -> float:
    """Return the MB by which the server has grown in the second half of some time."""
    await asyncio.sleep(seconds / 2)
    halfway = serving.memory(server)
    await asyncio.sleep(seconds / 2 - 0.5)
    return serving.memory(server) - halfway


async def seconds_to_stop(workers: list[int]) -> float:
    """Return after how many seconds the workers compute less than a twentieth of a core."""
    began = time.monotonic()
    before = serving.processor_seconds(workers)
    while time.monotonic() - began < 3 * MOST_SECONDS_TO_STOP:
        await asyncio.sleep(1.0)
        now = serving.processor_seconds(workers)
        if now - before < 0.05:
            return time.monotonic() - began - 1.0
        before = now
    return float("inf")


def memory(server: int, workers: list[int]) -> dict[str, float]:
    """Return the memory of both kinds of process in MB."""
    return {"server": serving.memory(server), "workers": sum(map(serving.memory, workers))}


async def work(port: int, server: int, visitors: list[Visitor], asked: argparse.Namespace):
    """Let everybody train for the time asked for; return the health's times and MB gained."""
    async with asyncio.TaskGroup() as group:
        gained = group.create_task(memory_gained(server, asked.seconds))
        pressing = group.create_task(press_in_turn(visitors, asked.press or asked.seconds))
        health = await health_times(port, asked.seconds)
        pressing.cancel()
    return health, gained.result()


async def measure(port: int, server: int, asked: argparse.Namespace) -> bool:
    """Print the table; return whether every aim is met."""
    await until(lambda: len(serving.workers_of(server)) >= 2, 60)
    workers = serving.workers_of(server)
    await seconds_to_stop(workers)  # they have started and warmed up
    idle = memory(server, workers)
    query = f"steps=10000&speed=full&{asked.query}"
    visitors = [Visitor(port, query) for _ in range(asked.visitors)]
    tasks = [asyncio.create_task(visitor.visit()) for visitor in visitors]
    await until(lambda: all("Train" in v.buttons and v.step >= 0 for v in visitors), 600)
    for visitor in visitors:
        await visitor.press("Train")
    await until(lambda: all(v.step > 0 for v in visitors), 600)
    for visitor in visitors:
        visitor.updates = visitor.steps_trained = 0
    health, gained = await work(port, server, visitors, asked)
    updates = sorted(v.updates / asked.seconds for v in visitors)
    steps = sorted(v.steps_trained for v in visitors)
    busy = memory(server, workers)
    torch_in_server = serving.maps_torch(server)
    for visitor in visitors:
        visitor.leaving.set()
    await asyncio.gather(*tasks)
    stopped = await seconds_to_stop(workers)
    await asyncio.sleep(Timeouts().forget + 3)
    after = memory(server, workers)
    p95 = statistics.quantiles(health, n=20)[-1]
    share = steps[0] / max(statistics.median(steps), 1)
    rows = [
        ("updates/s of the slowest visitor", updates[0], f">= {LEAST_UPDATES}"),
        ("updates/s, median", statistics.median(updates), ""),
        ("steps in all, per second", sum(steps) / asked.seconds, ""),
        ("steps of the slowest, of the median", share, f">= {LEAST_SHARE}"),
        ("health endpoint, p95, ms", p95, f"< {MOST_HEALTH_MS:g}"),
        ("training stops after, s", stopped, f"< {MOST_SECONDS_TO_STOP:g}"),
        ("server's growth in the second half, MB", gained, f"< {MOST_GAINED_MB:g} in a long run"),
        *(
            (f"memory of the {who} {when}, MB", size[who], "")
            for who in ("server", "workers")
            for when, size in (("idle", idle), ("at work", busy), ("afterwards", after))
        ),
        ("torch in the server process", float(torch_in_server), "0"),
    ]
    print(f"{asked.visitors} visitors, {asked.seconds:g} s\n")
    for words, value, aim in rows:
        print(f"{words:38} {value:9.2f}  {aim}")
    met = updates[0] >= LEAST_UPDATES and share >= LEAST_SHARE and p95 < MOST_HEALTH_MS
    if asked.query or asked.press:  # of large nets, or of runs begun anew, there are fewer updates
        met = steps[0] > 0 and p95 < MOST_HEALTH_MS
    met = met and (gained < MOST_GAINED_MB or asked.seconds < LONG_ENOUGH_TO_JUDGE_MEMORY)
    return met and stopped < MOST_SECONDS_TO_STOP and not torch_in_server


def main() -> int:
    """Start the app, measure, return 1 if an aim is missed."""
    parser = argparse.ArgumentParser(description="Visitors who all train.")
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--query", default="", help="settings of the Lab, as in its link")
    parser.add_argument("--press", type=float, default=0.0, help="seconds between two New seeds")
    asked = parser.parse_args()
    # A server for so many has a place for each.
    os.environ.setdefault("BN_LAB_PLACES", str(max(64, asked.visitors)))
    port = serving.free_port()
    with serving.app(port) as process:
        return int(not asyncio.run(measure(port, process.pid, asked)))


if __name__ == "__main__":
    sys.exit(main())
