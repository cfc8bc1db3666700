"""``experiment [SLUG]``: the numbers and the verdict that the page would show."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from bn_core import experiments
from bn_core.cli import main

ROOT = Path(__file__).resolve().parents[2]


def test_without_a_slug_every_experiment_is_listed_with_its_claim(capsys):
    assert main(["experiment"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(experiments.EXPERIMENTS)
    assert all(len(line.split()) > 4 for line in lines)


@pytest.mark.slow
def test_an_experiment_prints_the_numbers_and_the_verdict_of_a_run(capsys):
    result, verdict = experiments.run("gain", seeds=2, quick=True)
    assert main(["experiment", "gain", "--seeds", "2", "--quick", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["verdict"], body["words"]) == (verdict.kind, verdict.words)
    printed = {key: [float(value) for value in values] for key, values in body["metrics"].items()}
    assert printed == {
        metric.key: pytest.approx(metric.values.tolist(), nan_ok=True) for metric in result.metrics
    }
    assert any(math.isinf(value) for values in printed.values() for value in values)
    assert main(["experiment", "gain", "--seeds", "2", "--quick"]) == 0
    text = capsys.readouterr().out
    assert verdict.words in text
    assert all(metric.label in text for metric in result.metrics)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nonsense"], "no experiment nonsense"),
        (["gain", "--seeds", "11"], "from 1 to 10"),
        (["gain", "--seeds", "0"], "from 1 to 10"),
        (["gain", "--seeds", "two"], "from 1 to 10"),
        (["gain", "--first-seed", "-1"], "from 0 to"),
    ],
)
def test_a_name_or_number_that_does_not_exist_is_one_sentence_and_status_2(arguments, word, capsys):
    assert main(["experiment", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert word in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("module", ["bn_core.experiments", "bn_core"])
def test_both_modules_start_the_same_command(module, capsys):
    arguments = [] if module == "bn_core.experiments" else ["experiment"]
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert main(["experiment"]) == 0
    assert (done.returncode, done.stdout) == (0, capsys.readouterr().out)


def test_ctrl_c_prints_the_numbers_there_are_without_a_verdict(monkeypatch, capsys):
    shard_of, shards = experiments.shard_of, experiments.spec_of("vanish").shards

    def interrupted(slug, shard, *chosen):
        if shard == shards[-1]:
            raise KeyboardInterrupt
        return (yield from shard_of(slug, shard, *chosen))

    monkeypatch.setattr(experiments, "shard_of", interrupted)
    assert main(["experiment", "vanish", "--seeds", "1", "--quick", "--json"]) == 130
    printed = capsys.readouterr()
    body = json.loads(printed.out)
    assert body["verdict"] is None
    assert body["metrics"]
    assert "Ctrl+C" in printed.err


def test_the_seeds_are_those_asked_for(capsys):
    result, verdict = experiments.run("lag", seeds=2, first_seed=7, quick=True)
    chosen = ["--seeds", "2", "--first-seed", "7", "--quick"]
    assert main(["experiment", "lag", *chosen, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["seeds"], body["first_seed"], body["quick"]) == (2, 7, True)
    assert body["metrics"]["slow"] == pytest.approx(result["slow"].values.tolist())
    assert body["effects"][0]["low"] < body["effects"][0]["median"] < body["effects"][0]["high"]
    assert main(["experiment", "lag", *chosen]) == 0
    assert f"{verdict.headline}. {verdict.words}" in capsys.readouterr().out
