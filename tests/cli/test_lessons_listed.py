"""``lessons``: what there is, and the first error of a file that is broken."""

import json

import pytest

from bn_core import lessons
from bn_core.cli import main


def test_everything_is_listed(capsys):
    assert main(["lessons"]) == 0
    printed = capsys.readouterr().out
    for lesson in lessons.lessons():
        assert lesson.title in printed and all(step.question in printed for step in lesson.steps)
    for one in lessons.quiz():
        assert one.question.words in printed
    assert f"{len(lessons.challenges())} challenges" in printed


def test_json_holds_links_choices_and_checks(capsys):
    assert main(["lessons", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert [one["slug"] for one in body["lessons"]] == [one.slug for one in lessons.lessons()]
    step = body["lessons"][0]["steps"][0]
    assert step["check"] == lessons.lessons()[0].steps[0].check.text and len(step["choices"]) > 1
    assert {"questions", "challenges", "terms"} < set(body)


def test_a_broken_file_is_named_and_the_status_says_so(capsys, monkeypatch, tmp_path):
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "01-one.txt").write_text("title: One\n[step a]\nquestoin: x\n")
    for name in ("quiz.txt", "challenges.txt", "glossary.txt"):
        (tmp_path / name).write_text("", encoding="utf-8")
    readers = (lessons.lessons, lessons.quiz, lessons.challenges, lessons.glossary)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lessons, "TEXTS", tmp_path)
        for reader in readers:
            reader.cache_clear()
        assert main(["lessons"]) == 2
    for reader in readers:
        reader.cache_clear()
    told = capsys.readouterr()
    assert told.err.startswith("01-one.txt, line 1: ") and not told.out


def test_a_run_is_held_to_its_text(capsys):
    assert main(["lessons", "--run", "challenge sprint"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"challenge sprint, {end}: as its run" for end in ("start", "solution")]
    assert main(["lessons", "--run", "no such name"]) == 2
    assert "no such name" in capsys.readouterr().err
