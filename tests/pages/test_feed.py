"""Which charts a feed sends; without a browser."""

import secrets
from collections.abc import Hashable, Mapping
from typing import Any

import orjson
import pytest
from starlette.requests import Request
from starlette.responses import Response

from pages.shared.live.feed import Chart, Feed, answer, answer_csv
from pages.shared.live.schema import Frame
from tests.event_loop import run_apart


class Slate(Feed):
    """A feed whose charts are texts that a test writes; it counts how often each is drawn."""

    def __init__(self, **words: str) -> None:
        super().__init__()
        self.words = words
        self.drawn: list[str] = []

    def renew_lease(self) -> None:
        pass

    def show_step(self, step: int | None) -> None:
        pass

    def cache_key(self) -> Hashable:
        return tuple(self.words.items())

    def frame(self) -> Frame:
        return {"notice": "fine"}

    def charts(self) -> Mapping[str, Chart]:
        def make(name: str) -> dict[str, Any]:
            self.drawn.append(name)
            curve = {"name": self.words[name], "x": [1], "y": [2.5]}
            return {"id": name, "figure": {"data": [curve], "layout": {}}}

        return {name: (text, lambda n=name: make(n)) for name, text in self.words.items()}

    def table(self) -> list[list[object]]:
        return [["net", "loss"], ["No norm", 1.5]]

    def is_live(self) -> bool:
        return False

    def rerun_key(self) -> str:
        return "state"

    def seconds_between(self) -> float:
        return 0.25


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Diagrammed(Slate):
    """A slate with a diagram: ten updates a second, four of them with charts."""

    def __init__(self, **words: str) -> None:
        super().__init__(**words)
        self.clock = self.time = Clock()
        self.lanes, self.asked = "two", ""

    def seconds_between(self) -> float:
        return 0.1

    def seconds_between_charts(self) -> float:
        return 0.25

    def charts_key(self) -> Hashable:
        return self.asked

    def nets(self) -> Chart:
        return self.lanes, lambda: {"lanes": self.lanes}


def sent(feed: Feed, have: int) -> tuple[int, list[str]]:
    """Return the number of the update and the names of the charts in it."""
    update = orjson.loads(feed.update(have))
    return update["number"], [chart["id"] for chart in update["charts"]]


def test_the_first_update_has_every_chart_and_what_a_view_must_know():
    feed = Slate(loss="a", depth="b")
    assert feed.is_stale(0)
    update = orjson.loads(feed.update(0))
    assert [chart["id"] for chart in update["charts"]] == update["order"] == ["loss", "depth"]
    assert update["number"] == 1 and {c["number"] for c in update["charts"]} == {1}
    known = {key: update[key] for key in ("notice", "state", "rest", "pause")}
    assert known == {"notice": "fine", "state": "state", "rest": True, "pause": 250}
    assert not feed.is_stale(1)


def test_only_charts_that_changed_since_the_last_update_are_drawn_and_sent():
    feed = Slate(loss="a", depth="b")
    assert sent(feed, 0) == (1, ["loss", "depth"])
    feed.words["loss"] = "a2"
    assert feed.is_stale(1)
    assert sent(feed, 1) == (2, ["loss"])
    assert feed.drawn == ["loss", "depth", "loss"]
    feed.words["depth"] = "b2"
    assert sent(feed, 2) == (3, ["depth"])
    # A view that has missed a update is sent all that it lacks, drawn no second time.
    assert sent(feed, 1) == (3, ["loss", "depth"])
    assert len(feed.drawn) == 4


def test_charts_wait_for_their_time_while_the_frame_comes_with_every_update():
    feed = Diagrammed(loss="a")
    assert sent(feed, 0) == (1, ["loss"])
    for number in (2, 3):
        feed.time.now += 0.07
        feed.words["loss"] = f"a{number}"
        assert feed.is_stale(number - 1)
        update = orjson.loads(feed.update(number - 1))
        assert (update["number"], update["charts"], update["notice"]) == (number, [], "fine")
        assert update["order"] == ["loss"]
    feed.time.now += 0.07
    feed.words["loss"] = "a4"
    assert sent(feed, 3) == (4, ["loss"])
    assert feed.drawn == ["loss", "loss"]


