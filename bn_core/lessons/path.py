"""The path through the chapters: what comes next at the end of each, and why."""

from dataclasses import dataclass

from bn_core.lessons.guided import link_of
from bn_core.lessons.links import CHAPTERS, Link
from bn_core.lessons.text_format import Block, read_blocks


@dataclass(frozen=True)
class Stop:
    """A chapter on the path, or a page without chapters; ``because`` leads over to it."""

    title: str
    link: Link
    because: str

    @property
    def place(self) -> tuple[str, str]:
        """The page, and the chapter's number as text; empty for a page without chapters."""
        return self.link.page, self.link.values.get("chapter", "")


def read_path(file: str, text: str) -> tuple[Stop, ...]:
    """Return the stops of a file in order. Errors: ``LessonError`` names file and line."""
    head, blocks = read_blocks(file, text)
    head.check_fields((), ())
    stops = tuple(_stop(block) for block in blocks)
    places = [stop.place for stop in stops]
    for page, count in CHAPTERS.items():
        for chapter in map(str, range(1, count + 1)):
            if (page, chapter) not in places:
                raise head.error(f"chapter {chapter} of “{page}” is not on the path; add it.")
    return stops


def next_stop(path: tuple[Stop, ...], page: str, chapter: int = 0) -> Stop | None:
    """Return what follows a chapter; None behind the last stop and for what is not on the path."""
    place = (page, str(chapter) if chapter else "")
    places = [stop.place for stop in path]
    at = places.index(place) + 1 if place in places else len(path)
    return path[at] if at < len(path) else None


def _stop(block: Block) -> Stop:
    if block.kind != "stop":
        raise block.error("this file is made of blocks [stop id].")
    block.check_fields(("title", "link", "because"), ())
    return Stop(block.text("title"), link_of(block, "link"), block.text("because"))
