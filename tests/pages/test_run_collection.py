"""The collection of kept runs: limits, names, deletions, and two tabs on one browser's storage."""

from urllib.parse import urlencode

import pytest
from starlette.requests import Request

from bn_core.kept_runs import (
    MOST_NAMED,
    MOST_RUNS,
    KeptRun,
    link_of,
    serialize,
    serialize_file,
    summarize,
)
from pages.shared.runs.collection import RunCollection
from pages.shared.runs.storage import accept_confirmations, confirm
from tests.event_loop import run_apart
from tests.figures.invented import make_record


def kept(seed: int = 0, trained: int = 8, at: int | None = None, **settings) -> KeptRun:
    record = make_record(["none", "before"], trained, seed=seed, **settings)
    return summarize(record, link_of(record.comparison), at if at is not None else 1000 + seed)


def collection_of(*runs: KeptRun) -> RunCollection:
    held = RunCollection()
    for run in runs:
        held.keep(run)
    return held


class Browser:
    """The storage of one browser, as ``storage.mjs`` keeps it."""

    def __init__(self) -> None:
        self.stored: dict[str, str] = {}
        self.tabs: list[RunCollection] = []

    def open(self) -> RunCollection:
        tab = RunCollection()
        self.tabs.append(tab)
        tab.take_message(self._message(tab, dict(self.stored)))
        return tab

    def settle(self, tab: RunCollection) -> None:
        """Perform what a tab asks for, and tell all others."""
        changes = {}
        for one in tab.operations():
            changes[one.id] = one.text
            if one.text is None:
                self.stored.pop(one.id, None)
            else:
                self.stored[one.id] = one.text
        tab.take_message(self._message(tab, {}))
        for other in self.tabs:
            if other is not tab:
                other.take_message(self._message(other, changes, performed=0))

    def _message(self, tab: RunCollection, runs: dict, performed: int = 10**6) -> dict:
        return {"token": tab.token, "number": tab.heard + 1, "performed": performed, "runs": runs}


def ids(collection: RunCollection) -> list[str]:
    return [run.id for run in collection.runs]


def test_the_oldest_runs_without_a_name_make_room_and_that_is_said():
    held = collection_of(*(kept(seed) for seed in range(MOST_RUNS)))
    held.rename(kept(0).id, "the first")
    assert not held.notice
    held.keep(kept(MOST_RUNS))
    assert len(held.runs) == MOST_RUNS and held.notice
    assert held.get(kept(0).id) is not None and held.get(kept(1).id) is None
    assert {one.id: one.text for one in held.operations()}[kept(1).id] is None


def test_what_the_browser_has_confirmed_is_not_asked_for_again():
    held = collection_of(kept(0), kept(1))
    first, second = held.operations()
    held.confirm(first.number)
    assert held.operations() == [second]
    held.rename(kept(1).id, "later")
    held.confirm(second.number)
    (renamed,) = held.operations()
    assert renamed.id == second.id and "later" in (renamed.text or "")


def test_nothing_is_confirmed_without_the_token_or_a_number():
    held = collection_of(kept(0))
    accept_confirmations(held)

    def status(token: str, performed: str) -> int:
        query = urlencode({"performed": performed}).encode()
        asked = {"type": "http", "headers": [], "query_string": query}
        return run_apart(confirm(Request(asked | {"path_params": {"token": token}}))).status_code

    assert status(collection_of(kept(0)).token, "1") == 404
    for hostile in ("-1", "1e9", "9" * 40, "\u0661", ""):
        assert status(held.token, hostile) == 404
    assert len(held.operations()) == 1
    assert status(held.token, "1") == 204
    assert held.operations() == []


def test_there_is_always_room_for_a_new_run():
    held = collection_of(*(kept(seed) for seed in range(MOST_NAMED + 1)))
    for seed in range(MOST_NAMED + 1):
        held.rename(kept(seed).id, f"run {seed}")
    assert sum(run.named for run in held.runs) == MOST_NAMED
    assert str(MOST_NAMED) in held.notice


def test_an_equal_link_is_kept_once_with_the_most_steps():
    held = collection_of(kept(trained=20))
    held.rename(kept().id, "mine")
    held.annotate(kept().id, "a note")
    held.keep(kept(trained=4, at=9_000))
    (run,) = held.runs
    assert (run.steps, run.title, run.note, run.kept_at) == (20, "mine", "a note", 9_000)
    held.keep(kept(trained=36))
    (run,) = held.runs
    assert (run.steps, run.title) == (36, "mine")


