"""The run that a class sees: the one the teacher's Lab has now, for as long as they are there."""

from dataclasses import dataclass
from typing import Any, cast

import pytest

from bn_core.classroom import Classroom
from pages.shared.classroom.shown_run import ShownRun
from pages.shared.session import Session


@dataclass
class Run:
    """A run without a record yet."""

    disconnected: float = 0.0
    forgotten: bool = False
    leases: int = 0
    record: Any = None
    playing: bool = True

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
