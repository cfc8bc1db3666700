"""Batch norm with gamma and beta, with one of them, and with neither, by activation."""

from collections.abc import Mapping

import numpy as np

from bn_core.config import Config
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    Trainer,
    make_trainer,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_STEPS, _QUICK_STEPS, _EVERY = 2000, 1000, 50
_VARIANTS = {
    "both": ("γ and β", {}),
    "gamma": ("γ only", {"bn_shift": False}),
    "beta": ("β only", {"bn_scale": False}),
    "neither": ("neither", {"bn_scale": False, "bn_shift": False}),
}
_ACTIVATIONS = {"tanh": "tanh", "sigmoid": "sigmoid", "relu": "ReLU"}
_COLOURS = {"both": "before", "gamma": "neutral-1", "beta": "neutral-2", "neither": "neutral-3"}

SPEC = ExperimentSpec(
    slug="gamma",
    title="Gamma and beta, one at a time",
    claim="Batch norm needs its gamma and beta in front of S-shaped functions.",
    source="Ioffe & Szegedy 2015 (1502.03167), section 3, on the sigmoid",
    claims=(),
    question="Two spirals, two layers of 24 tanh units with batch norm. What does leaving out both "
    "γ and β cost?",
    answers=("Less than 5 points", "5 to 15 points", "More than 15 points"),
    method=(
        "Nets of two layers of 24 units with batch norm before the activation separate two "
        "spirals, 400 points to learn from and 200 held out, by SGD at rate 0.3 and He's initial "
        "weights, in 2,000 steps. Each has γ and β, one of the two, or neither; the activation is "
        "tanh, sigmoid or ReLU."
    ),
    formula=r"y = \gamma \hat x + \beta, \qquad \gamma = 1 \text{ or } \beta = 0 \text{ fixed}, "
    r"\qquad \mathrm{ReLU}(\gamma \hat x) = \gamma\, \mathrm{ReLU}(\hat x)",
    paper_found=(
        "The authors added γ and β because inputs normalized to spread 1 would keep a sigmoid in "
        "its nearly straight part; they did not measure nets without."
    ),
    disagreement=(
        "The task is chosen so that bent functions are needed: on the digits the four nets hardly "
        "differ. In front of ReLU the next weights can take γ over, in front of tanh they cannot."
    ),
    shards=tuple(_ACTIVATIONS),
    link="data=spirals&depth=2&width=24&act=tanh&init=he&lr=0.3&steps=2000"
    "&arms=before~before;gamma:off;beta:off",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train the four variants with one activation, evaluated every 50 steps."""
    steps = _QUICK_STEPS if quick else _STEPS
    work = Shard(steps * len(_VARIANTS))
    base = Config(
        data="spirals",
        depth=2,
        width=24,
        activation=name,
        initialization="he",
        normalization="batch",
        learning_rate=0.3,
        steps=steps,
        replicas=seeds,
        seed=first_seed,
    )
    for variant, (words, changes) in _VARIANTS.items():
        trainer = make_trainer(base.changed(changes))
        yield from work.train(
            trainer, steps, f"{_ACTIVATIONS[name]}, {words}", every=_EVERY, measure=_accuracy,
            prefix=f"{variant}_",
        )  # fmt: skip
    return work.complete()


def _accuracy(trainer: Trainer) -> dict[str, Array]:
    return {"accuracy": validation_accuracy(trainer)}


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the steps by activation and variant, and what leaving out costs."""
    panels, metrics = [], []
    for name, found in partials.items():
        variants = [one for one in _VARIANTS if f"{one}_accuracy" in found]
        panels.append(_panel(name, found, variants))
        if not found.get("complete"):
            continue
        ends = {one: found[f"{one}_accuracy"][:, -1] for one in _VARIANTS}
        for one, (words, _) in _VARIANTS.items():
            label = f"Accuracy, {_ACTIVATIONS[name]}, {words}"
            metrics.append(Metric(f"{name}_{one}", label, ends[one], ".1%"))
        cost = ends["both"] - ends["neither"]
        words = f"{_ACTIVATIONS[name]}: γ and β minus neither"
        metrics.append(Metric(f"{name}_cost", words, cost, ".3f"))
    return Result(tuple(panels), tuple(metrics))


def _panel(name: str, found: PartialResult, variants: list[str]) -> Panel:
    curves = tuple(
        Curve(
            _VARIANTS[one][0], found[f"{one}_steps"], found[f"{one}_accuracy"], colour=_COLOURS[one]
        )
        for one in variants
    )
    return Panel(
        name,
        f"Two spirals, {_ACTIVATIONS[name]}",
        "step",
        "validation accuracy",
        curves,
        y_range=(0.4, 1.02),
        help="A net that cannot bend its functions enough stays near the best straight cuts.",
    )


_WHY = "Five points: ten of 200 held-out points, more than another seed changes in a trained net."


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            f"{name}_cost",
            f"What leaving out γ and β costs, {words}",
            matters_from=0.05,
            why=_WHY,
            scale="difference",
            part=words,
            form=".3f",
        )
        for name, words in _ACTIVATIONS.items()
        if name != "relu"
    ),
    controls=tuple(
        Control(
            f"{name}_both",
            f"The net with γ and β separates the spirals, {words}",
            at_least=0.75,
            part=words,
            form=".1%",
        )
        for name, words in _ACTIVATIONS.items()
        if name != "relu"
    ),
    remarks=lambda result: (
        f"With ReLU it costs {100 * result['relu_cost'].median:.1f} points, the median over seeds."
    ),
)
