"""The lesson that a link brought, and the one that a teacher arranges, of one visitor."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bn_core.comparison import Comparison, comparison_from_query, comparison_to_query
from bn_core.figures.view import View
from bn_core.lessons.arranged import KEYS, Access, ArrangedLesson, read_arranged
from bn_core.lessons.links import LAB, Link
from bn_core.settings import from_query, to_query
from pages.shared.lessons.draft import Draft

ARRANGE = "arrange"
"""The link's key of a lesson that is still being arranged."""

LOCKED = "Locked by this lesson"
_NO_QUESTION = (
    "The link has parts of a lesson but no question that can be shown, so it opens without it: "
    "every control is free."
)


@dataclass
class Arranged:
    """A lesson that is open for a student, or a draft that a teacher works on; not both."""

    lesson: ArrangedLesson | None = None
    link: Link = field(default_factory=lambda: Link(LAB))
    """What the lesson is about, as its link sets the Lab up, with the lesson."""
    predicted: int | None = None
    """The answer that the reader chose."""
    draft: Draft | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is anything to show beside the Lab."""
        return self.lesson is not None or self.draft is not None

    def access(self, control: str) -> Access:
        """Return whether a control of the Lab is free, locked or hidden."""
        return self.lesson.access(control) if self.lesson else "free"

    def is_free(self, control: str) -> bool:
        """Return whether the reader may change a control."""
        return self.access(control) == "free"

    def shown(self, control: str) -> bool:
        """Return whether a control is there, be it locked."""
        return self.access(control) != "hidden"

    @property
    def restricts(self) -> bool:
        """Whether any control of the Lab is locked or hidden."""
        return self.lesson is not None and bool(self.lesson.locked or self.lesson.hidden)

    def arrange(self) -> None:
        """Begin to arrange a lesson; from the one that is open, if one is."""
        self.draft = self.draft or Draft.of(self.lesson)
        self.lesson = None

    def close(self) -> None:
        """Show nothing beside the Lab any more; every control is free again."""
        self.lesson, self.draft, self.predicted = None, None, None

    def link_values(self, comparison: Comparison) -> dict[str, str]:
        """Return what stands for it in a link that is given to students."""
        lesson = self.lesson
        if self.draft is not None:
            lesson = self.draft.lesson(comparison)[0]
        return lesson.query() if lesson is not None and lesson.question else {}

    def address_values(self, comparison: Comparison) -> dict[str, str]:
        """Return what stands for it in the address: a reload goes on with a draft as well."""
        if self.draft is None:
            return self.link_values(comparison)
        return {ARRANGE: "on", **self.draft.lesson(comparison)[0].query()}

    def arrive(self, query: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """Take what a link of the Lab says of it; return the rest, and what fell back.

        Any other link leaves a lesson: its controls would be locked at values of another one.
        """
        rest = {key: text for key, text in query.items() if key not in (*KEYS, ARRANGE)}
        if len(rest) == len(query):
            self.lesson = None
            return rest, []
        comparison = comparison_from_query(rest)[0]
        lesson, complaints = read_arranged(query, comparison)
        if query.get(ARRANGE) == "on":
            self.close()
            self.draft = Draft.of(lesson)
        elif lesson.question:
            self._open(lesson, comparison, View(**from_query(View, rest)[0]))
        else:
            self.close()
            complaints = [*complaints, _NO_QUESTION]
        return rest, complaints

    def _open(self, lesson: ArrangedLesson, comparison: Comparison, view: View) -> None:
        values = comparison_to_query(comparison) | to_query(view) | lesson.query()
        link = Link(LAB, tuple(values.items()))
        if link != self.link:
            self.predicted = None
        self.lesson, self.link, self.draft = lesson, link, None
