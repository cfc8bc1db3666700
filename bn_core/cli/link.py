"""Links of the Lab as the command line takes them: a whole address, or its query alone."""

import re
from urllib.parse import parse_qsl, urlencode

from bn_core.cli.command import CommandError
from bn_core.comparison import (
    ARMS_KEY,
    Arm,
    Comparison,
    arms_from_query,
    comparison_to_query,
)
from bn_core.config import SETTINGS, Config
from bn_core.figures.view import View
from bn_core.settings import SettingError, settings_of, unknown_keys

_KNOWN = {s.key for cls in (Config, View) for s in settings_of(cls).values()} | {ARMS_KEY}
_LAB_PATHS = ("", "lab")


def comparison_from_link(link: str) -> tuple[Comparison, list[str]]:
    """Return what a link of the Lab trains, and a sentence about parts the Lab does not know.

    On the page a value that does not fit falls back to the usual one and the page says so; here
    nobody would see it, so such a link is refused. Errors: ``CommandError``.
    """
    query = dict(parse_qsl(_query_of(link), keep_blank_values=True))
    try:
        values = {
            name: setting.read(query[setting.key])
            for name, setting in SETTINGS.items()
            if setting.key in query
        }
        comparison = Comparison(Config(**values), _arms(query))
    except SettingError as error:
        raise CommandError(str(error)) from None
    if comparison.problem():
        raise CommandError(comparison.problem())
    if query and not _KNOWN & set(query):
        raise CommandError(
            f"The link names no setting of the Lab: {', '.join(sorted(query))[:80]}."
        )
    return comparison, unknown_keys(query, _KNOWN)


def experiment_of_link(link: str) -> dict[str, str] | None:
    """Return the choices in a link of the experiments' page; None if it is one of another page."""
    address, _, query = link.strip().partition("#")[0].partition("?")
    page = re.sub(r"^[a-z]+://", "", address).rpartition("/")[2]
    return dict(parse_qsl(query, keep_blank_values=True)) if page == "experiment" else None


def query_of_comparison(comparison: Comparison) -> str:
    """Return the query of the link that trains a comparison; empty if all is as usual."""
    return urlencode(comparison_to_query(comparison), safe=":")


def _arms(query: dict[str, str]) -> tuple[Arm, ...]:
    arms, problems = arms_from_query(query.get(ARMS_KEY))
    if problems:
        raise SettingError(problems[0])
    return arms


def _query_of(link: str) -> str:
    link = link.strip().partition("#")[0]
    address, has_query, query = link.partition("?")
    if not has_query and "=" in address and "/" not in address.partition("=")[0]:
        return address
    is_address = re.match(r"[a-z]+://|[^/]+:\d+(/|$)|/|$", address)
    if not is_address or (not address and not has_query and link):
        raise CommandError(
            f"“{link}” is no link of the Lab: give its address, or its query such as "
            "“depth=10&lr=1”."
        )
    page = re.sub(r"^[a-z]+://", "", address).partition("/")[2].rpartition("/")[2]
    if page not in _LAB_PATHS:
        raise CommandError(
            f"This is a link of the page “{page}”, not of the Lab: copy the address while the Lab "
            "is open."
        )
    return query
