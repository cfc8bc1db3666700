"""The experiments from the command line."""

import json
import sys

import pytest

from bn_core.experiments import EXPERIMENTS
from bn_core.experiments.__main__ import main


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bn_core.experiments", *arguments])
    return main()


def test_without_a_name_all_are_listed(monkeypatch, capsys):
    assert called(monkeypatch) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(EXPERIMENTS)


def test_a_run_prints_metrics_and_the_verdict(monkeypatch, capsys):
    assert called(monkeypatch, "lag", "--seeds", "1", "--first-seed", "7", "--quick") == 0
    out = capsys.readouterr().out
    assert "Gap at step 100, momentum 0.001" in out
    assert "Not settled by a quick run." in out


def test_json_holds_seeds_metrics_verdict_and_intervals(monkeypatch, capsys):
    arguments = ("lag", "--seeds", "2", "--first-seed", "7", "--quick", "--json")
    assert called(monkeypatch, *arguments) == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["experiment"], body["seeds"], body["first_seed"]) == ("lag", 2, 7)
    assert body["quick"] is True
    assert len(body["measures"]["slow"]) == 2
    assert body["verdict"] in ("holds", "fails", "depends", "untested")
    low, high = body["effects"][0]["low"], body["effects"][0]["high"]
    assert low < body["effects"][0]["median"] < high


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing",), "There is no experiment nothing"),
        (("lag", "--seeds", "11"), "1 to 10 seeds"),
        (("lag", "--first-seed", "-1"), "0 to 999999"),
    ],
)
def test_what_cannot_be_run_ends_with_a_sentence(monkeypatch, capsys, arguments, words):
    assert called(monkeypatch, *arguments) == 2
    assert words in capsys.readouterr().err
