"""Random rates, initial gains, depths and optimizers: the share with which nets learn."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bn_core.config import Config
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    arm_config,
    arm_label,
    make_trainer,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator
from bn_core.streams import random_state

Array = np.ndarray
_ARMS = ("none", "before", "layer")
USUAL_RATES = {"sgd": 0.1, "momentum": 0.01, "rmsprop": 0.001, "adam": 0.001}
"""The middle of the rates that are drawn for each optimizer."""
DEPTHS = (2, 15)
_USUAL = {"optimizer": "sgd", "learning_rate": 0.1, "gain": 1.0, "depth": 5}
_DRAWS, _QUICK_DRAWS, _STEPS = 24, 8, 200
_LEVEL, _LEARNED = 0.9, 0.8
_LEAST_GAIN = 0.25
_STREAM = 31

SPEC = ExperimentSpec(
    slug="grid",
    title="Random settings: which share learns",
    claim="With batch norm a net learns with more of the settings that one may choose.",
    source="Santurkar et al. 2018 (1805.11604), section 3; random search: Bergstra & Bengio 2012 "
    "(JMLR 13), section 2",
    claims=(7,),
    question="Rate, gain of the initial weights, depth and optimizer are drawn at random. Without "
    "norm few of these nets learn. Which share does with batch norm?",
    answers=("Hardly more", "About half of them, or more", "Nearly all of them"),
    method=(
        "For each seed 24 settings are drawn: one of SGD, momentum, RMSprop and Adam; a rate from "
        "a tenth to ten times its usual one (0.1, 0.01, 0.001, 0.001); He's initial weights times "
        "0.1 to 10; 2 to 15 ReLU layers. Rates and gains are drawn evenly in their logarithms. "
        "With each setting a net without norm, one with batch norm and one with layer norm start "
        "from the same weights and take 200 steps on the same batches of digits. A net learns if "
        "it then classifies 90 % of the validation digits correctly."
    ),
    formula=r"\frac1{24} \sum_{i=1}^{24} [acc_{BN}(h_i) \ge 0.9] - "
    r"\frac1{24} \sum_{i=1}^{24} [acc_{none}(h_i) \ge 0.9]",
    paper_found=(
        "Santurkar et al. call it well known that batch norm makes training robust to settings "
        "such as the learning rate and the initialization; they do not count settings."
    ),
    disagreement=(
        "The share depends on the ranges drawn from, which are a choice: with narrow ones around "
        "good settings all nets learn, and the size of the batch, on which batch norm depends, is "
        "not among what is drawn."
    ),
    shards=_ARMS,
    link="depth=10&init=he&gain=3&lr=0.1&steps=200&arms=none-before-layer",
)


def drawn_settings(seed: int, count: int) -> list[dict[str, Any]]:
    """Return the first settings of a seed, as changes of a config; more of them begin alike."""
    state = random_state(seed, "data", _STREAM)
    settings = []
    for _ in range(count):
        optimizer = list(USUAL_RATES)[state.randint(len(USUAL_RATES))]
        settings.append(
            {
                "optimizer": optimizer,
                "learning_rate": USUAL_RATES[optimizer] * 10 ** state.uniform(-1, 1),
                "gain": 10 ** state.uniform(-1, 1),
                "depth": int(state.randint(DEPTHS[0], DEPTHS[1] + 1)),
            }
        )
    return settings


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one arm with the usual settings, then with each setting drawn for each seed."""
    count, every_seed = _QUICK_DRAWS if quick else _DRAWS, range(first_seed, first_seed + seeds)
    base = Config(initialization="he", replicas=1)
    draws = [drawn_settings(seed, count) for seed in every_seed]
    work = Shard((seeds * count + 1) * _STEPS)
    usual = base.changed({"replicas": seeds, "seed": first_seed, **_USUAL})
    work.put(usual=(yield from _trained(work, arm_config(name, usual), "usual settings")))
    work.put(**_by_seed(draws))
    accuracy = np.zeros((seeds, 0))
    for number in range(count):
        column = np.zeros(seeds)
        for row, seed in enumerate(every_seed):
            config = arm_config(name, base.changed({"seed": seed, **draws[row][number]}))
            words = f"{arm_label(name)}, setting {number + 1} of {count}, seed {seed}"
            column[row] = (yield from _trained(work, config, words))[0]
        accuracy = np.column_stack([accuracy, column])
        work.put(accuracy=accuracy)
    return work.complete()


