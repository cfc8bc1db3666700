"""What is kept of a run, and that nothing but a kept run is read as one."""

import csv
import dataclasses
import io
import json
import math
import random

import numpy as np
import pytest

from bn_core.comparison import ARMS, MOST_ARMS, Comparison
from bn_core.config import Config
from bn_core.kept_runs import (
    LONGEST_FILE,
    LONGEST_NOTE,
    LONGEST_RUN,
    LONGEST_TITLE,
    MOST_POINTS,
    MOST_RUNS,
    KeptRun,
    KeptRunError,
    clean,
    differing_settings,
    link_of,
    parse,
    parse_file,
    serialize,
    serialize_file,
    settings_that_differ,
    summarize,
    to_csv,
)
from bn_core.records import Record
from tests.figures.invented import CASES, make_record, with_divergence, with_shares

AT = 1_795_000_000


def kept(record: Record | None = None, **settings) -> KeptRun:
    record = record or make_record(**settings)
    return summarize(record, link_of(record.comparison), AT)


@pytest.mark.parametrize("case", CASES)
def test_every_record_can_be_kept_and_read_back(case):
    run = kept(with_shares(CASES[case]()))
    text = serialize(run)
    assert len(text) <= LONGEST_RUN
    again = parse(text)
    assert serialize(again) == text and again.state_key == run.state_key
    for arm, other in zip(run.arms, again.arms, strict=True):
        np.testing.assert_array_equal(arm.train_loss, other.train_loss)
        np.testing.assert_array_equal(arm.accuracy, other.accuracy)


def test_the_numbers_are_those_of_the_record():
    record = make_record(trained=40)
    run, last = kept(record), record.snapshots[-1].arms[0]
    assert last is not None
    assert run.steps == 40 and run.train_steps[-1] == 40 and run.measured_steps[-1] == 40
    final = run.arms[0].final_accuracy
    assert final.median == pytest.approx(np.median(last.validation_accuracy), rel=1e-3)
    assert (final.low, final.high) == pytest.approx(
        (last.validation_accuracy.min(), last.validation_accuracy.max()), rel=1e-3
    )
    window = record.comparison.base.steps // 50
    mean = np.median(record.train_loss[40 - window : 40, 1].mean(axis=0))
    assert run.arms[1].train_loss[-1] == pytest.approx(mean, rel=1e-3)


def test_a_diverged_seed_counts_as_the_worst():
    run = kept(with_divergence(make_record(), 0, (0,), 13))
    assert run.arms[0].final_loss.high == math.inf and run.arms[0].final_accuracy.low == 0
    assert "1 of 3 seeds diverged" in run.arms[0].state
    gone = kept(with_divergence(make_record(), 0, (0, 1, 2), 13))
    assert "diverged" in gone.arms[0].state and gone.conclusion.startswith("So: ")
    assert gone.arms[0].train_loss[-1] == math.inf


def test_the_longest_run_of_eight_nets_fits_with_the_longest_words():
    record = make_record(list(ARMS)[:MOST_ARMS], trained=9_000, every=400, steps=10_000)
    run = summarize(record, link_of(record.comparison), AT)
    worst = run.renamed('"' * 900).noted('\\"' * 900)
    assert len(worst.title) == LONGEST_TITLE and len(worst.note) == LONGEST_NOTE
    assert len(serialize(worst)) <= LONGEST_RUN
    assert serialize(parse(serialize(worst))) == serialize(worst)
    assert all(10 <= len(arm.train_loss) <= MOST_POINTS for arm in run.arms)


def test_equal_links_are_the_same_run_and_open_the_same_comparison():
    one, other = kept(), kept(batch_size=4)
    assert one.id == kept().id != other.id
    assert parse(serialize(other)).comparison == other.comparison
    assert other.comparison.base.batch_size == 4


def test_what_differs_is_named():
    assert differing_settings(kept(batch_size=4).comparison, kept().comparison) == [
        ("Batch size", "4")
    ]
    runs = [
        kept(batch_size=4),
        kept(batch_size=4, optimizer="adam"),
        kept(make_record(["none"], batch_size=4)),
    ]
    columns = dict(settings_that_differ(runs))
    assert set(columns) == {"Nets", "Optimizer"}
    assert columns["Nets"][2] == "No norm"
    assert settings_that_differ(runs[:1]) == []


def test_words_are_one_visible_line():
    assert clean(" a\u202eb\n\tc\x00\ud800 ", 10) == "ab c"
    assert clean("x" * 99, 5) == "xxxxx"
    run = kept().renamed("rate\n0.1 ").noted("  ")
    assert (run.title, run.note, run.named) == ("rate 0.1", "", True)
    assert not run.renamed(" \u200b").named


def changed(**fields) -> str:
    return json.dumps(json.loads(serialize(kept())) | fields)


