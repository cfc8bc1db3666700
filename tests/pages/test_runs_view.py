"""What the page of runs shows, and what its table asks for."""

import pytest

from bn_core.kept_runs import KeptRun, link_of, serialize_file, summarize
from pages.shared.runs.collection import RunCollection
from pages.shared.runs.page_state import (
    MOST_SHOWN,
    RunsView,
    asked,
    link_of_view,
    open_requested,
    sorted_runs,
    view_from_link,
)
from tests.figures.invented import make_record


def kept(seed: int = 0, trained: int = 8, **settings) -> KeptRun:
    record = make_record(["none", "before"], trained, seed=seed, **settings)
    return summarize(record, link_of(record.comparison), 1000 + seed)


@pytest.fixture
def held() -> RunCollection:
    """Return six runs that differ in seed, batch size and steps."""
    collection = RunCollection()
    for seed in range(6):
        collection.keep(kept(seed, 4 + 4 * seed, batch_size=2 ** (seed + 1)))
    return collection


def ask(held: RunCollection, view: RunsView, kind: str, id: str = "", text: str = "") -> RunsView:
    return asked(held, view, {"kind": kind, "id": id, "text": text})


def test_the_newest_two_are_shown_until_the_reader_chooses(held):
    view = RunsView()
    assert view.ids(held.runs) == (held.runs[5].id, held.runs[4].id)
    view = ask(held, view, "hide", held.runs[5].id)
    view = ask(held, view, "show", held.runs[0].id)
    assert view.ids(held.runs) == (held.runs[4].id, held.runs[0].id)
    view = ask(held, ask(held, view, "hide", held.runs[0].id), "hide", held.runs[4].id)
    assert view.ids(held.runs) == ()


def test_no_more_are_shown_than_can_be_told_apart(held):
    view = RunsView(shown=())
    for run in held.runs:
        view = ask(held, view, "show", run.id)
    assert len(view.ids(held.runs)) == MOST_SHOWN and str(MOST_SHOWN) in held.notice


@pytest.mark.parametrize("sort", ["-kept", "name", "-steps", "accuracy", "-Batch size"])
@pytest.mark.parametrize("count", [None, 0, 1, 3])
def test_the_link_holds_the_choices(held, sort, count):
    shown = None if count is None else tuple(run.id for run in held.runs[:count])
    view = RunsView(sort, shown)
    query = {key: text for key, text in link_of_view(view).items() if text is not None}
    assert view_from_link(query) == view
    assert not {text for text in link_of_view(RunsView()).values() if text}


@pytest.mark.parametrize(
    "query",
    [{"sort": "x" * 90}, {"sort": "a\nb"}, {"show": "<b>~" + "a" * 15}, {"show": "~" * 9000}],
)
def test_a_hostile_link_falls_back(held, query):
    view = view_from_link(query)
    assert view.sort == "-kept" and not view.shown
    assert sorted_runs(held.runs, view.sort)[0].id == held.runs[5].id


def test_settings_are_sorted_as_numbers(held):
    sizes = [run.comparison.base.batch_size for run in sorted_runs(held.runs, "Batch size")]
    assert sizes == [2, 4, 8, 16, 32, 64]
    falling = sorted_runs(held.runs, "-Batch size")
    assert falling[0].comparison.base.batch_size == 64


def test_results_are_sorted_by_the_best_net(held):
    runs = sorted_runs(held.runs, "-accuracy")
    best = [max(arm.final_accuracy.median for arm in run.arms) for run in runs]
    assert best == sorted(best, reverse=True)
    assert [run.id for run in sorted_runs(held.runs, "no such column")] == [
        run.id for run in sorted_runs(held.runs, "-kept")
    ]


def test_a_heading_turns_the_order_round(held):
    view = ask(held, RunsView(), "sort", text="accuracy")
    assert view.sort == "-accuracy"
    assert ask(held, view, "sort", text="accuracy").sort == "accuracy"
    assert ask(held, view, "sort", text="loss").sort == "loss"


def test_names_notes_and_deletions_reach_the_collection(held):
    id, view = held.runs[2].id, RunsView()
    ask(held, view, "rename", id, "a name")
    ask(held, view, "note", id, "a\nnote")
    run = held.get(id)
    assert run is not None and (run.title, run.note) == ("a name", "a note")
    ask(held, view, "delete", id)
    assert held.get(id) is None and held.deleted[0].title == "a name"


def test_a_run_is_opened_once(held):
    view = ask(held, RunsView(), "open", held.runs[1].id)
    view, run = open_requested(held, view)
    assert run is not None and run.id == held.runs[1].id
    assert open_requested(held, view)[1] is None


def test_a_file_is_taken_in_and_what_came_of_it_is_said(held):
    ask(held, RunsView(), "import", text=serialize_file([kept(seed=50)]))
    assert held.get(kept(seed=50).id) is not None and "1 run was read" in held.notice


@pytest.mark.parametrize(
    "request_", [None, 5, [], {}, {"kind": "import"}, {"kind": "rename", "id": 7, "text": {}},
                 {"kind": "show", "id": "0" * 16}, {"kind": "open", "id": "x"}, {"kind": []}],
)  # fmt: skip
def test_what_no_table_asks_for_changes_no_run(held, request_):
    before = [run.state_key for run in held.runs]
    view = asked(held, RunsView(), request_)
    assert [run.state_key for run in held.runs] == before
    assert open_requested(held, view)[1] is None