def _trained(work: Shard, config: Config, words: str) -> TaskGenerator:
    """Train nets of a config; return their accuracies, (K,), 0 of those that diverged."""
    trainer = make_trainer(config)
    losses = yield from work.train(trainer, _STEPS, words)
    return np.where(np.isfinite(losses[:, -1]), validation_accuracy(trainer), 0.0)


def _by_seed(draws: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Array]:
    """Return each number that was drawn, (R, draws); the rate as a multiple of the usual one."""
    rates = [[one["learning_rate"] / USUAL_RATES[one["optimizer"]] for one in row] for row in draws]
    others = {key: np.array([[one[key] for one in row] for row in draws]) for key in _GROUPED}
    return {"rate": np.array(rates), **others}


_GROUPED = ("gain", "depth")
_HALVES = (
    ("rate", 1.0, "lower rates"),
    ("rate", 1.0, "higher rates"),
    ("gain", 1.0, "small weights"),
    ("gain", 1.0, "large weights"),
    ("depth", 8.5, "2-8 layers"),
    ("depth", 8.5, "9-15 layers"),
)
"""Halves of the settings: what is halved, where, and what the halves, lower first, are called."""


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return which share of the settings learns, in all and in halves of them."""
    began = {name: partials[name] for name in _ARMS if "accuracy" in partials.get(name, {})}
    metrics, shares = [], {}
    for name, found in began.items():
        if found.get("complete"):
            shares[name] = (found["accuracy"] >= _LEVEL).mean(axis=1)
            label = arm_label(name)
            metrics += [
                Metric(f"{name}_share", f"{label}: share that learns", shares[name], ".0%"),
                Metric(f"{name}_usual", f"{label}: usual settings", found["usual"], ".1%"),
            ]
    for other in ("none", "layer"):
        if {"before", other} <= shares.keys():
            gain = shares["before"] - shares[other]
            words = f"Share with batch norm minus that with {arm_label(other).lower()}"
            metrics.append(Metric(f"over_{other}", words, gain, "+.2f"))
    return Result((_levels(began), _halves(began)), tuple(metrics))


def _levels(began: Mapping[str, PartialResult]) -> Panel:
    levels = np.linspace(0.0, 1.0, 101)
    curves = tuple(
        Curve(
            arm_label(name),
            levels,
            (found["accuracy"][:, :, None] >= levels).mean(axis=1),
            arm=name,
        )
        for name, found in began.items()
    )
    return Panel(
        "levels",
        "Share of the settings that reach an accuracy",
        "validation accuracy",
        "share of the settings that reach it",
        curves,
        help="Read at 0.9: the share that learns. A net that guesses has 0.1, one that diverged 0.",
        y_range=(0.0, 1.02),
    )


def _halves(began: Mapping[str, PartialResult]) -> Panel:
    curves = tuple(
        Curve(
            arm_label(name),
            np.arange(len(_HALVES), dtype=float),
            np.column_stack([_share_of_half(found, half) for half in range(len(_HALVES))]),
            arm=name,
            kind="points",
        )
        for name, found in began.items()
    )
    return Panel(
        "halves",
        "Share that learns, by what was drawn",
        "half of the settings",
        "share that learns",
        curves,
        help="Rates are compared with the optimizer's usual one, weights with He's.",
        y_range=(0.0, 1.02),
        categories=tuple(words for _, _, words in _HALVES),
    )


def _share_of_half(found: PartialResult, half: int) -> Array:
    """Return the share that learns in one of the halves, (R,); NaN for seeds without such."""
    key, middle, _ = _HALVES[half]
    accuracy = found["accuracy"]
    drawn = found[key][:, : accuracy.shape[1]]
    inside = drawn > middle if half % 2 else drawn <= middle
    with np.errstate(invalid="ignore"):
        return ((accuracy >= _LEVEL) & inside).sum(axis=1) / inside.sum(axis=1)


def _remarks(result: Result) -> str:
    return f"Batch norm minus layer norm: {result['over_layer'].words()}."


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "over_none",
            "Share of the settings that learns with batch norm minus that without norm",
            matters_from=_LEAST_GAIN,
            why="A quarter of the settings: six of the 24 of a seed.",
            scale="difference",
            form="+.2f",
            resolution=1 / _DRAWS,
        ),
    ),
    controls=tuple(
        Control(f"{name}_usual", f"Accuracy at the usual settings, {words}", _LEARNED, form=".1%")
        for name, words in (("none", "no norm"), ("before", "batch norm"))
    ),
    remarks=_remarks,
)
