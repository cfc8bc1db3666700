"""When batch norm hurts, and what to use instead: one case a block, with a place to see it."""

from dataclasses import dataclass

from bn_core.lessons.guided import link_of
from bn_core.lessons.links import Link
from bn_core.lessons.text_format import Block, read_blocks

_NEEDED = ("title", "sign", "why", "instead", "see", "source")


@dataclass(frozen=True)
class Case:
    """A situation: how it shows, why, what to use instead, where to see it, and who says so."""

    id: str
    title: str
    sign: str
    why: str
    instead: str
    see: Link
    source: str
    contested: str
    """What of it is not settled; empty if nothing is."""


def read_cases(file: str, text: str) -> tuple[Case, ...]:
    """Return the cases of a file in order. Errors: ``LessonError`` names file and line."""
    head, blocks = read_blocks(file, text)
    head.check_fields((), ())
    return tuple(_case(block) for block in blocks)


def _case(block: Block) -> Case:
    if block.kind != "case":
        raise block.error("this file is made of blocks [case id].")
    block.check_fields(_NEEDED, ("contested",))
    return Case(
        block.id,
        block.text("title"),
        block.text("sign"),
        block.text("why"),
        block.text("instead"),
        link_of(block, "see"),
        block.text("source"),
        block.text("contested"),
    )
