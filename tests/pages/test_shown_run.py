"""The run that a class sees: the one the teacher's Lab has now, for as long as they are there."""

from dataclasses import dataclass
from typing import Any, cast

import pytest

from bn_core.classroom import Classroom
from bn_core.comparison import Comparison
from bn_core.config import Config
from pages.shared.classroom import shown_run
from pages.shared.classroom.shown_run import ShownRun
from pages.shared.classroom.submitted_links import link_text
from pages.shared.session import Session

NETS = Comparison(Config(depth=2))


@dataclass
class Run:
    """A run without a record yet."""

    disconnected: float = 0.0
    forgotten: bool = False
    leases: int = 0
    record: Any = None
    playing: bool = True
    comparison: Comparison = NETS

    def disconnected_for(self) -> float:
        return self.disconnected

    def renew_lease(self) -> None:
        self.leases += 1


def shown(run: Run | None) -> ShownRun:
    session = Session()
    session.run = cast(Any, run)
    return ShownRun(Classroom("BCDFGH"), session)


def test_a_shown_run_trains_on_while_the_teacher_looks_at_the_class() -> None:
    first, second = Run(), Run()
    view = shown(first)
    view.send()
    view.session.run = cast(Any, second)
    view.send()
    assert (first.leases, second.leases) == (1, 1)


@pytest.mark.parametrize("run", [Run(disconnected=3.0), Run(forgotten=True)], ids=["left", "gone"])
def test_a_run_whose_teacher_has_left_is_not_kept(run: Run) -> None:
    shown(run).send()
    assert run.leases == 0


def test_without_a_run_a_class_sees_none() -> None:
    view = shown(None)
    view.send()
    assert "run" not in view.classroom.shown_to_students()


def test_other_nets_that_are_not_trained_yet_replace_the_run_that_was_shown() -> None:
    view = shown(Run(comparison=Comparison(Config(depth=3))))
    view.classroom.announce(run={"words": "step 20"}, link=link_text(NETS))
    view.send()
    told = view.classroom.shown_to_students()["run"]
    assert told["words"] == "not trained yet" and told["steps"] == [] and len(told["nets"]) > 1
    assert told["given"] is False
    view.session.run = cast(Any, Run())
    view.send()
    assert view.classroom.shown_to_students()["run"]["given"] is True


def test_after_a_reload_the_new_page_s_run_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    room, old, new = Classroom("BCDFGH"), Session(), Session()
    monkeypatch.setattr(shown_run, "_shown", {})
    old.run = cast(Any, run := Run())
    shown_run.show(room, old)
    shown_run.follow(room, new)
    assert shown_run._shown[room.code].session is old
    run.disconnected = 1.0
    shown_run.follow(room, new)
    assert shown_run._shown[room.code].session is new
