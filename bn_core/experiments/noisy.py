"""Batch norm with noise behind it: unstable inputs, fast training (Santurkar et al. 2018)."""

from collections.abc import Mapping

import numpy as np

from bn_core.config import Config
from bn_core.datasets.loading import load_per_seed
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
from bn_core.experiments.jitter import noisy_trainer, unit_jumps
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_EVERY = 5
_LEVEL = 0.9
_NOISY = {"noisy": "before", "none-noisy": "none"}
"""The arm that each of the nets with noise has otherwise."""
_SHARDS = ("none", "before", *_NOISY)
_COLOURS = {"noisy": "neutral-1", "none-noisy": "neutral-2"}

SPEC = ExperimentSpec(
    slug="noisy",
    title="Noise behind batch norm",
    claim="Batch norm trains faster because it keeps the distribution of layer inputs stable.",
    source=(
        "Ioffe & Szegedy 2015 (1502.03167), section 2; contested by Santurkar et al. 2018 "
        "(1805.11604), section 2.1 and Figure 2"
    ),
    claims=(1, 5),
    question=(
        "If random shifts make batch norm's outputs less stable than a plain net's inputs, how "
        "fast does the net train?"
    ),
    answers=("Slower than the plain net", "As slowly as the plain net", "Still faster"),
    method=(
        "8 layers of tanh, weights from N(0, 0.1), rate 0.1, on the digits. In two arms every "
        "unit is shifted and stretched at random behind its norm (or where that would be), and "
        "differently at every step. How stable inputs are is measured as the jump of a unit's "
        "mean over the batch from one step to the next, in the last hidden layer. If stable inputs "
        "were the reason, the noise would take away what batch norm gains in steps to 90 %."
    ),
    formula=(
        r"lost = \frac{\ln (T_{noise} / T_{BN})}{\ln (T_{plain} / T_{BN})}, \qquad "
        r"a \leftarrow s a + m, \quad m \sim U(\mu \pm 0.1), \ s \sim N(\sigma, 0.1), \quad "
        r"\mu \sim U(-\tfrac12, \tfrac12), \ \sigma \sim U(1, \tfrac54); \qquad "
        r"jump = |\bar a_{t+1} - \bar a_t| \, / \, std(a_t)"
    ),
    paper_found=(
        "A VGG net on CIFAR-10 with noise behind batch norm had less stable inputs than the "
        "plain net, and still trained about as well as with batch norm alone."
    ),
    disagreement=(
        "The noise is put in behind the norm, so the norm of the next layer can take it out "
        "again: that may be why it does so little harm. What the test refutes is stable inputs "
        "as the reason, not batch norm's use."
    ),
    shards=_SHARDS,
    link="depth=8&act=tanh&init=normal&std=0.1&lr=0.1&steps=300",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one arm; measure jumps, and the accuracy without noise, every five steps."""
    base = Config(
        depth=8,
        activation="tanh",
        initialization="normal",
        init_std=0.1,
        learning_rate=0.1,
        replicas=seeds,
        seed=first_seed,
        steps=200 if quick else 300,
    )
    config, work = arm_config(_NOISY.get(name, name), base), Shard(base.steps)
    noisy = name in _NOISY
    trainer = noisy_trainer(config, load_per_seed(config)) if noisy else make_trainer(config)
    with unit_jumps(trainer.net.probed[-1].activation) as jumps:

        def measure(trainer: Trainer) -> dict[str, Array]:
            jump = np.median(np.stack(jumps[-_EVERY:]), axis=0)
            return {"accuracy": validation_accuracy(trainer), "jump": jump}

        yield from work.train(trainer, base.steps, _label(name), every=_EVERY, measure=measure)
    return work.complete()


def _label(name: str) -> str:
    return f"{arm_label(_NOISY[name])} + noise" if name in _NOISY else arm_label(name)


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy and jumps over the steps, the steps to 90 % and what the noise costs."""
    panels = (
        _panel(partials, "accuracy", "Accuracy, the noise switched off", "validation accuracy"),
        _panel(
            partials, "jump", "How unstable the last layer's inputs are", "jump of a mean / std"
        ),
    )
    needed, jumps, metrics = {}, {}, []
    for name in (name for name in _SHARDS if is_complete(partials, [name])):
        found, label = partials[name], _label(name)
        needed[name] = steps_to_reach(_LEVEL, found["steps"], found["accuracy"])
        jumps[name] = np.median(found["jump"], axis=1)
        metrics += [
            Metric(f"steps_{name}", f"Steps to 90 %, {label}", needed[name], ".0f", "never"),
            Metric(f"jump_{name}", f"Jump / std, {label}", jumps[name], ".2g"),
        ]
    if is_complete(partials, _SHARDS):
        budget = int(partials["none"]["steps"][-1])
        lost = advantage_lost(needed["none"], needed["before"], needed["noisy"], budget)
        gain = steps_ratio(needed["none"], needed["before"], budget)
        unstable = jumps["noisy"] / jumps["none"]
        metrics += [
            Metric("lost", "Share of the advantage lost to the noise", lost, ".2f"),
            Metric("gain", "Steps without / with batch norm, no noise", gain, ".1f"),
            Metric("unstable", "Jump, BN + noise / plain net", unstable, ".2f"),
        ]
    return Result(panels, tuple(metrics))


def advantage_lost(plain: Array, normalized: Array, noisy: Array, budget: int) -> Array:
    """Return ln(noisy / normalized) / ln(plain / normalized) of steps (R,): 0 none, 1 all.

    Steps that are inf are censored at the ``budget``; NaN where batch norm gained nothing.
    """
    plain, noisy = np.minimum(plain, budget), np.minimum(noisy, budget)
    gained = normalized < plain
    ratio = np.where(gained, plain / normalized, np.nan)
    return np.log(noisy / normalized, where=gained, out=np.full(len(plain), np.nan)) / np.log(ratio)


def _panel(partials: Mapping[str, PartialResult], key: str, title: str, y_label: str) -> Panel:
    curves = tuple(
        Curve(_label(name), found["steps"], found[key], colour=_COLOURS.get(name, name))
        for name, found in partials.items()
        if key in found
    )
    jump = "Medians of five steps; what enters the last tanh, over the batch of each step. A "
    jump += "little of it is only that batches differ."
    return Panel(
        key,
        title,
        "step",
        y_label,
        curves,
        help=jump if key == "jump" else "Every five steps, on the validation data.",
        y_range=(0.0, 1.02) if key == "accuracy" else None,
    )


def _remarks(result: Result) -> str:
    jumps, steps = (
        ", ".join(f"{result[f'{key}_{name}'].words()} {where}" for name, where in _WHERE.items())
        for key in ("jump", "steps")
    )
    return f"Jump of a mean / std: {jumps}. Steps to 90 %: {steps}. Contested, as any account."


_WHERE = {
    "none": "in the plain net",
    "before": "with batch norm",
    "noisy": "with batch norm and noise",
}

EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "lost",
            "Share of batch norm's advantage in steps that the noise takes away",
            matters_from=0.5,
            why="Half: what is the reason of an advantage should carry at least half of it.",
            scale="difference",
            resolution=0.12,  # five steps more than 20, where the plain net needs about 135
            form=".2f",
            lost="trained no faster with batch norm than without",
        ),
    ),
    controls=(
        Control("gain", "Steps to 90 % without batch norm over steps with it", at_least=2),
        Control("unstable", "Jump with batch norm and noise over the plain net's", at_least=1),
        Control("steps_none", "Steps to 90 % of the plain net", at_most=300, form=".0f"),
    ),
    remarks=_remarks,
)
