"""An article's two nets differ in the norm and in the rate: what each of the two does."""

from collections.abc import Mapping

import numpy as np

from bn_core.arms import Arm
from bn_core.datasets.registry import DATASETS
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    is_complete,
    make_trainer,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.factorial import Factorial, factorial_of, factorial_words
from bn_core.presets import convolutional_listing
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_WITH_MNIST = "mnist" in DATASETS
_NETS: Mapping[str, Arm] = dict(
    zip(
        ("none", "before", "none_slow", "before_slow"),
        convolutional_listing(with_mnist=_WITH_MNIST).comparison.arms,
        strict=True,
    )
)
_BASE = convolutional_listing(with_mnist=_WITH_MNIST).comparison.base
LABELS = {
    "none": "No norm, rate 0.01",
    "before": "BN before, rate 0.01",
    "none_slow": "No norm, rate 0.001",
    "before_slow": "BN before, rate 0.001",
}
_COLOURS = {
    "none": "none",
    "before": "before",
    "none_slow": "neutral-1",
    "before_slow": "neutral-2",
}
_EVERY = 10
_LEARNED = 0.8
_LEAST = 0.015
_WHY = "A point and a half: seven or eight of every 500 held-out images."
_PARTS = {"rate": "the lower rate alone", "norm": "batch norm alone", "both": "both"}
_DATA = (
    "MNIST, pooled to 14 x 14 pixels: half an epoch of 8,000 images"
    if _WITH_MNIST
    else "the digits of 8 x 8 pixels, for three epochs, as MNIST is not on this server"
)

SPEC = ExperimentSpec(
    slug="confound",
    title="A norm and a rate that change together",
    claim="Two nets that differ in the norm and in the rate hide what batch norm does: the lower "
    "rate costs accuracy, and batch norm gains it.",
    source="An article's listing: a plain net at Adam's rate 0.01, one with batch norm at 0.001; "
    "the design is Fisher's (1935, The Design of Experiments, chapter VI): all combinations",
    claims=(5,),
    question="Adam's rate falls from 0.01 to 0.001, and batch norm comes in at the same time. "
    "After the first few dozen steps, which of the two changes the accuracy more?",
    answers=("The rate", "Batch norm", "Both about as much, in opposite directions"),
    method=(
        "Convolutions with 32 and 64 channels and a dense layer of 64 learn by Adam with and "
        f"without batch norm, each at rate 0.01 and 0.001, from {_DATA}. Nets of one seed have the "
        "same weights and batches, so that effects are paired: the rate's is that of the plain "
        "nets, batch norm's that at 0.001."
    ),
    formula=r"acc_{BN,\,.001}-acc_{none,\,.01} = \left(acc_{none,\,.001}-acc_{none,\,.01}\right)"
    r" + \left(acc_{BN,\,.001}-acc_{none,\,.001}\right)",
    paper_found=(
        "The article compares a net without norm at rate 0.01 with one at 0.001 that is said to "
        "have batch norm; in its listing, as printed, neither has a norm layer."
    ),
    disagreement=(
        "Both effects shrink as training goes on, and on other data the sum may have either sign: "
        "only the parts are claimed here."
    ),
    shards=tuple(_NETS),
    link="arch=conv&channels=32-64&dense=64&init=xavier&opt=adam&lr=0.01"
    + ("&data=mnist&pool=on&n=8000&steps=62" if _WITH_MNIST else "&steps=60")
    + "&arms=none~before~none;lr:0.001~before;lr:0.001",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one of the four nets; a quick run trains as long: later the effects shrink."""
    config = _NETS[name].config(_BASE.changed({"replicas": seeds, "seed": first_seed}))
    work, trainer = Shard(config.steps), make_trainer(config)
    how = {"every": _EVERY, "measure": lambda one: {"accuracy": validation_accuracy(one)}}
    yield from work.train(trainer, config.steps, LABELS[name], **how)
    work.put(final=validation_accuracy(trainer))
    return work.complete()


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the steps, and what rate and norm do, alone and together."""
    curves = tuple(
        Curve(LABELS[name], found["steps"], found["accuracy"], colour=_COLOURS[name])
        for name in _NETS
        if "steps" in (found := partials.get(name, {}))
    )
    metrics = [
        Metric(name, f"{LABELS[name]}: accuracy", partials[name]["final"], ".1%")
        for name in _NETS
        if is_complete(partials, [name])
    ]
    effects = _effects({metric.key: metric.values for metric in metrics})
    metrics += [
        Metric(key, f"Accuracy changed by {_PARTS[key]}", values, "+.3f")
        for key, values in effects.items()
    ]
    panels = (_accuracy_panel(curves), *([_effects_panel(effects)] if effects else []))
    return Result(panels, tuple(metrics))


def _effects(accuracies: Mapping[str, Array]) -> dict[str, Array]:
    """Return the paired effects, (R,) each, once all four nets have an accuracy."""
    found = _factorial(accuracies)
    if found is None:
        return {}
    return {"rate": found.of_rate, "norm": found.of_norm, "both": found.difference}


def _factorial(accuracies: Mapping[str, Array]) -> Factorial | None:
    if len(accuracies) < len(_NETS):
        return None
    configs = [arm.config(_BASE) for arm in _NETS.values()]
    return factorial_of(configs, [accuracies[name] for name in _NETS])


def _accuracy_panel(curves: tuple[Curve, ...]) -> Panel:
    return Panel(
        "accuracy",
        "Validation accuracy of the four nets",
        "step",
        "validation accuracy",
        curves,
        help=f"The data are {_DATA}. The two nets that an article compares are “no norm, rate "
        "0.01” and “BN before, rate 0.001”.",
        y_range=(0.0, 1.02),
    )


def _effects_panel(effects: Mapping[str, Array]) -> Panel:
    values = np.column_stack(list(effects.values()))
    x = np.arange(len(effects), dtype=float)
    curve = Curve("difference of paired nets", x, values, kind="points")
    return Panel(
        "effects",
        "What the rate, batch norm and both change in the end",
        "change",
        "accuracy after minus before",
        (curve,),
        help="From no norm at 0.01: the rate falls to 0.001; batch norm comes in at 0.001; both. "
        "The first two add up to the third, for every seed.",
        marks=((0.0, "no change"),),
        categories=tuple(_PARTS[key] for key in effects),
    )


def _remarks(result: Result) -> str:
    found = _factorial({name: result[name].values for name in _NETS})
    return factorial_words(found) if found is not None else ""


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "rate",
            "Accuracy at rate 0.001 minus that at 0.01, without batch norm",
            matters_from=-_LEAST,
            why=_WHY,
            scale="difference",
            direction="below",
            part=_PARTS["rate"],
            form="+.3f",
        ),
        Effect(
            "norm",
            "Accuracy with batch norm minus that without, at rate 0.001",
            matters_from=_LEAST,
            why=_WHY,
            scale="difference",
            part=_PARTS["norm"],
            form="+.3f",
        ),
    ),
    controls=(
        Control("none", "Accuracy of the plain net at rate 0.01", at_least=_LEARNED, form=".1%"),
    ),
    remarks=_remarks,
)
