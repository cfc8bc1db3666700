"""The page of kept runs and the Lab's line on them, as scripts with a real worker."""

import time
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from pages.shared.runs.page_state import RunsView
from pages.shared.session import Session
from tests.pages.conftest import go, handed_to_browser

SMALL = {"depth": "2", "width": "8", "seeds": "1", "steps": "4"}


def session_of(app: AppTest) -> Session:
    return app.session_state["session"]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.02)


def train(app: AppTest, **settings: str) -> None:
    """Open the Lab by a link and train its run to the end."""
    go(app, "lab", **SMALL, **settings)
    app.button(key="lab.train").click().run()
    run = session_of(app).run
    assert run is not None
    wait_until(lambda: run.ending is not None)
    app.run()


def table(app: AppTest) -> dict:
    return next(part for part in handed_to_browser(app) if "rows" in part)


def stored(app: AppTest) -> dict:
    return next(part for part in handed_to_browser(app) if "operations" in part)


def test_runs_are_kept_shown_and_handed_to_the_browser(app):
    go(app, "runs")
    assert "No run is kept yet" in app.info[0].value and not table(app)["rows"]
    train(app)
    train(app, batch="4")
    app.button(key="lab.reset").click().run()
    assert not app.exception
    assert any("batch" in caption.value.lower() or "64" in caption.value for caption in app.caption)
    go(app, "runs")
    rows = table(app)["rows"]
    assert [row["letter"] for row in rows] == ["A", "B"]
    assert [row["settings"] for row in rows] == [["4"], ["64"]]
    assert all(row["steps"] == "4" and len(row["nets"]) == 2 for row in rows)
    assert {one["id"] for one in stored(app)["operations"]} == {row["id"] for row in rows}

    held = session_of(app)
    held.kept_runs.delete([rows[0]["id"]])
    app.run()
    assert [row["id"] for row in table(app)["rows"]] == [rows[1]["id"]]
    app.button(key="runs.undo").click().run()
    assert [row["id"] for row in table(app)["rows"]] == [row["id"] for row in rows]

    held.runs_view = RunsView(opened=rows[1]["id"])
    app.run()
    assert held.page == "lab" and held.lab.comparison.base.batch_size == 64
    assert not app.exception


def test_a_run_that_the_reader_deletes_does_not_come_back_by_itself(app):
    train(app)
    go(app, "runs")
    (row,) = table(app)["rows"]
    session_of(app).kept_runs.delete([row["id"]])
    go(app, "lab")
    go(app, "runs")
    assert not table(app)["rows"]


def test_the_links_choices_are_followed(app):
    train(app)
    train(app, batch="4")
    ids = [run.id for run in session_of(app).kept_runs.runs]
    go(app, "runs", sort="steps", show=f"{ids[0]}~<b>")
    assert {row["id"]: row["letter"] for row in table(app)["rows"]} == {ids[0]: "A", ids[1]: ""}
    assert table(app)["sort"] == "steps"