WRONG = {
    "nothing": "",
    "no JSON": "{",
    "a list": "[]",
    "deep": "[" * 15_000,
    "too long": '"' + "a" * LONGEST_RUN + '"',
    "a field too many": changed(extra=1),
    "another version": changed(version=2),
    "a script as link": changed(link="javascript:alert(1)//<"),
    "steps out of range": changed(steps=10**9),
    "true for a number": changed(steps=True),
    "a time in the future": changed(kept_at=10**12),
    "an ending of its own": changed(ending="won"),
    "no nets": changed(arms=[]),
    "nine nets": changed(arms=[{}] * 9),
    "a net twice": changed(arms=json.loads(serialize(kept()))["arms"][:1] * 2),
    "two lines": changed(title="a\nb"),
    "a hidden sign": changed(note="a\u202eb"),
    "half a character": changed(note="a\ud800"),
    "a long note": changed(note="a" * 501),
    "steps that fall": changed(train_steps=[3, 2]),
    "more steps than numbers": changed(measured_steps=[0]),
    "a number that is none": serialize(kept()).replace("0.", "NaN,0.", 1),
    "a huge number": changed(kept_at=int("9" * 4000)),
    "null": "null",
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_kept_run_is_refused_in_a_sentence(case):
    with pytest.raises(KeptRunError, match=r"^[A-Z“].*\.$"):
        parse(WRONG[case])


@pytest.mark.parametrize(
    ("values", "fits"),
    [([0.5, 0.4, 0.6], True), ([0.5, 0.6, 0.4], False), ([2, 2, 2], False), ([-1, -1, -1], False)],
)
def test_an_accuracy_is_a_share_between_its_ends(values, fits):
    data = json.loads(serialize(kept()))
    count = len(data["measured_steps"])
    data["arms"][0]["accuracy"] = [[value] * count for value in values]
    if fits:
        assert parse(json.dumps(data)).arms[0].final_accuracy.high == pytest.approx(0.6)
    else:
        with pytest.raises(KeptRunError):
            parse(json.dumps(data))


def mutations(text: str, count: int):
    """Yield texts with characters replaced, cut out, repeated and moved."""
    draw = random.Random(3)
    pieces = ['"', "[", "]", "{", "}", ",", ":", "1e999", "-1", "null", "true", "NaN", "\\u0000"]
    pieces += ["\\ud800", "9" * 40, "\u202e", "<script>", "é", "inf", " "]
    for _ in range(count):
        mutated = text
        for _ in range(draw.randint(1, 4)):
            begin = draw.randrange(len(mutated))
            end = min(len(mutated), begin + draw.choice([0, 1, 1, 2, 8, 200]))
            mutated = mutated[:begin] + draw.choice([*pieces, ""]) + mutated[end:]
        yield mutated


def test_mutated_texts_are_read_as_a_run_or_refused_never_anything_else():
    text = serialize(kept(make_record(["none", "before"], trained=8, every=4)))
    read = 0
    for mutated in mutations(text, 4_000):
        try:
            run = parse(mutated)
        except KeptRunError as error:
            assert str(error)
            continue
        read += 1
        again = serialize(run)
        assert len(again) <= 2 * LONGEST_RUN and serialize(parse(again)) == again
        again.encode()
        assert run.comparison.arms
    assert 0 < read < 4_000, "the mutations are too weak or too strong"


def test_a_file_keeps_what_can_be_read_and_says_what_cannot():
    good, other = kept(), kept(batch_size=4)
    text = serialize_file([good, other])
    runs, complaints = parse_file(text)
    assert [run.id for run in runs] == [good.id, other.id] and not complaints
    data = json.loads(text)
    data["runs"][0]["steps"] = -1
    runs, complaints = parse_file(json.dumps(data))
    assert [run.id for run in runs] == [other.id] and "Run 1 of the file" in complaints[0]


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"format":"batch-norm-lab-runs"}', "a" * (LONGEST_FILE + 1),
        json.dumps({"format": "batch-norm-lab-runs", "version": 1, "runs": [0] * (MOST_RUNS + 1)}),
    ],
)  # fmt: skip
def test_what_is_no_file_of_runs_is_refused(text):
    with pytest.raises(KeptRunError):
        parse_file(text)


def test_the_fullest_file_can_be_read():
    record = make_record(list(ARMS)[:MOST_ARMS], trained=900, every=40)
    runs = [
        dataclasses.replace(kept(record), link=f"seed={seed}", note="\\" * LONGEST_NOTE)
        for seed in range(MOST_RUNS)
    ]
    assert len(parse_file(serialize_file(runs))[0]) == MOST_RUNS


def test_the_table_has_a_row_a_net_and_no_formulas():
    runs = [kept().renamed("=1+1"), kept(batch_size=4)]
    rows = list(csv.DictReader(io.StringIO(to_csv(runs))))
    assert len(rows) == 6
    assert [row["Batch size"] for row in rows] == ["64"] * 3 + ["4"] * 3
    assert rows[0]["name"] == "'=1+1" and rows[0]["net"] == "No norm"
    assert float(rows[0]["validation accuracy, median"]) == pytest.approx(
        runs[0].arms[0].final_accuracy.median, rel=1e-3
    )


def test_a_link_of_default_settings_is_a_run_too():
    comparison = Comparison(Config(), (ARMS["none"], ARMS["before"]))
    assert link_of(comparison) == ""
    record = make_record(["none", "before"])
    run = summarize(record, "", AT)
    assert parse(serialize(run)).comparison == comparison
