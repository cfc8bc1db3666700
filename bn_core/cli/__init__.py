"""The command line: ``python -m bn_core SUBCOMMAND``. One file a subcommand, one line here."""

import os
import sys
from collections.abc import Sequence

from bn_core.cli import experiment, export, fetch, lessons, run, sweep
from bn_core.cli.command import FAILED, INTERRUPTED, REFUSED, CommandError, Parser, Subcommand

SUBCOMMANDS: tuple[Subcommand, ...] = (
    run.SUBCOMMAND,
    experiment.SUBCOMMAND,
    export.SUBCOMMAND,
    sweep.SUBCOMMAND,
    fetch.SUBCOMMAND,
    lessons.SUBCOMMAND,
)

_DESCRIPTION = (
    "Batch Norm Lab without a browser. Results are printed on stdout, everything else on stderr. "
    "Exit status: 0 completed, 2 not possible as asked, 130 ended by Ctrl+C."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute one subcommand and return its exit status; ``sys.argv`` without arguments."""
    try:
        asked = _parser().parse_args(arguments)
        return asked.execute(asked)
    except SystemExit as exit:
        return int(exit.code or 0)
    except CommandError as error:
        print(error, file=sys.stderr)
        return REFUSED
    except MemoryError:
        print("There was not enough memory: lower the width or the depth.", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("Ended before anything was measured.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of stdout is gone, as after "| head"; what is still buffered must go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _parser() -> Parser:
    parser = Parser(prog="python -m bn_core", description=_DESCRIPTION)
    choices = parser.add_subparsers(metavar="SUBCOMMAND", required=True)
    for subcommand in SUBCOMMANDS:
        chosen = choices.add_parser(
            subcommand.name, help=subcommand.summary, description=subcommand.summary
        )
        subcommand.add_arguments(chosen)
        chosen.set_defaults(execute=subcommand.execute)
    return parser