@pytest.mark.parametrize("seconds", [0.1, 0.107, 0.12, 0.04, 0.25])
def test_charts_come_four_times_a_second_however_often_the_view_asks(seconds: float):
    feed = Diagrammed(loss="0")
    feed.update(0)
    for number in range(1, 1 + round(20 / seconds)):
        feed.time.now += seconds
        feed.words["loss"] = str(number)
        feed.update(number)
    assert abs(len(feed.drawn) - 1 - 4 * 20) <= 1


def test_charts_that_nobody_asked_for_are_not_made_up_for():
    feed = Diagrammed(loss="0")
    feed.update(0)
    feed.time.now += 10.0
    feed.words["loss"] = "1"
    assert sent(feed, 1) == (2, ["loss"])
    feed.time.now += 0.1
    feed.words["loss"] = "2"
    assert sent(feed, 2) == (3, [])


def test_charts_that_were_left_out_follow_without_further_news():
    feed = Diagrammed(loss="a")
    feed.update(0)
    feed.words["loss"] = "b"
    assert sent(feed, 1) == (2, [])
    assert not feed.rests(), "the view must ask again, though nothing will change by itself"
    assert not feed.is_stale(2)
    feed.time.now += 0.3
    assert feed.is_stale(2)
    assert sent(feed, 2) == (3, ["loss"])
    assert feed.rests() and not feed.is_stale(3)


def test_charts_do_not_wait_for_what_the_reader_has_done():
    feed = Diagrammed(loss="a")
    feed.update(0)
    feed.words["loss"], feed.asked = "b", "another view"
    assert sent(feed, 1) == (2, ["loss"])


def test_what_stands_still_in_a_diagram_is_sent_only_when_it_changes():
    feed = Diagrammed(loss="a")
    assert orjson.loads(feed.update(0))["nets"] == {"lanes": "two"}
    feed.words["loss"] = "b"
    assert "nets" not in orjson.loads(feed.update(1))
    feed.words["loss"], feed.lanes = "c", "three"
    assert orjson.loads(feed.update(2))["nets"] == {"lanes": "three"}
    # One that begins anew is sent all.
    assert orjson.loads(feed.update(0))["nets"] == {"lanes": "three"}


def test_without_news_nothing_is_sent():
    feed = Slate(loss="a")
    feed.update(0)
    assert sent(feed, 1) == (1, [])


def test_a_view_that_begins_anew_or_comes_from_the_future_is_sent_everything():
    feed = Slate(loss="a", depth="b")
    feed.update(0)
    assert sent(feed, 0) == (1, ["loss", "depth"])
    assert feed.is_stale(7)
    assert sent(feed, 7) == (1, ["loss", "depth"])
    assert feed.drawn == ["loss", "depth"]


def test_a_chart_that_is_gone_is_not_in_the_order():
    feed = Slate(loss="a", depth="b")
    feed.update(0)
    del feed.words["loss"]
    update = orjson.loads(feed.update(1))
    assert (update["order"], update["charts"]) == (["depth"], [])


def test_every_feed_has_a_token_of_its_own():
    assert len({Slate().token for _ in range(50)}) == 50


async def status_of(token: str) -> int:
    """Return the status with which the route of the feeds answers a token."""
    scope = {"type": "http", "method": "GET", "query_string": b"", "headers": []}
    return (await answer(Request(scope | {"path_params": {"token": token}}))).status_code


def test_a_guessed_token_opens_no_feed():
    feed = Slate(loss="a")

    async def guess() -> set[int]:
        return {await status_of(secrets.token_urlsafe(16)) for _ in range(5_000)}

    assert run_apart(guess()) == {404}
    assert run_apart(status_of(feed.token)) == 200


def test_a_chart_and_the_table_are_files_of_a_feed():
    feed = Slate(loss="a")
    feed.update(0)
    assert feed.csv("table") == "\ufeffnet,loss\r\nNo norm,1.5\r\n".encode()
    assert feed.csv("loss") == "\ufeffcurve,x,y\r\na,1,2.5\r\n".encode()
    assert feed.csv("../secrets") is None

    def saved(token: str, chart: str) -> Response:
        asked = {"type": "http", "headers": [], "path_params": {"token": token, "chart": chart}}
        return run_apart(answer_csv(Request(asked)))

    name = saved(feed.token, "loss").headers["content-disposition"]
    assert name == 'attachment; filename="batch-norm-lab-loss.csv"'
    assert saved(feed.token, "depth").status_code == 404
    assert saved(secrets.token_urlsafe(16), "loss").status_code == 404
