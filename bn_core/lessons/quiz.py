"""The quiz: questions by topic, each with an explanation and a second one of the same kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bn_core.lessons.guided import link_of
from bn_core.lessons.links import Link
from bn_core.lessons.questions import Question, read_question
from bn_core.lessons.shuffling import shuffled
from bn_core.lessons.text_format import Block, read_blocks

_NEEDED = ("topic", "ask", "explain", "again", "again_explain", "page")
_ALLOWED = ("run", "kind", "source")
KINDS = ("basic", "interview")


@dataclass(frozen=True)
class QuizQuestion:
    """One question and its twin for transfer; ``run`` leads to what decides it, if that exists.

    Where there is a run, the choices of ``question`` carry conditions on its record or result.
    """

    id: str
    topic: str
    question: Question
    explanation: str
    again: Question
    again_explanation: str
    page: Link
    run: Link | None
    is_interview: bool
    source: str


@dataclass(frozen=True)
class TopicScore:
    """How many questions of a topic were answered right, and where to read on."""

    topic: str
    right: int
    answered: int
    pages: tuple[Link, ...]
    """The pages of the questions that were missed, each once."""


def read_quiz(file: str, text: str) -> tuple[QuizQuestion, ...]:
    """Return the questions of a file by topic, the topics in the order in which they begin.

    Errors: ``LessonError`` names file and line.
    """
    head, blocks = read_blocks(file, text)
    head.check_fields((), ())
    return by_topic([_question(block) for block in blocks])


def by_topic(questions: Sequence[QuizQuestion]) -> tuple[QuizQuestion, ...]:
    """Return questions with those of a topic together, in the order in which topics begin."""
    topics = list(dict.fromkeys(one.topic for one in questions))
    return tuple(sorted(questions, key=lambda one: topics.index(one.topic)))


def answer_order(one: QuizQuestion, seed: str, *, again: bool) -> list[int]:
    """Return the order of a question's answers for a reader, the same on screen and on paper."""
    question = one.again if again else one.question
    return shuffled(f"{one.id}/{'again' if again else 'first'}", len(question.choices), seed)


def scores(questions: Sequence[QuizQuestion], answers: Mapping[str, int]) -> list[TopicScore]:
    """Return the score of each topic; ``answers`` hold the choice by a question's id."""
    found = []
    for topic in dict.fromkeys(one.topic for one in questions):
        answered = [one for one in questions if one.topic == topic and one.id in answers]
        missed = [one for one in answered if answers[one.id] != one.question.expected]
        pages = tuple(dict.fromkeys(one.page for one in missed))
        found.append(TopicScore(topic, len(answered) - len(missed), len(answered), pages))
    return found


def _question(block: Block) -> QuizQuestion:
    if block.kind != "question":
        raise block.error("a quiz is made of blocks [question id].")
    block.check_fields(_NEEDED, _ALLOWED)
    question, again = read_question(block, "ask"), read_question(block, "again")
    run = link_of(block, "run") if "run" in block.fields else None
    if again.is_measured:
        raise block.error("only the first question is answered by a run.", "again")
    if question.is_measured != (run is not None):
        raise block.error(
            "answers with conditions need “run: link”, and “run” needs answers with conditions.",
            "ask",
        )
    kind = block.text("kind") or "basic"
    if kind not in KINDS:
        raise block.error(f"“kind” is one of: {', '.join(KINDS)}.", "kind")
    return QuizQuestion(
        block.id,
        block.text("topic"),
        question,
        block.text("explain"),
        again,
        block.text("again_explain"),
        link_of(block, "page"),
        run,
        kind == "interview",
        block.text("source"),
    )
