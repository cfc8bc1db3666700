"""The experiments: one file each, one line here."""

from collections.abc import Mapping
from typing import Any

from bn_core.experiments import (
    adabn,
    batch_noise,
    dropout_shift,
    explode,
    figure1,
    final_accuracy,
    forgot_eval,
    gain,
    gradient_ics,
    heatmap,
    initialization_scale,
    lag,
    landscape,
    moments_by_depth,
    noisy,
    noniid,
    only_gamma_beta,
    placement,
    rate,
    scale_invariance,
    small_batches,
    vanishing,
)
from bn_core.experiments.base import Experiment, PartialResult
from bn_core.results import ExperimentSpec, Progress, Result, TaskGenerator, Verdict

EXPERIMENTS: Mapping[str, Experiment] = {
    one.about.slug: one
    for one in (
        initialization_scale.EXPERIMENT,
        rate.EXPERIMENT,
        figure1.EXPERIMENT,
        heatmap.EXPERIMENT,
        moments_by_depth.EXPERIMENT,
        vanishing.EXPERIMENT,
        explode.EXPERIMENT,
        gain.EXPERIMENT,
        placement.EXPERIMENT,
        gradient_ics.EXPERIMENT,
        noisy.EXPERIMENT,
        landscape.EXPERIMENT,
        lag.EXPERIMENT,
        forgot_eval.EXPERIMENT,
        small_batches.EXPERIMENT,
        noniid.EXPERIMENT,
        adabn.EXPERIMENT,
        batch_noise.EXPERIMENT,
        final_accuracy.EXPERIMENT,
        dropout_shift.EXPERIMENT,
        scale_invariance.EXPERIMENT,
        only_gamma_beta.EXPERIMENT,
    )
}
"""Every experiment by its slug, in the order in which a learner needs them."""


def catalogue() -> TaskGenerator:
    """Return what each experiment is, in order; a study, as all that a page asks a worker for."""
    yield Progress(0.0, "reading the list")
    return tuple(one.about for one in EXPERIMENTS.values())


def about(slug: str) -> ExperimentSpec:
    """Return what an experiment is. Errors: ``ValueError`` if there is none of that name."""
    return _experiment(slug).about


def part_of(slug: str, part: str, seeds: int, quick: bool) -> TaskGenerator:
    """Run one part of an experiment; its pieces are put together by ``concluded``."""
    experiment = _experiment(slug)
    if part not in experiment.about.parts:
        raise ValueError(f"The experiment {slug} has no part {part}.")
    if not 1 <= seeds <= 10:
        raise ValueError("An experiment runs with 1 to 10 seeds.")
    return (yield from experiment.part(part, seeds, quick))


def concluded(slug: str, pieces: Mapping[str, PartialResult]) -> TaskGenerator:
    """Return the finding, and the verdict if every part has ended."""
    yield Progress(0.0, "reading the numbers")
    experiment = _experiment(slug)
    whole = set(pieces) == set(experiment.about.parts)
    finding = experiment.conclude(pieces)
    whole = whole and all(piece.get("whole", False) for piece in pieces.values())
    return finding, experiment.judge(finding) if whole else None


def run(slug: str, *, seeds: int = 3, quick: bool = False) -> tuple[Result, Verdict]:
    """Run an experiment from start to end, in this process. Errors: ``ValueError``."""
    pieces = {}
    for part in about(slug).parts:
        pieces[part] = _ended(part_of(slug, part, seeds, quick))
    return _ended(concluded(slug, pieces))


def _ended(study: TaskGenerator) -> Any:
    while True:
        try:
            next(study)
        except StopIteration as stop:
            return stop.value


def _experiment(slug: str) -> Experiment:
    if slug not in EXPERIMENTS:
        raise ValueError(f"There is no experiment {slug}. There are: {', '.join(EXPERIMENTS)}.")
    return EXPERIMENTS[slug]
