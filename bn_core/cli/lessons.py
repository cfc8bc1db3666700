"""``lessons``: list lessons, quiz, challenges and glossary, and check every file of them."""

import argparse
import functools
import sys
from typing import Any

from bn_core import lessons
from bn_core.cli.command import COMPLETED, FAILED, REFUSED, Subcommand, print_json
from bn_core.cli.experiment_list import listed_experiments
from bn_core.lessons.challenges import Challenge
from bn_core.lessons.evidence import Evidence
from bn_core.lessons.guided import Lesson
from bn_core.lessons.links import LAB, Link
from bn_core.lessons.quiz import QuizQuestion
from bn_core.lessons.trials import trials


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument(
        "--run",
        nargs="?",
        const="",
        metavar="NAME",
        help="train every run that a step, question or challenge is about, or those of which the "
        "name holds NAME, and say where it contradicts its text; all take some minutes",
    )


def _execute(asked: argparse.Namespace) -> int:
    problems = lessons.problems(listed_experiments())
    for sentence in problems:
        print(sentence, file=sys.stderr)
    if problems:
        return REFUSED
    if asked.run is not None:
        return _run(asked.run)
    if asked.json:
        print_json(body())
    else:
        print(text())
    return COMPLETED


def _run(name: str) -> int:
    """Train what the texts are about and print a line for each; return the exit status."""
    chosen = [trial for trial in trials() if name in trial.name]
    if not chosen:
        print(f"No step, question or challenge has “{name}” in its name.", file=sys.stderr)
        return REFUSED
    problems = 0
    for trial in chosen:
        problem = trial.problem(evidence_behind(trial.link))
        print(f"{trial.name}: {problem or 'as its run'}", flush=True)
        problems += bool(problem)
    return FAILED if problems else COMPLETED


@functools.cache
def evidence_behind(link: Link) -> Evidence:
    """Return what is known once a link of the Lab is trained, or its experiment has run quickly."""
    # Listing needs no torch, and is much faster without it.
    from bn_core import experiments
    from bn_core.training import run

    if link.comparison is not None:
        return Evidence(run(link.comparison), page=LAB)
    slug = link.experiment
    result, verdict = experiments.run(slug, seeds=3, quick=True)
    return Evidence(page="experiment", results={slug: result}, verdicts={slug: verdict})


SUBCOMMAND = Subcommand(
    "lessons", "List lessons, questions and challenges, and check their files.",
    _add_arguments, _execute,
)  # fmt: skip


def text() -> str:
    """Return one line a step, question and challenge, and how many terms are explained."""
    lines = []
    for lesson in lessons.lessons():
        lines.append(f"{lesson.slug}: {lesson.title} ({lesson.minutes} minutes)")
        lines += [f"  {step.id:14} {step.question}" for step in lesson.steps]
    questions = lessons.quiz()
    for topic in dict.fromkeys(one.topic for one in questions):
        lines += ["", f"Quiz, {topic}"]
        lines += [f"  {q.id:22} {q.question.words}" for q in questions if q.topic == topic]
    lines += ["", "Challenges"]
    lines += [f"  {one.id:22} {one.title}" for one in lessons.challenges()]
    return "\n".join([*lines, "", _counts()])


def _counts() -> str:
    steps = sum(len(lesson.steps) for lesson in lessons.lessons())
    measured = sum(one.run is not None for one in lessons.quiz())
    return (
        f"{len(lessons.lessons())} lessons of {steps} steps, {len(lessons.quiz())} questions "
        f"({measured} answered by a run), {len(lessons.challenges())} challenges, "
        f"{len(lessons.glossary())} terms, {len(lessons.cases())} cases in which batch norm hurts. "
        "Every file was read without an error."
    )


def body() -> dict[str, Any]:
    """Return all lessons, questions, challenges and terms as plain values."""
    return {
        "lessons": [_lesson(one) for one in lessons.lessons()],
        "questions": [_question(one) for one in lessons.quiz()],
        "challenges": [_challenge(one) for one in lessons.challenges()],
        "terms": [{"term": t.name, "means": t.meaning} for t in lessons.glossary()],
    }


def _lesson(lesson: Lesson) -> dict[str, Any]:
    steps = [
        {
            "id": step.id,
            "question": step.question,
            "link": step.link.address,
            "address": lesson.address(step),
            "predict": step.prediction.words,
            "choices": [choice.words for choice in step.prediction.choices],
            "check": step.check.text,
            "next": step.next,
        }
        for step in lesson.steps
    ]
    about = {"slug": lesson.slug, "title": lesson.title, "minutes": lesson.minutes}
    return {**about, "file": lesson.file, "steps": steps}


def _question(one: QuizQuestion) -> dict[str, Any]:
    return {
        "id": one.id,
        "topic": one.topic,
        "interview": one.is_interview,
        "question": one.question.words,
        "choices": [choice.words for choice in one.question.choices],
        "expected": one.question.expected,
        "page": one.page.address,
        "run": one.run.address if one.run else None,
    }


def _challenge(one: Challenge) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "task": one.task,
        "start": one.start.address,
        "target": one.target.text,
        "locked": list(one.locked),
    }
