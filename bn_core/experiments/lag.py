"""How far the running averages lag behind the net they describe (Wu & Johnson 2021)."""

from collections.abc import Mapping

import numpy as np

from bn_core.config import Config
from bn_core.datasets.digits import VALIDATION_DIGITS
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    Trainer,
    error_ratio,
    make_trainer,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.experiments.statistics import recomputed
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_MOMENTA = {"slow": 0.001, "usual": 0.1}
_EVERY = 10
_AT = 100
_MOST_RATIO = 1.5
_LEARNED = 0.8

SPEC = ExperimentSpec(
    slug="lag",
    title="The running averages lag behind",
    claim="The running averages describe the trained net well enough to deploy it.",
    source="Ioffe & Szegedy 2015 (1502.03167), Algorithm 2; doubted by Wu & Johnson 2021",
    claims=(13,),
    question="With momentum 0.001 (0.999 in Keras), how well does the net do after 100 steps?",
    answers=("As well as it trains", "A little worse", "Much worse"),
    method=(
        "A 5-layer ReLU net learns the digits, batch 32, rate 0.2, with momentum 0.1 and 0.001. "
        "Every ten steps it is evaluated twice on the same validation data: with its running "
        "averages, and with statistics recomputed from the training data for the weights of that "
        "moment (PreciseBN)."
    ),
    formula=r"gap = acc(\text{recomputed}) - acc(\text{running})",
    paper_found=(
        "Wu & Johnson found validation error noisy and worse early in training with the running "
        "average, and recommend recomputed statistics."
    ),
    disagreement=(
        "The lag is a matter of steps times momentum: after enough steps the gap closes. It is "
        "largest early, and while the weights still move fast."
    ),
    shards=tuple(_MOMENTA),
    link="depth=5&init=he&lr=0.2&batch=32&bnm=0.001&steps=300",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train with one momentum, evaluating both ways every ten steps."""
    config = Config(
        depth=5,
        initialization="he",
        normalization="batch",
        bn_momentum=_MOMENTA[name],
        learning_rate=0.2,
        batch_size=32,
        replicas=seeds,
        seed=first_seed,
    )
    steps = _AT if quick else 3 * _AT
    work = Shard(steps)
    words = f"momentum {_MOMENTA[name]:g}"
    yield from work.train(make_trainer(config), steps, words, every=_EVERY, measure=_accuracies)
    return work.complete()


def _accuracies(trainer: Trainer) -> dict[str, Array]:
    running = validation_accuracy(trainer)
    with recomputed(trainer):
        return {"running": running, "precise": validation_accuracy(trainer)}


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return both accuracies over the steps, and the gap at step 100."""
    curves, metrics = [], []
    for tone, name in enumerate(_MOMENTA):
        found, momentum = partials.get(name, {}), f"momentum {_MOMENTA[name]:g}"
        if "steps" not in found:
            continue
        curves.append(Curve(f"running, {momentum}", found["steps"], found["running"], tone=tone))
        if name == "slow":
            label = f"recomputed, {momentum}"
            curves.append(Curve(label, found["steps"], found["precise"], tone=2))
        if found.get("complete"):
            at = int(np.flatnonzero(found["steps"] == _AT)[0])
            precise, running = found["precise"][:, at], found["running"][:, at]
            words = f"at step {_AT}, {momentum}"
            metrics.append(Metric(name, f"Gap {words}", precise - running, ".2f"))
            ratio = error_ratio(running, precise, VALIDATION_DIGITS)
            metrics.append(Metric(f"{name}_ratio", f"Ratio of the errors {words}", ratio, ".2f"))
            metrics.append(Metric(f"{name}_precise", f"Recomputed {words}", precise, ".1%"))
    panel = Panel(
        "accuracy",
        "Validation accuracy with either kind of statistics",
        "step",
        "validation accuracy",
        tuple(curves),
        help="The weights are the same at each step; only the mean and variance that batch norm "
        "uses differ.",
        y_range=(0.0, 1.02),
    )
    return Result((panel,), tuple(metrics))


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            f"{name}_ratio",
            f"Errors at step {_AT} with the running averages over those with recomputed statistics",
            matters_from=_MOST_RATIO,
            why="Half as many errors again: more than new weights or batches change here.",
            direction="within",
            part=f"momentum {momentum:g}",
            form=".2f",
        )
        for name, momentum in _MOMENTA.items()
    ),
    controls=tuple(
        Control(
            f"{name}_precise",
            f"Accuracy with recomputed statistics at step {_AT}",
            at_least=_LEARNED,
            part=f"momentum {momentum:g}",
            form=".1%",
        )
        for name, momentum in _MOMENTA.items()
    ),
)
