"""The experiments: one file each, one line here."""

from collections.abc import Mapping
from typing import Any

from bn_core.experiments import (
    accumulation,
    adabn,
    batch_noise,
    branch_starts,
    confound,
    convolution,
    coordinated_updates,
    dropout_shift,
    edge_of_stability,
    effective_rate,
    explode,
    figure1,
    final_accuracy,
    fine_tuning,
    forgot_eval,
    gain,
    gamma_and_beta,
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
    random_grid,
    rank_collapse,
    rate,
    raw_inputs,
    recurrent,
    relatives,
    robustness,
    scale_invariance,
    small_batches,
    vanishing,
    whitening,
    wrong_labels,
)
from bn_core.experiments.base import Experiment, PartialResult, is_complete
from bn_core.results import (
    LAST_FIRST_SEED,
    MOST_SEEDS,
    ExperimentSpec,
    Progress,
    Result,
    TaskGenerator,
    Verdict,
)

EXPERIMENTS: Mapping[str, Experiment] = {
    experiment.spec.slug: experiment
    for experiment in (
        initialization_scale.EXPERIMENT,
        rate.EXPERIMENT,
        relatives.EXPERIMENT,
        branch_starts.EXPERIMENT,
        random_grid.EXPERIMENT,
        figure1.EXPERIMENT,
        confound.EXPERIMENT,
        heatmap.EXPERIMENT,
        moments_by_depth.EXPERIMENT,
        rank_collapse.EXPERIMENT,
        vanishing.EXPERIMENT,
        explode.EXPERIMENT,
        gain.EXPERIMENT,
        placement.EXPERIMENT,
        gradient_ics.EXPERIMENT,
        noisy.EXPERIMENT,
        landscape.EXPERIMENT,
        coordinated_updates.EXPERIMENT,
        edge_of_stability.EXPERIMENT,
        lag.EXPERIMENT,
        forgot_eval.EXPERIMENT,
        small_batches.EXPERIMENT,
        convolution.EXPERIMENT,
        accumulation.EXPERIMENT,
        noniid.EXPERIMENT,
        adabn.EXPERIMENT,
        fine_tuning.EXPERIMENT,
        recurrent.EXPERIMENT,
        batch_noise.EXPERIMENT,
        wrong_labels.EXPERIMENT,
        robustness.EXPERIMENT,
        final_accuracy.EXPERIMENT,
        dropout_shift.EXPERIMENT,
        scale_invariance.EXPERIMENT,
        effective_rate.EXPERIMENT,
        only_gamma_beta.EXPERIMENT,
        gamma_and_beta.EXPERIMENT,
        whitening.EXPERIMENT,
        raw_inputs.EXPERIMENT,
    )
}
"""Every experiment by its slug, in the order in which a learner needs them."""


def catalogue() -> TaskGenerator:
    """Return the spec of each experiment, in order, as a task that a page asks a worker for."""
    yield Progress(0.0, "reading the list")
    return tuple(experiment.spec for experiment in EXPERIMENTS.values())


def spec_of(slug: str) -> ExperimentSpec:
    """Return what an experiment is. Errors: ``ValueError`` if there is none of that name."""
    return _experiment(slug).spec


def shard_of(slug: str, shard: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Run one shard of an experiment on the seeds first_seed, first_seed + 1, ...

    Errors: ``ValueError`` for an unknown name, or for seeds out of bounds.
    """
    experiment = _experiment(slug)
    if shard not in experiment.spec.shards:
        raise ValueError(f"The experiment {slug} has no shard {shard}.")
    _check_seeds(seeds, first_seed)
    return (yield from experiment.shard(shard, seeds, first_seed, quick))


def _check_seeds(seeds: int, first_seed: int) -> None:
    if not 1 <= seeds <= MOST_SEEDS:
        raise ValueError(f"An experiment runs with 1 to {MOST_SEEDS} seeds.")
    if not 0 <= first_seed <= LAST_FIRST_SEED:
        raise ValueError(f"The first seed goes from 0 to {LAST_FIRST_SEED}.")


def summarized(
    slug: str, partials: Mapping[str, PartialResult], quick: bool = False
) -> TaskGenerator:
    """Return the result of the shards there are, and the verdict once all are complete."""
    yield Progress(0.0, "reading the numbers")
    experiment = _experiment(slug)
    result = experiment.summarize(partials)
    ended = is_complete(partials, experiment.spec.shards)
    return result, experiment.decide(result, quick=quick) if ended else None


def run(
    slug: str, *, seeds: int = 3, first_seed: int = 0, quick: bool = False
) -> tuple[Result, Verdict]:
    """Run an experiment from start to end, in this process. Errors: ``ValueError``."""
    partials = {
        shard: _ended(shard_of(slug, shard, seeds, first_seed, quick))
        for shard in spec_of(slug).shards
    }
    return _ended(summarized(slug, partials, quick))


def report(
    slug: str, result: Result, verdict: Verdict, *, seeds: int, first_seed: int, quick: bool
) -> dict[str, Any]:
    """Return all that a run of an experiment has found as plain values, for machines."""
    return {
        "experiment": slug,
        "seeds": seeds,
        "first_seed": first_seed,
        "quick": quick,
        "metrics": {metric.key: metric.values.tolist() for metric in result.metrics},
        "verdict": verdict.kind,
        "settled": verdict.settled,
        "words": verdict.words,
        "effects": verdict.as_list(),
    }


def _ended(task: TaskGenerator) -> Any:
    while True:
        try:
            next(task)
        except StopIteration as stop:
            return stop.value


def _experiment(slug: str) -> Experiment:
    if slug not in EXPERIMENTS:
        raise ValueError(f"There is no experiment {slug}. There are: {', '.join(EXPERIMENTS)}.")
    return EXPERIMENTS[slug]
