"""The text format of lessons, quiz, challenges and glossary: named fields in blocks.

A file begins with fields of its own; each line ``[kind id]`` begins a block::

    title: Why normalize          a field; lines indented by two blanks or more continue it
    [step valley]                 a block of the kind "step" with the id "valley"
    predict: Which is faster?
    - The first                   an answer to choose, below the field that asks for it
    * The second {steps > 100}    the right one; braces hold the condition that measures it
    # a remark                    is passed over, as are empty lines
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

LARGEST_FILE = 200_000
LONGEST_TEXT = 1_500
MOST_BLOCKS = 300
MOST_CHOICES = 6

_FIELD = re.compile(r"([a-z][a-z_]*):(?:\s+(.*))?")
_BLOCK = re.compile(r"\[([a-z]+) ([a-z0-9][a-z0-9-]*)\]")
_CHOICE = re.compile(r"([-*])\s+(.*?)(?:\s*\{([^{}]*)\})?")


class LessonError(ValueError):
    """A file that cannot be used; the message names file and line and says what to write."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        super().__init__(f"{file}, line {line}: {problem}")


@dataclass(frozen=True)
class ChoiceText:
    """An answer as written: its words, whether it is marked, and its condition if it has one."""

    words: str
    marked: bool
    condition: str
    line: int


@dataclass(frozen=True)
class Field:
    """A field as written, with the line it begins in."""

    text: str
    line: int
    choices: tuple[ChoiceText, ...] = ()


@dataclass(frozen=True)
class Block:
    """A block as written: its kind and id, and its fields by name."""

    file: str
    kind: str
    id: str
    line: int
    fields: Mapping[str, Field] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return the text of a field; empty if it is not there."""
        return self.fields[name].text if name in self.fields else ""

    def error(self, problem: str, name: str = "") -> LessonError:
        """Return the error of a field, or of the block."""
        line = self.fields[name].line if name in self.fields else self.line
        return LessonError(self.file, line, problem)

    def check_fields(self, needed: Collection[str], allowed: Collection[str]) -> None:
        """Raise ``LessonError`` for a field that is missing, empty or not known."""
        for name in self.fields:
            if name not in {*needed, *allowed}:
                known = ", ".join([*needed, *allowed])
                raise self.error(f"“{name}” is no field here; there are: {known}.", name)
        for name in needed:
            if not self.text(name):
                what = f"[{self.kind} {self.id}]" if self.kind else "the head of the file"
                raise self.error(f"{what} lacks “{name}: …”; add it.")


@dataclass
class _Reader:
    """What has been read of a file so far."""

    file: str
    line: int = 0
    blocks: list[tuple[str, str, int, dict[str, Field]]] = field(default_factory=list)
    current: str = ""

    def error(self, problem: str) -> LessonError:
        return LessonError(self.file, self.line, problem)

    @property
    def fields(self) -> dict[str, Field]:
        return self.blocks[-1][3]

    def read(self, text: str) -> None:
        if not text.strip() or text.startswith("#"):
            return
        if found := _BLOCK.fullmatch(text.rstrip()):
            self._begin(found[1], found[2])
        elif text.startswith("  "):
            self._continue(text.strip())
        elif found := re.fullmatch(r"([-*])\s.*", text.rstrip()):
            self._add_choice(text.rstrip())
        elif found := _FIELD.fullmatch(text.rstrip()):
            self._add_field(found[1], found[2] or "")
        else:
            raise self.error(
                "this is no field, block or answer. Write “name: text”, “[kind id]”, “- answer”, "
                "or indent the line by two blanks if it continues the one above."
            )

    def _begin(self, kind: str, id: str) -> None:
        if any((kind, id) == block[:2] for block in self.blocks):
            raise self.error(f"[{kind} {id}] is there twice; choose another id.")
        if len(self.blocks) > MOST_BLOCKS:
            raise self.error(f"a file has at most {MOST_BLOCKS} blocks; begin another file.")
        self.blocks.append((kind, id, self.line, {}))
        self.current = ""

    def _add_field(self, name: str, text: str) -> None:
        if name in self.fields:
            raise self.error(f"“{name}” is there twice in this block; join the two.")
        self.fields[name], self.current = Field(self._bounded(text), self.line), name

    def _continue(self, text: str) -> None:
        if not self.current:
            raise self.error("an indented line continues a field, and there is none above it.")
        held = self.fields[self.current]
        if not held.choices:
            joined = f"{held.text} {text}".strip()
            self.fields[self.current] = Field(self._bounded(joined), held.line)
            return
        last = held.choices[-1]
        mark = "*" if last.marked else "-"
        condition = f" {{{last.condition}}}" if last.condition else ""
        if last.condition:
            raise self.error("nothing may follow the condition in braces: put it at the very end.")
        made = self._choice(f"{mark} {last.words}{condition} {text}", last.line)
        choices = (*held.choices[:-1], made)
        self.fields[self.current] = Field(held.text, held.line, choices)

    def _add_choice(self, text: str) -> None:
        if not self.current:
            raise self.error("an answer stands below the field that asks for it.")
        held = self.fields[self.current]
        if len(held.choices) == MOST_CHOICES:
            raise self.error(f"a question has at most {MOST_CHOICES} answers.")
        choices = (*held.choices, self._choice(text, self.line))
        self.fields[self.current] = Field(held.text, held.line, choices)

    def _choice(self, text: str, line: int) -> ChoiceText:
        found = _CHOICE.fullmatch(self._bounded(text))
        if found is None:
            raise self.error("an answer reads “- words” or “* words {condition}”.")
        return ChoiceText(found[2], found[1] == "*", (found[3] or "").strip(), line)

    def check_words(self) -> None:
        """Raise ``LessonError`` for words with a brace: no reader may see a condition."""
        for *_, fields in self.blocks:
            for held in fields.values():
                for words, line in (
                    (held.text, held.line),
                    *((c.words, c.line) for c in held.choices),
                ):
                    if "{" in words or "}" in words:
                        raise LessonError(
                            self.file,
                            line,
                            "braces hold the condition at the very end of an answer; no other text "
                            "may hold one.",
                        )

    def _bounded(self, text: str) -> str:
        if len(text) > LONGEST_TEXT:
            raise self.error(f"a text has at most {LONGEST_TEXT:,} characters; shorten it.")
        return text


def read_blocks(file: str, text: str) -> tuple[Block, tuple[Block, ...]]:
    """Return the head of a file, as a block without kind, and its blocks. Errors: LessonError."""
    if len(text) > LARGEST_FILE:
        raise LessonError(file, 1, f"a file has at most {LARGEST_FILE:,} characters; split it.")
    reader = _Reader(file, blocks=[("", "", 1, {})])
    for number, line in enumerate(text.splitlines(), start=1):
        reader.line = number
        reader.read(line)
    reader.check_words()
    head, *blocks = (Block(file, *block) for block in reader.blocks)
    return head, tuple(blocks)
