"""Experiments without a browser: ``python -m bn_core.experiments [SLUG] [--seeds N] [--json]``."""

import argparse
import sys

import orjson

from bn_core.experiments import EXPERIMENTS, run
from bn_core.results import VERDICT_WORDS
from bn_core.training import prepare_process


def main() -> int:
    """List the experiments, or run one and print its measures and verdict; 2 if it cannot run."""
    parser = argparse.ArgumentParser(prog="python -m bn_core.experiments", description=__doc__)
    parser.add_argument("slug", nargs="?", help="which experiment; without it they are listed")
    parser.add_argument("--seeds", type=int, default=3, help="1 to 10 seeds (3)")
    parser.add_argument("--quick", action="store_true", help="a shorter look")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    if asked.slug is None:
        for slug, experiment in EXPERIMENTS.items():
            print(f"{slug:20} {experiment.about.claim}")
        return 0
    prepare_process()
    try:
        finding, verdict = run(asked.slug, seeds=asked.seeds, quick=asked.quick)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if asked.json:
        body = {
            "experiment": asked.slug,
            "seeds": asked.seeds,
            "measures": {one.key: one.values.tolist() for one in finding.measures},
            "verdict": verdict.kind,
            "words": verdict.words,
        }
        print(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
        return 0
    for measure in finding.measures:
        print(f"{measure.label:50} {measure.words()}")
    print(f"{VERDICT_WORDS[verdict.kind]}. {verdict.words}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
