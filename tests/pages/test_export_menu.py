"""What the Lab hands out: made when asked for, from the run as it stands."""

from dataclasses import dataclass

import pytest
from streamlit.testing.v1 import AppTest

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.export import EXPORTS, ExportError
from bn_core.records import Record
from bn_core.training import run as train_all
from pages.shared import export_menu
from pages.shared.session import Session


@dataclass
class StandIn:
    """A run as the menu sees it."""

    comparison: Comparison
    record: Record | None

    def as_run(self) -> Comparison:
        return self.comparison


@pytest.fixture(scope="module")
def session() -> Session:
    comparison = Comparison(Config(data="xor", depth=2, width=8, steps=20, replicas=2))
    return Session(run=StandIn(comparison, train_all(comparison)))  # pyright: ignore


def test_each_file_is_that_of_the_run_that_is_shown(session):
    for exporter in EXPORTS.values():
        text = export_menu._maker(session, exporter, "https://lab.example/")().decode()
        assert "https://lab.example/?data=xor" in text, exporter.title


def test_a_visitor_gets_a_few_files_at_once_and_another_visitor_still_gets_theirs():
    answers = [export_menu.made("greedy", lambda: b"file") for _ in range(20)]
    assert answers.count(b"file") == 12
    assert b"Too many files" in answers[-1]
    assert export_menu.made("modest", lambda: b"file") == b"file"


def test_what_can_not_be_made_is_a_sentence():
    def refuse() -> bytes:
        raise ExportError("Choose fewer layers.")

    assert export_menu.made("other", refuse) == b"Choose fewer layers."


def test_the_lab_offers_every_kind_of_file(app: AppTest):
    offered = {getattr(button, "label", "") for button in app.get("download_button")}
    assert {exporter.title for exporter in EXPORTS.values()} <= offered
    assert not app.exception
