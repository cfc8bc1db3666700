"""What every subcommand is made of: a name, its arguments, what it does, and how it refuses."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

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
    """Print an object as indented JSON on stdout; NaN and infinity become null."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
    sys.stdout.write(orjson.dumps(body, option=options).decode() + "\n")
