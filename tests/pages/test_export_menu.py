"""What the Lab hands out: made when asked for, from the run as it stands."""

from dataclasses import dataclass

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.datasets import own
from bn_core.datasets.reading import table_in
from bn_core.datasets.tables import own_data
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
    answers = [export_menu.made("greedy", lambda: b"file") for _ in range(12)]
    assert answers == [b"file"] * 12
    with pytest.raises(ExportError, match="Too many files"):
        for _ in range(8):
            export_menu.made("greedy", lambda: b"file")
    assert export_menu.made("modest", lambda: b"file") == b"file"


def test_what_can_not_be_made_is_no_file():
    def refuse() -> bytes:
        raise ExportError("Choose fewer layers.")

    with pytest.raises(ExportError, match="Choose fewer layers"):
        export_menu.made("other", refuse)
    impossible = Comparison(Config(data="xor", batch_size=512, train_examples=100))
    session = Session(run=StandIn(impossible, None))  # pyright: ignore
    for kind in ("pytorch", "keras", "notebook"):
        assert export_menu.refusal(session, EXPORTS[kind]) == impossible.problem() != ""
    assert "no run" in export_menu.refusal(Session(), EXPORTS["pytorch"])


def test_a_run_that_can_be_exported_is_refused_nowhere(session):
    assert not any(export_menu.refusal(session, exporter) for exporter in EXPORTS.values())


def test_data_of_ones_own_are_named_by_their_title_and_those_of_another_visitor_are_refused():
    draw = np.random.RandomState(0)
    lines = [f"{x},{y},{'ab'[n % 2]}" for n, (x, y) in enumerate(draw.normal(size=(40, 2)))]
    table = table_in(["\n".join(lines).encode()])
    assert table is not None
    data, _ = own_data(table, 2, fill=False, held_out=0.25)
    own.hold(data)
    comparison = Comparison(Config(data=data.name, batch_size=8, depth=1, width=4))
    run = StandIn(comparison, None)
    mine = Session(run=run, own_titles={data.name: "flowers.csv"})  # pyright: ignore
    assert b"flowers.csv" in export_menu._maker(mine, EXPORTS["notebook"], "")()
    other = Session(run=run)  # pyright: ignore
    for kind in ("pytorch", "notebook"):
        with pytest.raises(ExportError, match="This needs the data own-"):
            export_menu._maker(other, EXPORTS[kind], "")()
    own.let_go(data.name)


def test_the_lab_offers_every_kind_of_file(app: AppTest):
    offered = {getattr(button, "label", "") for button in app.get("download_button")}
    assert {exporter.title for exporter in EXPORTS.values()} <= offered
    assert not app.exception
