"""``experiment [SLUG]``: list the experiments, or run one and print its numbers and verdict."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from bn_core import experiments
from bn_core.cli.command import COMPLETED, INTERRUPTED, CommandError, Subcommand, print_json
from bn_core.cli.progress import ProgressBar
from bn_core.results import VERDICT_WORDS, Progress, Result, TaskGenerator, Verdict
from bn_core.training import prepare_process

HIGHEST_SEED = 999_999


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slug", metavar="SLUG", nargs="?", help="without it they are listed")
    parser.add_argument("--seeds", type=_whole(1, 10), default=3, help="1 to 10 seeds (3)")
    parser.add_argument(
        "--first-seed",
        type=_whole(0, HIGHEST_SEED),
        default=0,
        help="the first of the seeds (0): the others follow it",
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")
        return int(text)

    return read


def _execute(asked: argparse.Namespace) -> int:
    if asked.slug is None:
        _list(asked.json)
        return COMPLETED
    if asked.slug not in experiments.EXPERIMENTS:
        known = ", ".join(experiments.EXPERIMENTS)
        raise CommandError(f"There is no experiment {asked.slug}; there are: {known}.")
    prepare_process()
    try:
        result, verdict = run_with_progress(asked)
    except ValueError as error:
        raise CommandError(str(error)) from error
    if asked.json:
        print_json(body(asked, result, verdict))
    else:
        print(text(result, verdict))
    return INTERRUPTED if verdict is None else COMPLETED


SUBCOMMAND = Subcommand(
    "experiment", "Run one experiment and print its numbers and verdict.", _add_arguments, _execute
)


def _list(as_json: bool) -> None:
    specs = [experiment.about for experiment in experiments.EXPERIMENTS.values()]
    if as_json:
        print_json({"experiments": [{"slug": one.slug, "claim": one.claim} for one in specs]})
        return
    for spec in specs:
        print(f"{spec.slug:20} {spec.claim}")


def run_with_progress(asked: argparse.Namespace) -> tuple[Result, Verdict | None]:
    """Return result and verdict; after Ctrl+C what is known by then, and no verdict."""
    parts = experiments.about(asked.slug).parts
    pieces: dict[str, Any] = {}
    with ProgressBar() as bar:
        try:
            for index, part in enumerate(parts):

                def note(news: Progress, index: int = index, part: str = part) -> None:
                    if news.partial is not None:
                        pieces[part] = news.partial
                    bar.show((index + news.share) / len(parts), news.words)

                pieces[part] = _completed(_part(asked, part), note)
        except KeyboardInterrupt:
            if not pieces:
                raise
            print("Ended by Ctrl+C: these numbers are of what was done by then.", file=sys.stderr)
        return _completed(experiments.concluded(asked.slug, pieces), lambda _: None)


def _part(asked: argparse.Namespace, part: str) -> TaskGenerator:
    chosen = {"first_seed": asked.first_seed} if asked.first_seed else {}
    return experiments.part_of(asked.slug, part, seeds=asked.seeds, quick=asked.quick, **chosen)


def _completed(task: TaskGenerator, note: Callable[[Progress], None]) -> Any:
    while True:
        try:
            note(next(task))
        except StopIteration as stop:
            return stop.value


def text(result: Result, verdict: Verdict | None) -> str:
    """Return one line a number, and the verdict."""
    lines = [f"{metric.label:50} {metric.words()}" for metric in result.measures]
    if verdict is not None:
        lines.append(f"{VERDICT_WORDS[verdict.kind]}. {verdict.words}")
    return "\n".join(lines)


def body(asked: argparse.Namespace, result: Result, verdict: Verdict | None) -> dict[str, Any]:
    """Return the numbers of every seed and the verdict, null if the run was ended early."""
    return {
        "experiment": asked.slug,
        "seeds": asked.seeds,
        "first_seed": asked.first_seed,
        "quick": asked.quick,
        "measures": {metric.key: metric.values.tolist() for metric in result.measures},
        "verdict": verdict.kind if verdict else None,
        "words": verdict.words if verdict else None,
    }
