"""A link of the Lab that a student submits: what it trains, and in what it differs."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from bn_core.arms import ARM_FIELDS, SHARED_FIELDS
from bn_core.classroom import ClassError
from bn_core.comparison import Comparison, comparison_from_query, comparison_to_query
from bn_core.config import SETTINGS

LONGEST_LINK = 3000
_MOST_FIELDS = 80
_MOST_NAMED = 3
_NO_LINK = (
    "This is no link of the Lab. Open the Lab, train there, and copy the address of that page."
)


def comparison_of_link(text: str) -> Comparison:
    """Return what a link of the Lab trains. Errors: ``ClassError`` says what to do instead."""
    text = text.strip()
    if len(text) > LONGEST_LINK:
        raise ClassError(f"The link is too long: it has at most {LONGEST_LINK} characters.")
    try:
        parts = urlsplit(text)
        values = dict(parse_qsl(parts.query, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise ClassError(_NO_LINK) from None
    page = parts.path.rpartition("/")[2]
    if page not in ("", "lab") or not (parts.netloc or text.startswith(("/", "?"))):
        raise ClassError(_NO_LINK)
    comparison, complaints = comparison_from_query(values)
    if complaints or comparison.problem():
        raise ClassError((complaints or [comparison.problem()])[0])
    return comparison


def link_text(comparison: Comparison) -> str:
    """Return the Lab's link of a comparison, below the app's address."""
    return f"?{urlencode(comparison_to_query(comparison), safe=':;~')}"


def check_same(found: Comparison, asked: Comparison, besides: frozenset[str] = frozenset()) -> None:
    """Refuse a run that differs from what a class trains in more than the fields ``besides``.

    Errors: ``ClassError`` names what differs.
    """
    different = [
        SETTINGS[name].label
        for name in (*SHARED_FIELDS, *ARM_FIELDS)
        if name not in besides and getattr(found.base, name) != getattr(asked.base, name)
    ]
    if sorted(arm.name for arm in found.arms) != sorted(arm.name for arm in asked.arms):
        different.insert(0, "The nets that are compared")
    if different:
        named = ", ".join(f"“{label}”" for label in different[:_MOST_NAMED])
        more = f" and {len(different) - _MOST_NAMED} more" * (len(different) > _MOST_NAMED)
        raise ClassError(
            f"This run differs from what the class trains in {named}{more}. Open the Lab from the "
            f"class's page{' and change the seed alone' if 'seed' in besides else ''}."
        )
