"""The real server: its health while one visitor asks for too much, its end, its descriptors."""

import asyncio
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.benchmarks import serving
from tests.event_loop import run_apart

pytestmark = pytest.mark.slow
HEAVIEST = (
    "depth=20&width=256&seeds=10&batch=16&arms=none-before-after-layer-group-instance-ghost-renorm"
)

STANDS_STILL = 1.0
"""Seconds without an answer that no busy machine explains: opening such a run takes longer."""


@pytest.fixture
def short_lived(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """A server that keeps the sessions of visitors who left for 3 s: its port and process."""
    monkeypatch.setenv("STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL", "3")
    port = serving.free_port()
    with serving.app(port) as process:
        yield port, process.pid


def health(port: int) -> tuple[float, dict]:
    """Return the seconds of an answer, and what it says of the workers."""
    began = time.monotonic()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/lab-files/health", timeout=20) as got:
            body = got.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    return time.monotonic() - began, json.loads(body)


async def visit(port: int, query: str, reruns: int = 1) -> None:
    """Show the Lab and press New seeds as fast as pages come, then leave."""
    address, button = f"ws://127.0.0.1:{port}/_stcore/stream", ""
    protocols = [websockets.Subprotocol("streamlit")]
    async with websockets.connect(address, subprotocols=protocols, max_size=None) as line:
        for _ in range(reruns):
            message = BackMsg()
            message.rerun_script.query_string = query
            if button:
                message.rerun_script.widget_states.widgets.add(id=button, trigger_value=True)
            await line.send(message.SerializeToString())
            while True:
                received = ForwardMsg()
                received.ParseFromString(await line.recv())  # type: ignore[arg-type]
                element = received.delta.new_element
                if element.WhichOneof("type") == "button" and element.button.label == "New seeds":
                    button = element.button.id
                if received.WhichOneof("type") == "script_finished":
                    break


def descriptors(process: int) -> int:
    return len(os.listdir(f"/proc/{process}/fd"))


def test_descriptors_return_after_a_class_has_left(short_lived):
    port, process = short_lived
    run_apart(visit(port, ""))
    before = descriptors(process)

    async def a_class() -> None:
        await asyncio.gather(*(visit(port, "") for _ in range(20)))

    run_apart(a_class())
    assert descriptors(process) > before + 30, "sessions hold descriptors for a while"
    deadline = time.monotonic() + 60
    while descriptors(process) > before + 3:
        assert time.monotonic() < deadline, f"{descriptors(process)} held, {before} before"
        time.sleep(0.5)


def test_new_seeds_pressed_150_times_leave_health_and_the_end_of_the_server_quick():
    port = serving.free_port()
    with serving.app(port) as process:

        async def press() -> list[float]:
            pressing = asyncio.create_task(visit(port, HEAVIEST, reruns=150))
            times = []
            while not pressing.done():
                seconds, said = await asyncio.to_thread(health, port)
                times.append(seconds)
                assert len(said["workers"]) == 2
                await asyncio.sleep(0.1)
            await pressing
            return times

        times = sorted(run_apart(press()))
        assert times[int(0.95 * len(times))] < STANDS_STILL
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        assert time.monotonic() - began < 10
