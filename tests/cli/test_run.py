"""``run LINK``: what the Lab would train from the same link, in a table or as JSON."""

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bn_core import training
from bn_core.cli import main
from bn_core.cli.progress import ProgressBar
from bn_core.comparison import comparison_from_query

ROOT = Path(__file__).resolve().parents[2]
QUERY = {"data": "xor", "depth": "2", "width": "8", "steps": "30", "seeds": "2", "then": "10:0.5"}
LINK = "&".join(f"{key}={value}" for key, value in QUERY.items())


@pytest.fixture(scope="module")
def fingerprint() -> str:
    return training.run(comparison_from_query(QUERY)[0]).fingerprint()


@pytest.mark.parametrize(
    "link",
    [
        LINK,
        f"?{LINK}",
        f"http://localhost:8501/?{LINK}",
        f"localhost:8501/?{LINK}",
        f"https://example.org/course/?{LINK}#top",
        f"/?{LINK}",
        LINK.replace(":", "%3A"),
    ],
)
def test_a_link_trains_what_the_lab_trains_bit_for_bit(link, fingerprint, capsys):
    assert main(["run", link, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fingerprint"] == fingerprint


def test_the_table_has_a_line_for_each_arm_the_ending_and_the_fingerprint(fingerprint, capsys):
    assert main(["run", LINK + "&arms=none-before-layer"]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert [line.split("  ")[0] for line in lines[1:4]] == ["No norm", "BN before", "Layer norm"]
    assert all(re.search(r"\d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\)", line) for line in lines[1:4])
    assert "Finished: No norm, BN before and Layer norm trained for 30 steps." in printed.out
    assert re.search(r"^Fingerprint: [0-9a-f]{64}$", printed.out, re.M)
    assert printed.err == ""


def test_the_printed_link_trains_the_same_again(fingerprint, capsys):
    main(["run", LINK])
    link = re.search(r"^Link: (.+)$", capsys.readouterr().out, re.M)
    assert link is not None
    main(["run", link[1]])
    assert fingerprint in capsys.readouterr().out


def test_json_names_the_seed_the_step_and_the_layer_of_a_divergence(capsys):
    # Sizes at which ReLU layers with weights ten times He's overflow at once.
    assert main(["run", "data=xor&lr=30&gain=10&init=he&steps=20&seeds=2&arms=none", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["ending"]["kind"] == "diverged"
    assert {one["seed"] for one in body["divergences"]} == {0, 1}
    assert body["arms"][0]["train_loss"]["median"] == "inf"
    assert body["arms"][0]["finite_seeds"] == 0


def test_parts_the_lab_does_not_know_are_named_on_stderr_and_left_out(fingerprint, capsys):
    assert main(["run", LINK + "&frobnicate=3&site=normalized", "--json"]) == 0
    printed = capsys.readouterr()
    assert "frobnicate" in printed.err
    assert "site" not in printed.err  # the Lab knows it: it changes what is drawn
    assert json.loads(printed.out)["fingerprint"] == fingerprint


@pytest.mark.parametrize(
    ("link", "word"),
    [
        ("lr=abc", "Learning rate"),
        ("depth=21", "Hidden layers"),
        ("arms=none-nonsense", "Arms"),
        ("data=xor&points=20&batch=64", "batch of 64"),
        ("norm=group&arms=group&width=9", "groups"),
        ("width=256&depth=20&batch=512&seeds=10", "heavier"),
        ("nonsense", "no link"),
        ("http://localhost:8501/claims?claim=3", "page “claims”"),
        ("http://localhost:8501/covariate_shift", "page “covariate_shift”"),
    ],
)
def test_a_link_that_cannot_be_trained_is_one_sentence_and_status_2(link, word, capsys):
    assert main(["run", link]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert word in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["run"], ["run", LINK, "--nonsense"]])
def test_a_wrong_command_is_one_sentence_and_status_2(arguments, capsys):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1


def test_a_process_keeps_results_on_stdout_and_the_rest_on_stderr(fingerprint):
    command = [sys.executable, "-m", "bn_core", "run", LINK + "&frobnicate=3", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert json.loads(done.stdout)["fingerprint"] == fingerprint
    assert "frobnicate" in done.stderr
    command = [sys.executable, "-m", "bn_core", "run", "lr=abc"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")


def heed_ctrl_c() -> None:
    """Undo what a shell does to jobs in the background: it has them ignore Ctrl+C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_ctrl_c_prints_what_is_known_and_exits_with_130():
    terminal, its_other_end = pty.openpty()
    command = [sys.executable, "-m", "bn_core", "run", "data=xor&steps=10000&width=128", "--json"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=its_other_end,
        preexec_fn=heed_ctrl_c,
    )
    try:
        os.close(its_other_end)
        drawn = b""
        while not re.search(rb"step [1-9]", drawn):  # the bar, as stderr is a terminal
            drawn += os.read(terminal, 1024)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
        os.close(terminal)
    body = json.loads(printed)
    assert process.returncode == 130
    assert b"[" in drawn
    assert body["ending"]["kind"] == "stopped"
    assert 0 < body["ending"]["step"] < 10_000
    assert len(body["arms"]) == 2


def test_without_a_terminal_progress_is_a_line_now_and_then():
    now = [0.0]
    stream = io.StringIO()
    with ProgressBar(stream, lambda: now[0]) as progress:
        for step in range(100):
            now[0] = step * 0.25
            progress.show(step / 100, f"step {step}")
    assert stream.getvalue() == " 40 % step 40\n 80 % step 80\n"
