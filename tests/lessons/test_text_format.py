"""Files of lessons are read strictly: every error names file and line and says what to write."""

import re

import pytest

from bn_core.lessons import LessonError, read_folder
from bn_core.lessons.challenges import read_challenges
from bn_core.lessons.glossary import read_glossary
from bn_core.lessons.guided import read_lesson
from bn_core.lessons.quiz import read_quiz
from bn_core.lessons.text_format import LARGEST_FILE, read_blocks

LESSON = """title: A lesson
minutes: 3
summary: What it is about,
  in two lines.
sources: A paper

# a remark
[step one]
question: What happens?
link: lab?depth=3&steps=20
predict: Which net learns?
- Both {accuracy(none) >= 0.5 and accuracy(before) >= 0.5}
* Only batch
  norm {otherwise}
do: Press Train.
check: trained steps >= 20
hint: The key T.
explain: Because.

[step two]
question: And then?
link: inside_the_layer?chapter=2
predict: What?
* This
- That
do: Set γ to 1.
check: choice(gamma) = 1
hint: A slider.
explain: So it is.
"""

QUESTION = """[question one]
topic: The formula
ask: Which?
* This
- That
explain: So it is.
again: And now?
- This
* That
again_explain: The other way round.
page: claims
"""

CHALLENGE = """[challenge one]
title: A target
task: Reach it.
start: lab?depth=3&steps=20
target: accuracy(before) >= 0.9
locked: depth, arms
hint: Try.
explain: So it is.
solution: lab?depth=3&steps=20&lr=0.5
"""

TERM = """[term nat]
term: nat
also: nats
means: A unit.
see: lab
"""


def lesson(text: str = LESSON):
    return read_lesson("01-a.txt", "a", text)


def test_a_lesson_is_read_as_it_is_written():
    read = lesson()
    assert (read.title, read.minutes) == ("A lesson", 3)
    assert read.summary == "What it is about, in two lines."
    one, two = read.steps
    assert (one.id, one.next, two.next) == ("one", "two", "")
    assert one.link.comparison is not None and one.link.comparison.depth == 3
    assert two.link.values == {"chapter": "2"}
    assert [choice.words for choice in one.prediction.choices] == ["Both", "Only batch norm"]
    assert one.prediction.expected == 1 and one.prediction.is_measured
    assert not two.prediction.is_measured
    assert read.step("two") is two and read.address(two).endswith("lesson=a&step=two")


def changed(old: str, new: str, text: str = LESSON) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "line", "remedy"),
    [
        ("title: A lesson\n", "", 1, "title"),
        ("minutes: 3", "minutes: many", 2, "whole number from 1 to 60"),
        ("question: What happens?", "queston: What happens?", 9, "question"),
        ("question: What happens?", "What happens?", 9, "name: text"),
        ("question: What happens?", "question: a\nquestion: b", 10, "twice"),
        ("hint: The key T.", "hint:", 8, "hint"),
        ("[step two]", "[step one]", 20, "another id"),
        ("[step two]", "[page two]", 20, "step id"),
        ("lab?depth=3&steps=20", "lab?depth=300", 10, "Hidden layers"),
        ("lab?depth=3&steps=20", "lab?colour=red", 10, "colour"),
        ("lab?depth=3&steps=20", "lab?depth=3&arms=no", 10, "Arms"),
        ("lab?depth=3&steps=20", "lob?depth=3", 10, "there are: lab"),
        ("lab?depth=3&steps=20", "lab?depth", 10, "name=value"),
        ("inside_the_layer?chapter=2", "inside_the_layer", 22, "chapter=1 to 6"),
        ("inside_the_layer?chapter=2", "inside_the_layer?chapter=9", 22, "no chapter 9"),
        ("accuracy(none) >= 0.5", "acuracy(none) >= 0.5", 12, "accuracy"),
        ("accuracy(none) >= 0.5", "accuracy(nobody) >= 0.5", 12, "nobody"),
        ("{otherwise}", "", 11, "each needs one"),
        ("* This\n- That", "* This", 23, "two answers"),
        ("* This\n- That", "* This\n* That", 23, "exactly one"),
        ("* This\n- That", "* This\n- This", 23, "the same"),
        ("check: trained steps >= 20", "check: trained steps", 16, "comparison"),
        ("check: trained steps >= 20", "next: one\ncheck: trained steps >= 20", 1, "next"),
        ("hint: A slider.", "next: three\nhint: A slider.", 28, "no step “three”"),
        ("hint: The key T.", "draw: training_loss of layer\nhint: T", 17, "none, before"),
        ("norm {otherwise}", "{otherwise}\n  norm", 15, "very end"),
        ("Only batch\n", "Only {otherwise} batch\n", 13, "very end of an answer"),
        ("norm {otherwise}", "norm otherwise}", 13, "very end of an answer"),
        ("explain: Because.", "explain: 97 % {otherwise}\n  of them.", 18, "very end of an answer"),
    ],
)  # fmt: skip
def test_an_error_names_file_and_line_and_says_what_to_write(old, new, line, remedy):
    with pytest.raises(LessonError) as found:
        lesson(changed(old, new))
    said = str(found.value)
    assert said.startswith(f"01-a.txt, line {line}: "), said
    assert remedy in said


