"""What a page shows before any worker has answered."""

import orjson
import pytest

from bn_core.records import Record
from bn_core.service.pool import Pool
from pages.shared import server
from pages.shared.lab.feed import LabFeed
from pages.shared.live import schema
from pages.shared.session import Session
from tests.pages.test_schema import problems
from tests.runs import record_with, small

QUICK = small(steps=1)


@pytest.fixture(scope="module")
def record() -> Record:
    return record_with(QUICK, {})


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> LabFeed:
    """Return the feed of a visitor whose run is placed on workers that have not been started."""
    pool = Pool(workers=1)
    monkeypatch.setattr(server, "pool", lambda: pool)
    session = Session()
    session.run = pool.open(QUICK)
    return LabFeed(session)


def answer(feed: LabFeed) -> dict:
    return orjson.loads(feed.update(0))


def test_the_first_answer_draws_the_nets_without_a_worker(feed: LabFeed) -> None:
    update = answer(feed)
    assert problems(update, schema.Update, "update") == []
    lanes = update["nets"]["lanes"]
    assert [lane["label"] for lane in lanes] == [arm.label for arm in QUICK.arms]
    assert [block["layer"] for block in lanes[0]["blocks"]] == [1, 2, 3, 0]
    assert [chip["text"] for chip in lanes[1]["blocks"][0]["chips"]] == ["W", "BN", "ReLU"]


def test_it_says_that_the_nets_are_still_to_be_built_and_shows_no_number(feed: LabFeed) -> None:
    update = answer(feed)
    assert "training processes are starting" in update["notice"] and not update["rest"]
    assert update["charts"] == [] and "rows" not in update and "steps" not in update
    assert update["diagram"]["at"] is None
    for lane in update["diagram"]["lanes"]:
        assert (lane["words"], lane["accuracy"], lane["loss"]) == ("not built yet", "-", "loss -")
        assert lane["outputs"] == [] and len(lane["layers"]) == 4
        for layer in lane["layers"]:
            assert not any([layer["density"], layer["std"], layer["share"], layer["gradient"]])


def test_the_built_nets_have_the_same_layers_so_that_nothing_is_drawn_anew(
    feed: LabFeed, record: Record
) -> None:
    before = answer(feed)["nets"]
    assert feed.session.run is not None
    feed.session.run.record = record
    update = answer(feed)
    assert update["nets"]["lanes"] == before["lanes"]
    assert update["nets"]["examples"]["kind"] == before["examples"]["kind"]
    assert update["nets"]["examples"]["truths"] and not before["examples"]["truths"]
    assert update["diagram"]["at"] == record.step and update["charts"]


def test_no_number_of_the_run_before_stays_while_other_nets_are_built(
    feed: LabFeed, record: Record
) -> None:
    run = feed.session.run
    assert run is not None
    run.record = record
    assert answer(feed)["diagram"]["at"] == record.step
    run.record = None
    run.version += 1
    update = answer(feed)
    assert problems(update, schema.Update, "update") == []
    assert update["diagram"]["at"] is None and len(update["nets"]["lanes"]) == len(QUICK.arms)
    assert {lane["accuracy"] for lane in update["diagram"]["lanes"]} == {"-"}
    assert [row["cells"][-1] for row in update["rows"]] == ["not trained yet"] * len(QUICK.arms)
    assert {cell for row in update["rows"] for cell in row["cells"][1:-1]} == {"-"}
    assert (update["steps"], update["step"], update["cursor"]) == ([0], 0, None)
    assert update["charts"] == [] and update["order"] == [] and update["conclusion"] == ""


def test_nets_of_which_nothing_is_known_before_are_not_drawn(
    feed: LabFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bn_core.net_outlines.OUTLINES", {})
    assert "nets" not in answer(feed)


def test_a_run_that_could_not_be_opened_draws_nothing(feed: LabFeed) -> None:
    feed.session.run = None
    update = answer(feed)
    assert "nets" not in update and "diagram" not in update
