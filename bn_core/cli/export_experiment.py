"""The report of an experiment from a link of its page: run as the page would, then written."""

import argparse
from collections.abc import Mapping

from bn_core.cli.command import CommandError
from bn_core.cli.experiment import run_with_progress
from bn_core.cli.experiment_list import listed_experiments
from bn_core.export.report_experiment import ExperimentRequest, report_of_experiment
from bn_core.results import LAST_FIRST_SEED, MOST_SEEDS


def experiment_report(choices: Mapping[str, str], link: str) -> tuple[bytes, bool]:
    """Return the report of the experiment that a link chooses, and whether it came to its end.

    After Ctrl+C it holds the numbers known by then. Errors: ``CommandError``.
    """
    known = listed_experiments()
    slug = choices.get("experiment", next(iter(known)))
    if slug not in known:
        raise CommandError(f"There is no experiment “{slug[:40]}”; there are: {', '.join(known)}.")
    asked = argparse.Namespace(
        slug=slug,
        seeds=_whole(choices, "seeds", 3, 1, MOST_SEEDS),
        first_seed=_whole(choices, "first_seed", 0, 0, LAST_FIRST_SEED),
        quick=choices.get("quick") == "on",
    )
    from bn_core import experiments  # torch takes seconds to import
    from bn_core.training import prepare_process

    prepare_process()
    result, verdict = run_with_progress(asked)
    spec = experiments.spec_of(slug)
    chosen = (asked.seeds, asked.first_seed, asked.quick)
    number = _whole(choices, f"prediction_{slug}", 0, 0, len(spec.answers))
    prediction = spec.answers[number - 1] if number else ""
    request = ExperimentRequest(spec, result, verdict, *chosen, link, prediction)
    return report_of_experiment(request), verdict is not None


def _whole(choices: Mapping[str, str], name: str, usual: int, low: int, high: int) -> int:
    text = choices.get(name, str(usual))
    if not text.isascii() or not text.isdigit() or not low <= int(text[:9]) <= high:
        raise CommandError(f"“{name}” in the link is no whole number from {low} to {high}.")
    return int(text[:9])
