"""The CSV of a run holds every number of its record."""

import csv
import io

import numpy as np
import pytest

from bn_core.comparison import Arm, Comparison
from bn_core.config import Config
from bn_core.export import EXPORTS, ExportError, ExportRequest
from bn_core.export.csv_file import COLUMNS
from bn_core.records import Record
from bn_core.training import run
from tests.export.programs import comparison_of

LINK = "data=xor&depth=2&width=8&steps=30&seeds=2&seed=7&arms=none-before&lr=0.5&then=10:0.2"


@pytest.fixture(scope="module")
def record() -> Record:
    return run(comparison_of(LINK))


def table_of(record: Record, link: str = "") -> tuple[list[str], list[dict[str, str]]]:
    request = ExportRequest(record.comparison, link, record=record)
    lines = EXPORTS["csv"].make(request).decode().splitlines()
    comment = [line for line in lines if line.startswith("#")]
    return comment, list(csv.DictReader(io.StringIO("\n".join(lines[len(comment) :]))))


def test_every_loss_and_every_validation_is_there_to_the_last_digit(record):
    _, table = table_of(record)
    assert len(table) == (30 + 1) * 2 * 2
    found = {(int(row["step"]), row["net"], int(row["seed"])): row for row in table}
    for step in range(1, 31):
        for arm, label in enumerate(("No norm", "BN before")):
            for replica, seed in enumerate((7, 8)):
                loss = np.float32(found[step, label, seed]["train_loss"])
                assert loss == record.train_loss[step - 1, arm, replica]
    for snapshot in record.snapshots:
        for arm, label in enumerate(("No norm", "BN before")):
            for replica, seed in enumerate((7, 8)):
                row, held = found[snapshot.step, label, seed], snapshot.arms[arm]
                for name in ("validation_loss", "validation_accuracy", "train_accuracy"):
                    assert held is not None
                    assert np.float32(row[name]) == np.float32(getattr(held, name)[replica])
    measured = {snapshot.step for snapshot in record.snapshots}
    assert all((row["validation_loss"] != "") == (int(row["step"]) in measured) for row in table)


def test_the_comment_names_link_settings_ending_versions_and_fingerprint(record):
    comment, _ = table_of(record, "/?" + LINK)
    text = "\n".join(comment)
    for said in (
        f"Link: /?{LINK}",
        "Net 1: No norm",
        "Learning rate: 0.5",
        "Learning rate changes: 0.2 after step 10",
        "Finished: No norm and BN before trained for 30 steps.",
        record.fingerprint(),
        "torch 2",
    ):
        assert said in text, said
    assert "Groups of group norm" not in text


def test_a_diverged_net_is_written_as_it_was_measured():
    diverging = run(comparison_of("data=xor&depth=3&width=8&steps=20&seeds=1&lr=30&gain=100"))
    assert diverging.divergences
    _, table = table_of(diverging)
    losses = [float(row["train_loss"]) for row in table if int(row["step"]) == diverging.step]
    np.testing.assert_array_equal(np.array(losses, np.float32), diverging.train_loss[-1].flatten())
    assert list(table[0]) == list(COLUMNS)


def test_no_label_is_a_formula_and_no_line_breaks_out_of_the_comment(record):
    arms = (Arm("none", '=HYPERLINK("x")', (("normalization", "none"),)), record.comparison.arms[1])
    strange = Record(
        Comparison(record.comparison.base, arms),
        record.summary,
        record.snapshots,
        record.train_loss,
    )
    comment, table = table_of(strange, "/?a=1\r\n=cmd()")
    assert {row["net"] for row in table} == {'HYPERLINK("x")', "BN before"}
    assert any(line.endswith("Link: /?a=1=cmd") for line in comment)


def test_without_a_run_it_says_what_to_do():
    with pytest.raises(ExportError, match="train the nets first"):
        EXPORTS["csv"].make(ExportRequest(Comparison(Config())))
