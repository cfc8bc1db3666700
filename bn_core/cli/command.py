"""What every subcommand is made of: a name, its arguments, what it does, and how it refuses."""

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import orjson

COMPLETED, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses. 130 is what shells report of a command that Ctrl+C has ended."""


class CommandError(ValueError):
    """What was asked for cannot be done; the message is one sentence that says what can."""


@dataclass(frozen=True)
class Subcommand:
    """One subcommand: ``execute`` prints results on stdout and returns the exit status."""

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    execute: Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """An argument parser that refuses in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Print the sentence on stderr and exit with status 2."""
        sentence = message[0].upper() + message[1:].rstrip(".")
        self.exit(REFUSED, f"{sentence}. Try: {self.prog} --help\n")


def print_json(body: dict[str, Any]) -> None:
    """Print an object as indented JSON on stdout."""
    sys.stdout.write(orjson.dumps(_spelled(body), option=orjson.OPT_INDENT_2).decode() + "\n")


def _spelled(value: Any) -> Any:
    """Return plain values with "inf", "-inf" and "nan" for what JSON has no number for.

    A seed that never arrived is infinite; as null it could not be told from one not measured.
    """
    match value:
        case dict():
            return {key: _spelled(item) for key, item in value.items()}
        case list() | tuple():
            return [_spelled(item) for item in value]
        case np.ndarray() | np.generic():
            return _spelled(value.tolist())
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value