def test_a_run_whose_link_has_changed_takes_its_name_along():
    held = collection_of(kept())
    held.rename(kept().id, "mine")
    held.keep(kept(trained=12, rate_changes=((4, 0.5),)), instead_of=kept().id)
    (run,) = held.runs
    assert run.title == "mine" and run.id != kept().id


def test_a_deletion_can_be_undone_once():
    held = collection_of(kept(1), kept(2), kept(3))
    held.delete([kept(1).id, kept(3).id])
    assert ids(held) == [kept(2).id] and len(held.deleted) == 2
    held.undo()
    assert ids(held) == [kept(1).id, kept(2).id, kept(3).id] and not held.deleted


def test_two_tabs_keep_both_their_runs():
    browser = Browser()
    one, other = browser.open(), browser.open()
    one.keep(kept(1))
    other.keep(kept(2))
    browser.settle(one)
    browser.settle(other)
    assert set(browser.stored) == {kept(1).id, kept(2).id}
    assert ids(one) == ids(other) == [kept(1).id, kept(2).id]
    one.rename(kept(2).id, "from the first tab")
    browser.settle(one)
    other.delete([kept(1).id])
    browser.settle(other)
    assert [run.title for run in one.runs] == [run.title for run in other.runs]
    reloaded = browser.open()
    assert [run.title for run in reloaded.runs] == ["from the first tab"]
    assert reloaded.operations() == []


def test_what_is_confirmed_is_asked_for_no_more():
    browser, held = Browser(), collection_of(kept(1))
    browser.tabs.append(held)
    assert [one.text for one in held.operations()] == [serialize(kept(1))]
    browser.settle(held)
    assert held.operations() == []


@pytest.mark.parametrize(
    "message",
    [None, 7, "x", [], {}, {"token": "other"}, {"token": 1, "runs": {}}],
)
def test_a_message_of_another_session_changes_nothing(message):
    held = collection_of(kept(1))
    assert not held.take_message(message)
    assert ids(held) == [kept(1).id] and len(held.operations()) == 1


@pytest.mark.parametrize("runs", [None, [], {"../../x": "y"}, {1: 2}, {"a" * 16: None}, {"": ""}])
def test_storage_that_holds_something_else_brings_nothing(runs):
    held = RunCollection()
    message = {"token": held.token, "number": "x", "performed": None, "problem": {}, "runs": runs}
    assert not held.take_message(message)
    assert not held.runs and not held.unreadable


def test_texts_that_are_no_runs_stay_in_the_browser_until_the_reader_removes_them():
    held, good = RunCollection(), kept(1)
    texts = {good.id: serialize(good), "0" * 16: "{", "1" * 16: serialize(kept(2)), "2" * 16: 5}
    assert held.take_stored(texts)
    assert ids(held) == [good.id]
    assert set(held.unreadable) == {"0" * 16, "1" * 16, "2" * 16} and not held.operations()
    held.forget_unreadable()
    assert {one.id for one in held.operations()} == {"0" * 16, "1" * 16, "2" * 16}


def test_storage_with_too_many_runs_is_cut_to_the_most_there_can_be():
    held = RunCollection()
    runs = [kept(seed) for seed in range(MOST_RUNS + 5)]
    held.take_stored({run.id: serialize(run) for run in runs})
    assert ids(held) == [run.id for run in runs[5:]]
    assert len(held.operations()) == 5


def test_a_browser_that_confirms_nothing_costs_no_more_and_more():
    held = RunCollection()
    for seed in range(300):
        held.keep(kept(seed))
    assert len(held.operations()) <= 4 * MOST_RUNS
    texts = [one.text for one in held.operations() if one.text]
    assert len(texts) == MOST_RUNS


def test_a_full_storage_is_said_in_a_sentence():
    held = RunCollection()
    message = {"token": held.token, "number": 1, "performed": 0, "problem": "full", "runs": {}}
    assert held.take_message(message) and "full" in held.problem
    assert held.take_message({**message, "problem": ""}) and not held.problem


def test_a_file_brings_its_runs_and_names_as_far_as_there_is_room():
    named = [kept(seed).renamed(f"run {seed}") for seed in range(MOST_NAMED + 2)]
    held = RunCollection()
    said = held.take_file(serialize_file(named))
    assert len(held.runs) == len(named) and "2 came without their names" in said
    assert held.take_file("x").endswith(".") and len(held.runs) == len(named)
