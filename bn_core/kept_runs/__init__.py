"""Summaries of finished runs, small enough to be kept in a visitor's browser."""

from bn_core.kept_runs.run import (
    LONGEST_NOTE,
    LONGEST_TITLE,
    MOST_ARMS,
    MOST_NAMED,
    MOST_POINTS,
    MOST_RUNS,
    KeptArm,
    KeptRun,
    Spread,
    clean,
    differing_settings,
    link_of,
    names_among,
    settings_that_differ,
)
from bn_core.kept_runs.summary import summarize
from bn_core.kept_runs.table import to_csv
from bn_core.kept_runs.text import (
    LONGEST_FILE,
    LONGEST_RUN,
    KeptRunError,
    parse,
    parse_file,
    serialize,
    serialize_file,
)

__all__ = [
    "LONGEST_FILE",
    "LONGEST_NOTE",
    "LONGEST_RUN",
    "LONGEST_TITLE",
    "MOST_ARMS",
    "MOST_NAMED",
    "MOST_POINTS",
    "MOST_RUNS",
    "KeptArm",
    "KeptRun",
    "KeptRunError",
    "Spread",
    "clean",
    "differing_settings",
    "link_of",
    "names_among",
    "parse",
    "parse_file",
    "serialize",
    "serialize_file",
    "settings_that_differ",
    "summarize",
    "to_csv",
]
