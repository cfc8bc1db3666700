"""The glossary: terms with a definition of a sentence or two, and where to see them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bn_core.lessons.guided import link_of
from bn_core.lessons.links import Link
from bn_core.lessons.text_format import Block, read_blocks

LONGEST_SEARCHED = 20_000
_NEEDED = ("term", "means", "see")
_ALLOWED = ("also", "except")


@dataclass(frozen=True)
class Term:
    """A term, other forms of it, what it means, and where in the app to see it.

    ``excepted`` are phrases in which the word has another sense, such as "in units of".
    """

    id: str
    name: str
    also: tuple[str, ...]
    meaning: str
    see: Link
    excepted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Occurrence:
    """Where a term stands in a text: ``text[begin:end]``."""

    begin: int
    end: int
    term: Term


def read_glossary(file: str, text: str) -> tuple[Term, ...]:
    """Return the terms of a file, by name. Errors: ``LessonError`` names file and line."""
    head, blocks = read_blocks(file, text)
    head.check_fields((), ())
    found: dict[str, Term] = {}
    for block in blocks:
        term = _term(block)
        for form in (term.name, *term.also):
            if form.casefold() in found:
                raise block.error(f"“{form}” is explained twice; keep one of the two.")
            found[form.casefold()] = term
    unique = {term.id: term for term in found.values()}.values()
    return tuple(sorted(unique, key=lambda term: term.name.casefold()))


def find_terms(
    text: str, terms: Sequence[Term], *, once: bool = True, longest: int = LONGEST_SEARCHED
) -> list[Occurrence]:
    """Return where terms stand in a text as whole words, longest first, without overlaps.

    Letters' case does not matter, and a plural s is taken along. With ``once`` only the first
    place of each term is returned. Of a text only the first ``longest`` characters are searched.
    No term is found within a phrase that a term excepts, unless it is longer than the phrase.
    """
    by_form: dict[str, Term | None] = {p.casefold(): None for t in terms for p in t.excepted}
    by_form |= {form.casefold(): t for t in terms for form in (t.name, *t.also)}
    if not by_form:
        return []
    ordered = sorted(by_form, key=len, reverse=True)
    pattern = "|".join(re.escape(form) for form in ordered)
    found: list[Occurrence] = []
    seen: set[str] = set()
    for match in re.finditer(rf"(?<!\w)({pattern})(?:s?)(?!\w)", text[:longest], re.IGNORECASE):
        term = by_form[match[1].casefold()]
        if term is None:
            continue
        if not once or term.id not in seen:
            found.append(Occurrence(match.start(), match.end(), term))
        seen.add(term.id)
    return found


def _term(block: Block) -> Term:
    if block.kind != "term":
        raise block.error("a glossary is made of blocks [term id].")
    block.check_fields(_NEEDED, _ALLOWED)
    name, meaning, see = block.text("term"), block.text("means"), link_of(block, "see")
    also, excepted = _listed(block, "also"), _listed(block, "except")
    for phrase in excepted:
        if not any(form.casefold() in phrase.casefold() for form in (name, *also)):
            raise block.error(f"“{phrase}” holds no form of the term; leave it out.", "except")
    return Term(block.id, name, also, meaning, see, excepted)


def _listed(block: Block, name: str) -> tuple[str, ...]:
    """Return what stands between the commas of a field."""
    return tuple(filter(None, (part.strip() for part in block.text(name).split(","))))
