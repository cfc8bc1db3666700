"""``experiment [SLUG]``: list the experiments, or run one and print its numbers and verdict."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from bn_core.cli.command import COMPLETED, INTERRUPTED, CommandError, Subcommand, print_json
from bn_core.cli.experiment_list import listed_experiments
from bn_core.cli.progress import ProgressBar
from bn_core.results import (
    LAST_FIRST_SEED,
    MOST_SEEDS,
    Progress,
    Result,
    TaskGenerator,
    Verdict,
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slug", metavar="SLUG", nargs="?", help="without it they are listed")
    seeds = f"1 to {MOST_SEEDS} seeds (3)"
    parser.add_argument("--seeds", metavar="K", type=_whole(1, MOST_SEEDS), default=3, help=seeds)
    parser.add_argument(
        "--first-seed",
        metavar="S",
        type=_whole(0, LAST_FIRST_SEED),
        default=0,
        help="the first of the seeds (0): the others follow it",
    )
    parser.add_argument("--quick", action="store_true", help="a shorter run, which settles less")
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
    known = listed_experiments()
    if asked.slug not in known:
        raise CommandError(f"There is no experiment {asked.slug}; there are: {', '.join(known)}.")
    from bn_core.training import prepare_process  # torch takes seconds to import

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
    claims = listed_experiments()
    if as_json:
        found = [{"slug": slug, "claim": claim} for slug, claim in claims.items()]
        print_json({"experiments": found})
        return
    for slug, claim in claims.items():
        print(f"{slug:20} {claim}")


def run_with_progress(asked: argparse.Namespace) -> tuple[Result, Verdict | None]:
    """Return result and verdict; after Ctrl+C what is known by then, and no verdict."""
    from bn_core import experiments

    shards = experiments.spec_of(asked.slug).shards
    partials: dict[str, Any] = {}
    interrupted = False
    with ProgressBar() as bar:
        try:
            for index, shard in enumerate(shards):

                def note(news: Progress, index: int = index, shard: str = shard) -> None:
                    if news.partial is not None:
                        partials[shard] = news.partial
                    bar.show((index + news.share) / len(shards), news.words)

                task = experiments.shard_of(
                    asked.slug, shard, asked.seeds, asked.first_seed, asked.quick
                )
                partials[shard] = _completed(task, note)
        except KeyboardInterrupt:
            if not partials:
                raise
            interrupted = True
        summary = experiments.summarized(asked.slug, partials, asked.quick)
        result, verdict = _completed(summary, lambda _: None)
    if interrupted:
        known = (
            "these numbers are of what was done by then"
            if result.metrics
            else "no number was complete"
        )
        print(f"Ended by Ctrl+C: {known}.", file=sys.stderr)
    return result, verdict


def _completed(task: TaskGenerator, note: Callable[[Progress], None]) -> Any:
    while True:
        try:
            note(next(task))
        except StopIteration as stop:
            return stop.value


def text(result: Result, verdict: Verdict | None) -> str:
    """Return one line a number, and the verdict."""
    lines = [f"{metric.label:50} {metric.words()}" for metric in result.metrics]
    if verdict is not None:
        lines.append(f"{verdict.headline}. {verdict.words}")
    return "\n".join(lines)


def body(asked: argparse.Namespace, result: Result, verdict: Verdict | None) -> dict[str, Any]:
    """Return the report of a completed run; of one that was ended early the numbers so far."""
    chosen = {"seeds": asked.seeds, "first_seed": asked.first_seed, "quick": asked.quick}
    if verdict is not None:
        from bn_core import experiments

        return experiments.report(asked.slug, result, verdict, **chosen)
    numbers = {metric.key: metric.values.tolist() for metric in result.metrics}
    return {"experiment": asked.slug, **chosen, "metrics": numbers, "verdict": None}
