"""Links of the app as lessons hold them: ``page?query``, checked by the app's own parsers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from bn_core.comparison import ARMS_KEY, Comparison, comparison_from_query, comparison_to_query
from bn_core.config import Config
from bn_core.figures.view import View
from bn_core.settings import from_query, settings_of, unknown_keys

LAB, EXPERIMENT = "lab", "experiment"
CHAPTERS: Mapping[str, int] = {
    LAB: 0,
    "inside_the_layer": 6,
    "training_and_inference": 5,
    "covariate_shift": 5,
    "claims": 0,
    EXPERIMENT: 0,
    "runs": 0,
    "when_it_hurts": 0,
    "quiz": 0,
    "challenges": 0,
}
"""How many chapters each page has that a link may lead to."""

LONGEST_LINK = 600
_LAB_KEYS = {s.key for cls in (Config, View) for s in settings_of(cls).values()} | {ARMS_KEY}


@dataclass(frozen=True)
class Link:
    """A page of the app and what its address holds."""

    page: str
    query: tuple[tuple[str, str], ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """The query by name."""
        return dict(self.query)

    @property
    def comparison(self) -> Comparison | None:
        """What a link of the Lab trains; None for other pages."""
        return comparison_from_query(self.values)[0] if self.page == LAB else None

    @property
    def experiment(self) -> str:
        """The slug that a link of the experiments' page names; empty for other pages."""
        return self.values.get("experiment", "") if self.page == EXPERIMENT else ""

    @property
    def address(self) -> str:
        """The link below the app's own address, such as "/claims" or "/?depth=10"."""
        page = "" if self.page == LAB else self.page
        query = urlencode(self.query, safe=":;~")
        return f"/{page}?{query}" if query else f"/{page}"


def lab_link(comparison: Comparison) -> Link:
    """Return the link of the Lab that trains a comparison."""
    return Link(LAB, tuple(comparison_to_query(comparison).items()))


def read_link(text: str) -> Link:
    """Return a link from its text. Errors: ``ValueError`` says what does not fit."""
    if len(text) > LONGEST_LINK:
        raise ValueError(f"a link has at most {LONGEST_LINK} characters.")
    page, _, query = text.partition("?")
    if page not in CHAPTERS:
        raise ValueError(f"“{page}” is no page; there are: {', '.join(CHAPTERS)}.")
    try:
        pairs = parse_qsl(query, strict_parsing=True, max_num_fields=40) if query else []
    except ValueError:
        raise ValueError("behind the question mark stands name=value, joined by &.") from None
    link = Link(page, tuple(pairs))
    if len(link.values) != len(pairs):
        raise ValueError("the link names something twice.")
    problems = _lab_problems(link.values) if page == LAB else _chapter_problems(link)
    if problems:
        raise ValueError(problems[0])
    return link


def experiment_problem(link: Link, slugs: Collection[str]) -> str:
    """Return what does not fit if a link names an experiment that there is not; else nothing."""
    if link.page != EXPERIMENT or link.experiment in slugs:
        return ""
    return f"there is no experiment “{link.experiment}”; there are: {', '.join(slugs)}."


def _lab_problems(values: Mapping[str, str]) -> list[str]:
    comparison, complaints = comparison_from_query(values)
    more = from_query(View, values)[1]
    problem = comparison.problem()
    return [*complaints, *more, *unknown_keys(values, _LAB_KEYS), *([problem] if problem else [])]


def _chapter_problems(link: Link) -> list[str]:
    chapters, chapter = CHAPTERS[link.page], link.values.get("chapter")
    if chapter is None:
        needs = chapters > 0
        return [f"a link of this page names its chapter: chapter=1 to {chapters}."] if needs else []
    if chapter not in map(str, range(1, chapters + 1)):
        return [f"this page has {chapters} chapters: there is no chapter {chapter}."]
    return []
