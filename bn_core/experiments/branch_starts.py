"""What batch norm does for a deep residual net: a small start of its branches, or more."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from bn_core.config import Config
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    Trainer,
    is_complete,
    make_trainer,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.nets.layers import BranchScale
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_DEPTH, _STEPS, _QUICK_STEPS = 20, 200, 100
_RATES, _QUICK_RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0), (0.1, 1.0)
_USUAL, _LARGE = 0.1, 1.0
_VARIANTS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "none": ("No norm", {}),
    "before": ("BN before", {"normalization": "batch"}),
    "fixed": ("No norm, fixed 1/sqrt(L)", {"branch_start": "skipinit"}),
    "skipinit": ("No norm, SkipInit", {"branch_start": "skipinit"}),
    "zero_gamma": ("BN, zero-gamma", {"normalization": "batch", "branch_start": "zero_gamma"}),
    "layer": ("Layer norm", {"normalization": "layer"}),
}
_COLOURED = ("none", "before", "layer")
_QUICK = ("none", "before", "skipinit")
_LEAST = 0.3
_LEARNED, _DEAD = 0.9, 0.5
_START, _RATE = "the start", "the large rate"

SPEC = ExperimentSpec(
    slug="skipinit",
    title="A residual net without batch norm",
    claim=(
        "In a deep residual net one learned number for each branch, 0 at first, takes batch "
        "norm's place at the usual rate, but not at ten times that rate."
    ),
    source="De & Smith 2020 (2002.10444), abstract; Goyal et al. 2017 (1706.02677), section 5.1",
    claims=(4,),
    question=(
        "SkipInit trains this residual net at rate 0.1 without batch norm. What does it do at "
        "rate 1?"
    ),
    answers=("As well as batch norm", "Somewhat worse", "It does not learn at all"),
    method=(
        "A residual ReLU MLP of 19 branches and 64 units, He's initial weights, learns digits for "
        "200 steps of 64 at rates from 0.01 to 3: as it is; with each branch multiplied by "
        "1/sqrt(L), L their number; by a learned alpha that begins at 0 (SkipInit); with batch "
        "norm in each branch, as usual or at its end with gamma 0 at first (zero-gamma); and with "
        "layer norm. Every branch is one linear map."
    ),
    formula=r"x_{l+1}=x_l+\alpha_l\,W_l\,a(x_l),\quad \alpha_l=0\ \text{(SkipInit)}\ \text{ or }\ "
    r"1/\sqrt{L};\qquad x_{l+1}=x_l+W_l\,a(\mathrm{BN}(x_l))",
    paper_found=(
        "De & Smith: at the start batch norm scales each branch down by about the root of the "
        "depth, so that blocks are near the identity; SkipInit does that without a norm, and "
        "trains deep residual nets. Larger rates are a benefit of their own, which pays in certain "
        "compute regimes only, and hardly with small batches. Goyal et al. begin with gamma 0 in "
        "the last norm of a branch to ease the start of training, above all with large batches."
    ),
    disagreement=(
        "Their branches have two or three layers each, and their nets are convolutional. Which "
        "rate is too large depends on depth, batch and initial weights: what carries over is "
        "the comparison of the nets at one rate."
    ),
    shards=tuple(_VARIANTS),
    link="arch=residual&depth=20&init=he&lr=0.1&steps=200"
    "&arms=none~none;branch:skipinit~before~before;branch:zero_gamma",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one kind of branch at every rate."""
    rates, steps = (_QUICK_RATES, _QUICK_STEPS) if quick else (_RATES, _STEPS)
    left_out = quick and name not in _QUICK
    work, (label, changes) = Shard(0 if left_out else len(rates) * steps), _VARIANTS[name]
    if left_out:
        return work.complete()
    accuracy = np.zeros((seeds, 0))
    for count, rate in enumerate(rates, start=1):
        config = Config(
            architecture="residual",
            depth=_DEPTH,
            initialization="he",
            learning_rate=rate,
            replicas=seeds,
            seed=first_seed,
        )
        trainer = make_trainer(config.changed(changes))
        if name == "fixed":
            fix_branches(trainer)
        yield from work.train(trainer, steps, f"{label} at rate {rate:g}")
        accuracy = np.column_stack([accuracy, validation_accuracy(trainer)])
        work.put(rates=np.array(rates[:count]), accuracy=accuracy)
    return work.complete()


def fix_branches(trainer: Trainer) -> None:
    """Multiply each of the L branches by 1 / sqrt(L), a number that does not learn."""
    scales = [module for module in trainer.net.modules() if isinstance(module, BranchScale)]
    for scale in scales:
        scale.alpha.requires_grad_(False)
        with torch.no_grad():
            scale.alpha.fill_(len(scales) ** -0.5)


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy by rate, and what the nets reach at the usual rate and at ten times it."""
    curves, metrics = [], []
    at: dict[tuple[str, float], Array] = {}
    for tone, (name, (label, _)) in enumerate(_VARIANTS.items()):
        found = partials.get(name, {})
        if "rates" in found:
            arm = name if name in _COLOURED else ""
            curves.append(
                Curve(label, found["rates"], found["accuracy"], arm=arm, tone=tone, kind="points")
            )
        if found.get("complete") and "rates" in found:
            for rate in (_USUAL, _LARGE):
                at[name, rate] = found["accuracy"][:, list(found["rates"]).index(rate)]
                words = f"{label}: accuracy at rate {rate:g}"
                metrics.append(Metric(_key(name, rate), words, at[name, rate], ".1%"))
    if is_complete(partials, SPEC.shards):
        metrics += _differences(at)
    panel = Panel(
        "accuracy",
        "Validation accuracy after training, by learning rate",
        "learning rate",
        "validation accuracy",
        tuple(curves),
        help="A net whose loss is no longer finite has accuracy 0; guessing has 0.1.",
        x_scale="log",
        y_range=(0.0, 1.02),
    )
    return Result((panel,), tuple(metrics))


def _key(name: str, rate: float) -> str:
    return f"{name}_{'usual' if rate == _USUAL else 'large'}"


def _differences(at: Mapping[tuple[str, float], Array]) -> list[Metric]:
    gained = at["skipinit", _USUAL] - at["none", _USUAL]
    lead = at["before", _LARGE] - at["skipinit", _LARGE]
    return [
        Metric("start", "SkipInit minus no norm, at rate 0.1", gained, ".3f"),
        Metric("rate", "Batch norm minus SkipInit, at rate 1", lead, ".3f"),
    ]


_WHY = "Three of ten digits more: the difference between a net that learns and one that does not."

EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "start",
            "Accuracy of SkipInit minus that of the plain residual net, at rate 0.1",
            matters_from=_LEAST,
            why=_WHY,
            scale="difference",
            part=_START,
            form=".3f",
        ),
        Effect(
            "rate",
            "Accuracy of batch norm minus that of SkipInit, at rate 1",
            matters_from=_LEAST,
            why=_WHY,
            scale="difference",
            part=_RATE,
            form=".3f",
        ),
    ),
    controls=(
        Control(
            "none_usual",
            "Accuracy of the plain net at rate 0.1",
            at_most=_DEAD,
            part=_START,
            form=".1%",
        ),
        Control(
            "before_usual",
            "Accuracy of batch norm at rate 0.1",
            at_least=_LEARNED,
            part=_START,
            form=".1%",
        ),
        Control(
            "skipinit_usual",
            "Accuracy of SkipInit at rate 0.1",
            at_least=_LEARNED,
            part=_RATE,
            form=".1%",
        ),
    ),
)
