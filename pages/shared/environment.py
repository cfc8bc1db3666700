"""The environment variables of the server: read once, and refused with a sentence."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bn_core.classroom.classes import LETTERS
from bn_core.datasets.published import VARIABLE

_MOST_WORKERS = 256
_MOST_PLACES = 100_000
_HOST = re.compile(r"\*|(\*\.)?[\w-]+(\.[\w-]+)*\.?|\[?[0-9a-f:]*:[0-9a-f:.]*\]?", re.A | re.I)
_ORIGIN = re.compile(r"https?://(\*\.)?[A-Za-z0-9_.-]+(:\d{1,5})?")


class EnvironmentProblem(ValueError):
    """A variable that cannot be used; the message names it and says what to set."""


@dataclass(frozen=True)
class Environment:
    """What the environment variables of the server ask for."""

    workers: int = 2
    """BN_LAB_WORKERS: the number of worker processes."""
    places: int = 64
    """BN_LAB_PLACES: the number of training runs at the same time."""
    hosts: tuple[str, ...] = ()
    """BN_LAB_HOSTS: names under which the server is reached, beside its own."""
    embed_origins: tuple[str, ...] = ()
    """BN_LAB_EMBED_ORIGINS: origins whose pages may show the app in a frame."""
    data: Path | None = None
    """BN_LAB_DATA: the folder of published data sets."""
    replica: str = ""
    """BN_LAB_REPLICA: the letter with which this replica's class codes begin; empty if alone."""


def read(variables: Mapping[str, str] | None = None) -> Environment:
    """Return what the variables ask for. Errors: ``EnvironmentProblem``."""
    given = os.environ if variables is None else variables
    return Environment(
        workers=_whole(given, "BN_LAB_WORKERS", Environment.workers, _MOST_WORKERS),
        places=_whole(given, "BN_LAB_PLACES", Environment.places, _MOST_PLACES),
        hosts=_words(given, "BN_LAB_HOSTS", _HOST, "host names such as lab.example.org"),
        embed_origins=_words(
            given, "BN_LAB_EMBED_ORIGINS", _ORIGIN, "origins such as https://courses.example.org"
        ),
        data=_folder(given, VARIABLE),
        replica=_letter(given, "BN_LAB_REPLICA"),
    )


def read_or_exit() -> Environment:
    """Return what the variables ask for; on a mistake write a sentence and exit with status 2."""
    try:
        return read()
    except EnvironmentProblem as problem:
        print(problem, file=sys.stderr, flush=True)
        sys.exit(2)


def _whole(given: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = given.get(name, "").strip()
    if not text:
        return default
    is_whole = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not is_whole or not 1 <= int(text) <= most:
        raise EnvironmentProblem(f"Set {name} to a whole number from 1 to {most}, or leave it out.")
    return int(text)


def _folder(given: Mapping[str, str], name: str) -> Path | None:
    text = given.get(name, "").strip()
    if text and not Path(text).is_dir():
        raise EnvironmentProblem(f"Set {name} to a folder that is there, or leave it out.")
    return Path(text) if text else None


def _letter(given: Mapping[str, str], name: str) -> str:
    text = given.get(name, "").strip().upper()
    if len(text) > 1 or text not in LETTERS:
        letters = f"{', '.join(LETTERS[:-1])} or {LETTERS[-1]}"
        raise EnvironmentProblem(f"Set {name} to {letters}, another for each, or leave it out.")
    return text


def _words(
    given: Mapping[str, str], name: str, form: re.Pattern[str], example: str
) -> tuple[str, ...]:
    words = tuple(word.strip() for word in given.get(name, "").split(",") if word.strip())
    if not all(form.fullmatch(word) for word in words):
        raise EnvironmentProblem(f"Set {name} to {example}, separated by commas, or leave it out.")
    return words
