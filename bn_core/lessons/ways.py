"""Ways into the app, by the time and the aim that a reader has: each a choice of lessons."""

from collections.abc import Sequence
from dataclasses import dataclass

from bn_core.lessons.guided import Lesson, whole_number
from bn_core.lessons.text_format import Block, read_blocks


@dataclass(frozen=True)
class Way:
    """A way in: what it offers, the minutes its lessons take, and their slugs in order."""

    id: str
    title: str
    words: str
    minutes: int
    lessons: tuple[str, ...]


def read_ways(file: str, text: str, known: Sequence[Lesson]) -> tuple[Way, ...]:
    """Return the ways of a file, in order. Errors: ``LessonError`` names file and line."""
    head, blocks = read_blocks(file, text)
    head.check_fields((), ())
    return tuple(_way(block, {lesson.slug: lesson for lesson in known}) for block in blocks)


def _way(block: Block, known: dict[str, Lesson]) -> Way:
    if block.kind != "way":
        raise block.error("this file is made of blocks [way id].")
    block.check_fields(("title", "words", "minutes", "lessons"), ())
    slugs = tuple(block.text("lessons").replace(",", " ").split())
    unknown = [slug for slug in slugs if slug not in known]
    if unknown:
        there_are = ", ".join(known)
        raise block.error(f"there is no lesson “{unknown[0]}”; there are: {there_are}.", "lessons")
    minutes, taken = whole_number(block, "minutes", 1, 120), sum(known[s].minutes for s in slugs)
    if taken > minutes:
        raise block.error(f"its lessons take {taken} minutes: choose fewer, or say so.", "minutes")
    return Way(block.id, block.text("title"), block.text("words"), minutes, slugs)