@pytest.mark.parametrize(
    ("read", "text", "old", "new", "line", "remedy"),
    [
        (read_quiz, QUESTION, "topic: The formula", "kind: x", 1, "topic"),
        (read_quiz, QUESTION, "topic: The formula", "topic: a\nkind: hard", 3, "interview"),
        (read_quiz, QUESTION, "* This", "* This {trained steps > 1}", 3, "each needs one"),
        (read_quiz, QUESTION, "page: claims", "page: claims\nrun: lab", 3, "conditions"),
        (read_quiz, QUESTION, "[question one]", "[term one]", 1, "question id"),
        (read_challenges, CHALLENGE, "locked: depth, arms", "locked: colour", 6, "colour"),
        (read_challenges, CHALLENGE, "solution: lab?depth=3", "solution: lab?depth=4", 9, "locked"),
        (read_challenges, CHALLENGE, "start: lab?depth=3&steps=20", "start: claims", 4, "Lab"),
        (read_glossary, TERM, "also: nats", "also: nat", 1, "twice"),
        (read_glossary, TERM, "means: A unit.", "means:", 1, "means"),
    ],
)
def test_errors_of_the_other_files_name_the_line_too(read, text, old, new, line, remedy):
    assert len(read("a.txt", text)) == 1
    with pytest.raises(LessonError) as found:
        read("a.txt", changed(old, new, text))
    assert str(found.value).startswith(f"a.txt, line {line}: ") and remedy in str(found.value)


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "x" * 5_000,
        "\n".join(f"[step s{n}]" for n in range(400)),
        "\n".join(["a: b", *["- c" + str(n) for n in range(9)]]),
        "x" * (LARGEST_FILE + 1),
        "  continued",
        "- an answer",
        "\x00: ?",
        "a: b\n- ",
    ],
)
def test_no_text_is_too_much_for_the_reader(text):
    with pytest.raises(LessonError, match=re.escape("a.txt, line")):
        read_blocks("a.txt", text)


def test_a_folder_of_lessons_is_read_in_the_order_of_its_numbers(tmp_path):
    (tmp_path / "02-first.txt").write_text(LESSON, encoding="utf-8")
    (tmp_path / "10-second.txt").write_text(LESSON, encoding="utf-8")
    assert [one.slug for one in read_folder(tmp_path)] == ["first", "second"]
    for name, content in (
        ("03-first.txt", LESSON.encode()),
        ("third.txt", LESSON.encode()),
        ("04-bad.txt", b"\xff\xfe"),
        ("05-empty.txt", b""),
    ):
        bad = tmp_path / name
        bad.write_bytes(content)
        with pytest.raises(LessonError, match=re.escape(name)):
            read_folder(tmp_path)
        bad.unlink()
