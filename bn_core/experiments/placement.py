"""Batch norm before or after the activation, for three activations and three rates."""

from collections.abc import Mapping

import numpy as np

from bn_core.config import Config
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    Trainer,
    arm_config,
    arm_label,
    is_complete,
    make_trainer,
    steps_ratio,
    steps_to_reach,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_ACTIVATIONS = {
    "relu": ("ReLU", "he"),
    "tanh": ("tanh", "xavier"),
    "sigmoid": ("sigmoid", "xavier"),
}
_CLAIMED = {
    "relu": ("before", "after"),
    "tanh": ("after", "before"),
    "sigmoid": ("after", "before"),
}
"""For each activation the place that should be faster, and the other one."""
_RATES = (0.05, 0.1, 0.3)
_SHOWN = 0.1
"""The rate of the curves and of the steps in the table."""
_EVERY = 5
_LEVEL = 0.9
_LEAST_RATIO = 1.25
_ARMS = ("none", "before", "after")
_CASES = tuple((activation, rate) for activation in _ACTIVATIONS for rate in _RATES)

SPEC = ExperimentSpec(
    slug="placement",
    title="Before or after the activation",
    claim=(
        "Batch norm belongs before the activation, but behind it for sigmoidal functions such as "
        "tanh and the logistic function."
    ),
    source=(
        "Ioffe & Szegedy 2015 (1502.03167), section 3.2, for before; doubted by Mishkin's "
        "caffenet-benchmark (Mishkin et al. 2016, 1606.02228); advice by activation is of textbooks"
    ),
    claims=(12,),
    question="Which net reaches 90 % sooner?",
    answers=("Before, for all three", "After, for all three", "It differs, and by little"),
    method=(
        "Nets of 4 hidden layers with ReLU, tanh or sigmoid (He's initial weights for ReLU, "
        "Xavier's for the others) learn the digits for 200 steps at three rates, with batch norm "
        "before the activation, after it and without. Counted are the steps to 90 % validation "
        "accuracy, measured every five steps, averaged over the rates as a ratio of the two "
        "places; a net that never gets there counts as the worst."
    ),
    formula=r"T_{90} = \min\{t : acc_{validation}(t) \ge 0.9\}",
    paper_found=(
        "The first paper put the norm before the activation. On CaffeNet and ImageNet Mishkin "
        "measured an accuracy of 0.471 without, 0.474 before and 0.499 after the ReLU."
    ),
    disagreement=(
        "Contested: how far apart the two places are changes with the activation, the rate, the "
        "initial weights and the seed, so this run settles nothing for other nets. Before the "
        "activation gamma and beta say which part of it is used; after it, its output is centred "
        "for the next layer."
    ),
    shards=_ARMS,
    link="depth=4&act=sigmoid&init=xavier&lr=0.1&steps=200&arms=none-before-after",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one placement with every activation at every rate."""
    steps = 60 if quick else 200
    work = Shard(len(_CASES) * steps)
    for activation, rate in _CASES:
        label, initialization = _ACTIVATIONS[activation]
        base = Config(
            depth=4,
            activation=activation,
            initialization=initialization,
            learning_rate=rate,
            replicas=seeds,
            seed=first_seed,
        )
        yield from work.train(
            make_trainer(arm_config(name, base)),
            steps,
            f"{arm_label(name)}, {label}, rate {rate:g}",
            every=_EVERY,
            measure=_accuracy,
            prefix=_key(activation, rate),
        )
    return work.complete()


def _accuracy(trainer: Trainer) -> dict[str, Array]:
    return {"accuracy": validation_accuracy(trainer)}


def _key(activation: str, rate: float) -> str:
    return f"{activation}_{rate:g}_"


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return the accuracy of each placement, the steps to 90 % and the accuracy in the end."""
    done = {name: partials[name] for name in _ARMS if is_complete(partials, [name])}
    needed = {name: _steps_needed(found) for name, found in done.items()}
    final = {name: _final(found) for name, found in done.items()}
    drawn = {name: np.minimum(needed[name], _budget(found)) for name, found in done.items()}
    panels = [_curves(partials, activation) for activation in _ACTIVATIONS]
    panels += [
        _comparison("needed", "Steps to 90 %", "steps", drawn),
        _comparison("final", "Accuracy in the end", "validation accuracy", final),
    ]
    metrics = [one for name in done for one in _metrics(name, needed[name], final[name])]
    if is_complete(partials, _ARMS):
        metrics += _ratios(needed, _budget(done["none"]))
        best = np.max([table.max(axis=1) for table in final.values()], axis=0)
        metrics.append(Metric("best", "Best accuracy of all", best, ".1%"))
    return Result(tuple(panels), tuple(metrics))


def _budget(found: PartialResult) -> int:
    return int(found[f"{_key(*_CASES[0])}steps"][-1])


def _steps_needed(found: PartialResult) -> Array:
    """Return the steps to 90 % of each case, (R, cases); inf where it was not reached."""
    reached = [
        steps_to_reach(_LEVEL, found[f"{key}steps"], found[f"{key}accuracy"])
        for key in (_key(*case) for case in _CASES)
    ]
    return np.stack(reached, axis=1)


def _final(found: PartialResult) -> Array:
    return np.stack([found[f"{_key(*case)}accuracy"][:, -1] for case in _CASES], axis=1)


def _metrics(name: str, needed: Array, final: Array) -> list[Metric]:
    metrics = []
    for activation, (label, _) in _ACTIVATIONS.items():
        at, words = _CASES.index((activation, _SHOWN)), f"{label}, {arm_label(name)}"
        key, steps = f"{activation}_{name}", needed[:, at]
        metrics += [
            Metric(f"steps_{key}", f"Steps to 90 %, {words}", steps, ".0f", "never"),
            Metric(f"final_{key}", f"Accuracy, {words}", final[:, at], ".3f"),
        ]
    return metrics


def _ratios(needed: Mapping[str, Array], budget: int) -> list[Metric]:
    """Return by activation how many times sooner the claimed place gets there.

    The geometric mean over the rates; 0 if the claimed place fails at any rate.
    """
    metrics = []
    for activation, (faster, slower) in _CLAIMED.items():
        at = [_CASES.index((activation, rate)) for rate in _RATES]
        ratios = steps_ratio(needed[slower][:, at], needed[faster][:, at], budget)
        label = f"{_ACTIVATIONS[activation][0]}: steps {slower} over steps {faster}"
        metrics.append(Metric(f"ratio_{activation}", label, ratios.prod(1) ** (1 / len(at)), ".2f"))
    return metrics


def _curves(partials: Mapping[str, PartialResult], activation: str) -> Panel:
    key, label = _key(activation, _SHOWN), _ACTIVATIONS[activation][0]
    curves = [
        Curve(arm_label(name), found[f"{key}steps"], found[f"{key}accuracy"], arm=name)
        for name, found in partials.items()
        if f"{key}steps" in found
    ]
    return Panel(
        activation,
        f"{label}, rate {_SHOWN:g}",
        "step",
        "validation accuracy",
        tuple(curves),
        help="The three nets start from the same weights and see the same batches.",
        y_range=(0.0, 1.02),
    )


def _comparison(id: str, title: str, y_label: str, tables: Mapping[str, Array]) -> Panel:
    x = np.arange(len(_CASES), dtype=float)
    shift: dict[str, float] = dict(zip(_ARMS, (-0.15, 0.0, 0.15), strict=True))
    curves = [
        Curve(arm_label(name), x + shift[name], table, arm=name, kind="points")
        for name, table in tables.items()
    ]
    return Panel(
        id,
        title,
        "activation and rate",
        y_label,
        tuple(curves),
        help="Points are medians over the seeds, bars the range. A net that did not reach 90 % "
        "stands at the number of steps it was trained for.",
        categories=tuple(f"{_ACTIVATIONS[a][0]} {rate:g}" for a, rate in _CASES),
    )


def _remarks(result: Result) -> str:
    steps = "; ".join(
        f"{label} {result[f'steps_{activation}_before'].words()} before and "
        f"{result[f'steps_{activation}_after'].words()} after"
        for activation, (label, _) in _ACTIVATIONS.items()
    )
    return f"Contested. Steps to 90 % at rate {_SHOWN:g}: {steps}."


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            f"ratio_{activation}",
            f"Steps to 90 % {slower} the activation over steps {faster} it",
            matters_from=_LEAST_RATIO,
            why="A quarter more steps: less is one or two of the measurements, five steps apart.",
            part=_ACTIVATIONS[activation][0],
            form=".2f",
            lost="never reached 90 % with the place claimed",
        )
        for activation, (faster, slower) in _CLAIMED.items()
    ),
    controls=(Control("best", "Accuracy of the best net of all", at_least=_LEVEL, form=".1%"),),
    remarks=_remarks,
)
