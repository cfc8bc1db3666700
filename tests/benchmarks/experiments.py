"""How long each experiment takes, its parts side by side in both workers of a real pool.

Run as ``python -m tests.benchmarks.experiments [SLUG ...] [--quick]``, for all experiments or for
some. It fails if one takes longer than its aim, or does not come to a verdict.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from typing import Any

from bn_core.results import ExperimentSpec
from bn_core.service.pool import Pool
from bn_core.service.tasks import ComputationTask

SEEDS = 3
AIMS = {False: 60.0, True: 15.0}
"""Seconds that an experiment may take, by whether it is the quick look."""


@dataclass(frozen=True)
class Outcome:
    """How an experiment went: its seconds, its verdict or what went wrong, in words."""

    seconds: float
    words: str
    failed: bool = False


def awaited(studies: dict[str, ComputationTask]) -> dict[str, Any]:
    """Return the results of studies, seen all the while. Errors: ``RuntimeError`` if one fails."""
    while not all(study.done for study in studies.values()):
        for study in studies.values():
            study.wait(0.05)
    for name, study in studies.items():
        if study.failure:
            raise RuntimeError(f"{name}: {study.failure}")
    return {name: study.result for name, study in studies.items()}


def timed(pool: Pool, about: ExperimentSpec, quick: bool) -> Outcome:
    """Run one experiment's parts at once, then have its finding made, as a page does."""
    began = time.perf_counter()
    try:
        asked = {
            part: pool.submit(
                "experiment part",
                slug=about.slug,
                shard=part,
                seeds=SEEDS,
                first_seed=0,
                quick=quick,
            )
            for part in about.shards
        }
        pieces = awaited(asked)
        asked = {
            "finding": pool.submit(
                "experiment finding", slug=about.slug, partials=pieces, quick=quick
            )
        }
        _, verdict = awaited(asked)["finding"]
    except RuntimeError as error:
        return Outcome(time.perf_counter() - began, f"failed: {error}", failed=True)
    seconds = time.perf_counter() - began
    if verdict is None:
        return Outcome(seconds, "failed: it came to no verdict", failed=True)
    return Outcome(seconds, verdict.headline)


def chosen(pool: Pool, slugs: list[str]) -> list[ExperimentSpec]:
    """Return the experiments asked for, all without a choice. Errors: ``SystemExit``."""
    listed = {about.slug: about for about in awaited({"list": pool.submit("catalogue")})["list"]}
    unknown = [slug for slug in slugs if slug not in listed]
    if unknown:
        sys.exit(f"There is no experiment {', '.join(unknown)}. There are: {', '.join(listed)}.")
    return [listed[slug] for slug in slugs or listed]


def main() -> int:
    """Print a line for each experiment; return 1 if one misses its aim."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.experiments")
    parser.add_argument("slugs", nargs="*", metavar="SLUG", help="which experiments (all)")
    parser.add_argument("--quick", action="store_true", help="the shorter look")
    asked = parser.parse_args()
    aim, missed = AIMS[asked.quick], []
    pool = Pool(workers=2)
    pool.start()
    try:
        while len(pool.process_ids) < 2:
            time.sleep(0.05)
        print(f"{SEEDS} seeds, 2 workers{', quick' if asked.quick else ''}; aim {aim:.0f} s\n")
        print("experiment           | parts | seconds | verdict")
        for about in chosen(pool, asked.slugs):
            outcome = timed(pool, about, asked.quick)
            late = outcome.seconds > aim
            missed += [about.slug] if late or outcome.failed else []
            cells = f"{about.slug:20} | {len(about.shards):5} | {outcome.seconds:7.1f}"
            print(f"{cells} | {outcome.words}{' (too slow)' if late else ''}", flush=True)
    finally:
        pool.close()
    print(f"\nMissed: {', '.join(missed)}" if missed else "\nAll within the aim.")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
