"""``export LINK --to KIND``: code without training, numbers after it."""

import html
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bn_core import experiments
from bn_core.cli import main
from bn_core.cli.experiment_list import listed_experiments
from bn_core.cli.link import comparison_from_link
from bn_core.export import EXPORTS, ExportRequest

ROOT = Path(__file__).resolve().parents[2]
QUERY = "data=xor&depth=2&width=8&steps=12&seeds=2"


def test_code_is_written_to_the_file_as_the_page_would_hand_it_out(tmp_path, capsys):
    target = tmp_path / "nets.py"
    assert (
        main(["export", f"http://localhost:8501/?{QUERY}", "--to", "pytorch", "--out", str(target)])
        == 0
    )
    comparison, _ = comparison_from_link(QUERY)
    text = target.read_text()
    assert "Link: /?data=xor" in text
    link = text.split("Link: ")[1].splitlines()[0]
    assert text.encode() == EXPORTS["pytorch"].make(ExportRequest(comparison, link))
    printed = capsys.readouterr()
    assert printed.out == "" and f"{len(text.encode()):,} bytes" in printed.err
    assert [path.name for path in tmp_path.iterdir()] == ["nets.py"]


def test_numbers_are_those_of_the_run(tmp_path, capsys):
    assert main(["run", QUERY, "--json"]) == 0
    fingerprint = json.loads(capsys.readouterr().out)["fingerprint"]
    target = tmp_path / "run.csv"
    assert main(["export", QUERY, "--to", "csv", "--out", str(target)]) == 0
    assert f"# Fingerprint: {fingerprint}" in target.read_text().splitlines()


def test_the_report_of_an_experiment_has_the_verdict_of_its_run(tmp_path, capsys):
    chosen = ["--seeds", "2", "--first-seed", "5", "--quick", "--json"]
    assert main(["experiment", "lag", *chosen]) == 0
    words = json.loads(capsys.readouterr().out)["words"]
    link = "http://lab.example/experiment?experiment=lag&seeds=2&first_seed=5&quick=on&prediction_lag=2"
    target = tmp_path / "report.html"
    assert main(["export", link, "--to", "report", "--out", str(target)]) == 0
    page = html.unescape(target.read_text("utf-8"))
    predicted = experiments.spec_of("lag").answers[1]
    assert words in page and link in page and f"Predicted: {predicted}." in page


def test_a_dash_is_stdout(capfdbinary):
    assert main(["export", QUERY, "--to", "pytorch", "--out", "-"]) == 0
    assert capfdbinary.readouterr().out.startswith(b'"""Nets of the Batch Norm Lab')


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nonsense", "--to", "pytorch"], "no link of the Lab"),
        (["depth=99", "--to", "pytorch"], "Hidden layers"),
        (["localhost/experiment?experiment=lag", "--to", "csv"], "--to report"),
        (["localhost/experiment?experiment=no", "--to", "report"], "no experiment “no”"),
        (["localhost/experiment?seeds=99", "--to", "report"], "from 1 to 10"),
        ([QUERY, "--to", "word"], "invalid choice"),
        ([QUERY], "--to"),
        ([QUERY, "--to", "pytorch", "--out", "{here}"], "is a directory"),
        ([QUERY, "--to", "csv", "--out", "{here}/none/run.csv"], "no directory"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_status_2(arguments, word, tmp_path, capsys):
    given = [argument.replace("{here}", str(tmp_path)) for argument in arguments]
    assert main(["export", *given]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert word in printed.err
    assert printed.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_ctrl_c_writes_the_numbers_by_then(tmp_path, monkeypatch, capsys):
    from bn_core import training

    train = training.train

    def interrupted(*given):
        for result in train(*given):
            if result.step == 5 and given[0].base.steps > 5:
                raise KeyboardInterrupt
            yield result
        return None

    monkeypatch.setattr(training, "train", interrupted)
    target = tmp_path / "run.csv"
    assert main(["export", QUERY, "--to", "csv", "--out", str(target)]) == 130
    assert "Stopped after 4 steps of 12" in target.read_text()


def test_the_list_of_experiments_and_code_need_no_torch():
    for arguments in (["experiment"], ["export", QUERY, "--to", "pytorch", "--out", "-"]):
        script = (
            "import sys; from bn_core.cli import main; status = main(sys.argv[1:]);"
            "sys.exit(status or 10 * any(name in sys.modules for name in ('torch', 'sklearn')))"
        )
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60)
        assert done.returncode == 0, arguments


def test_the_list_read_from_the_files_is_the_registry():
    specs = [experiment.spec for experiment in experiments.EXPERIMENTS.values()]
    assert list(listed_experiments().items()) == [(spec.slug, spec.claim) for spec in specs]
