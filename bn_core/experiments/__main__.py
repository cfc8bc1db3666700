"""Experiments without a browser: ``python -m bn_core.experiments [SLUG] [--seeds K] ...``."""

import argparse
import sys

import orjson

from bn_core.experiments import EXPERIMENTS, report, run
from bn_core.training import prepare_process


def main() -> int:
    """List the experiments, or run one and print its measures and verdict; 2 if it cannot run."""
    parser = argparse.ArgumentParser(prog="python -m bn_core.experiments", description=__doc__)
    parser.add_argument("slug", nargs="?", help="which experiment; without it they are listed")
    parser.add_argument("--seeds", type=int, default=3, help="1 to 10 seeds (3)")
    parser.add_argument("--first-seed", type=int, default=0, help="0 to 999999 (0)")
    parser.add_argument("--quick", action="store_true", help="a shorter run, which settles less")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    if asked.slug is None:
        for slug, experiment in EXPERIMENTS.items():
            print(f"{slug:20} {experiment.spec.claim}")
        return 0
    prepare_process()
    seeds = {"seeds": asked.seeds, "first_seed": asked.first_seed, "quick": asked.quick}
    try:
        result, verdict = run(asked.slug, **seeds)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if asked.json:
        body = report(asked.slug, result, verdict, **seeds)
        print(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
        return 0
    for metric in result.measures:
        print(f"{metric.label:50} {metric.words()}")
    print(f"{verdict.headline}. {verdict.words}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
