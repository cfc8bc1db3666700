"""How finely the gain of the initial weights must be tuned, with and without batch norm."""

import math
from collections.abc import Mapping

import numpy as np
import torch

from bn_core.config import Config
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    Trainer,
    arm_config,
    arm_label,
    make_trainer,
    steps_to_reach,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.probing import captured_outputs, statistics
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_ARMS = ("none", "before")
_GAINS = (0.5, 0.75, 1.0, 1.25, 5 / 3, 2.25, 3.0)
_PROBE = 300
_OUTPUT_GAIN = 0.1
_LEVEL, _EVERY = 0.9, 5
_EVEN, _UNEVEN, _MOST_STEPS = 1.2, 5.0, 1.5

SPEC = ExperimentSpec(
    slug="gain",
    title="The gain of tanh layers",
    claim="With batch norm the gain of the initial weights no longer matters.",
    source="Karpathy, makemore part 3 (lecture, 2022); Ioffe & Szegedy 2015 (1502.03167), "
    "section 3.3",
    claims=(6, 11, 10),
    question="With batch norm, what still changes when the gain goes from 0.5 to 3?",
    answers=("Nothing", "How many units saturate", "How fast the weights change"),
    method=(
        "Six layers of 100 tanh units. Weights are drawn from N(0, gain² / inputs), with seven "
        "gains; the output layer has gain 0.1 throughout, so that all classes begin nearly equal. "
        "Before training 300 images pass through: measured are the last hidden layer's standard "
        "deviation and the share of its outputs beyond 0.97. Then the net learns at rate 0.1: "
        "measured are how far the first step moves each layer's weights, and the steps to 90 % "
        "validation accuracy, every five steps. The link shows gain 5/3 in the Lab, where the "
        "gain holds for the output layer too."
    ),
    formula=r"r = \log_{10} \frac{\mathrm{std}(\eta\,\partial L / \partial W)}{\mathrm{std}(W)}"
    r", \qquad W \to cW \;\Rightarrow\; r \to r - 2\log_{10} c",
    paper_found=(
        "In the lecture 5/3 is the gain at which plain tanh layers neither die out nor saturate; "
        "with batch norm the histograms look alike at any gain, but the update-to-data ratio "
        "still shifts, so the rate must be tuned anew."
    ),
    disagreement=(
        "The plain net's best gain depends on the activation and on the depth. With batch norm "
        "the first update must change as the formula says; whether learning slows with it depends "
        "on the rate. An update ratio near 10^-3 is a rule of thumb, not a law."
    ),
    shards=_ARMS,
    link="depth=6&width=100&act=tanh&init=he&gain=1.1785&steps=300",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Measure one arm at every gain before training, then train it."""
    steps = 60 if quick else 200
    work = Shard(len(_GAINS) * steps)
    columns: dict[str, list[Array]] = {"std": [], "saturated": [], "update": [], "needed": []}
    for index, gain in enumerate(_GAINS):
        trainer = gained_trainer(name, gain, seeds, first_seed)
        std, saturated = last_layer(trainer)
        moved = update(trainer)
        prefix = f"{index}_"
        yield from work.train(
            trainer,
            steps - 1,
            f"{arm_label(name)}, gain {gain:.3g}",
            every=_EVERY,
            measure=lambda trainer: {"accuracy": validation_accuracy(trainer)},
            prefix=prefix,
        )
        reached = steps_to_reach(
            _LEVEL, work.partial[f"{prefix}steps"] + 1, work.partial[f"{prefix}accuracy"]
        )
        for key, column in zip(columns, (std, saturated, moved, reached), strict=True):
            columns[key].append(column)
        work.put(steps=steps, **{key: np.stack(found, 1) for key, found in columns.items()})
        yield work.advance(f"{arm_label(name)}, gain {gain:.3g}")
    return work.complete()


def gained_trainer(name: str, gain: float, seeds: int, first_seed: int) -> Trainer:
    """Return nets of one arm: std gain / sqrt(inputs), and 0.1 / sqrt(inputs) in the last layer."""
    config = Config(
        depth=6,
        width=100,
        activation="tanh",
        initialization="he",
        gain=gain / math.sqrt(2),  # He's variance is 2 / inputs; here it is gain^2 / inputs
        replicas=seeds,
        seed=first_seed,
    )
    trainer = make_trainer(arm_config(name, config))
    with torch.no_grad():
        trainer.net.output.weight.mul_(_OUTPUT_GAIN / gain)
    return trainer


@torch.no_grad()
def last_layer(trainer: Trainer) -> tuple[Array, Array]:
    """Return the last hidden layer's std and saturated share over a probe, (K,) each.

    std of all its outputs (N C values); share of |tanh| > 0.97. Source: makemore part 3.
    """
    net, probe = trainer.net, trainer.dataset.train_inputs[..., :_PROBE, :]
    with (
        net.evaluation_mode(statistics="batch"),
        captured_outputs(net.probed[-1].activation) as out,
    ):
        net(trainer.for_each_replica(probe))
    _, std = statistics.moments(out[0])
    return std.numpy(), statistics.saturated_share(out[0], trainer.config.activation).numpy()


def update(trainer: Trainer) -> Array:
    """Take one step; return log10(std(step) / std(weights)), median over hidden layers, (K,)."""
    weights = [layer.weight for layer in trainer.net.hidden]
    before = [weight.detach().clone() for weight in weights]
    trainer.step()
    ratios = statistics.update_ratios(before, [weight.detach() for weight in weights])
    return ratios.median(dim=1).values.log10().numpy()


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return spread, saturation, update and steps over the gain, and how much each changes."""
    shown = {name: partials[name] for name in _ARMS if "std" in partials.get(name, {})}
    drawn = {
        name: found | {"needed": np.minimum(found["needed"], found["steps"])}
        for name, found in shown.items()
    }
    panels = (
        _panel(drawn, "std", "Spread of the last hidden layer", "std of its outputs"),
        _panel(drawn, "saturated", "Saturation of the last hidden layer", "share beyond 0.97"),
        _panel(
            drawn,
            "update",
            "First update, relative to the weights",
            "log10 of the ratio",
            marks=((-3.0, "rule of thumb"),),
        ),
        _panel(
            drawn,
            "needed",
            "Steps to 90 %",
            "steps",
            help="A net that did not reach 90 % stands at the number of steps it was trained for.",
        ),
    )
    complete = [(name, found) for name, found in shown.items() if found.get("complete")]
    return Result(panels, tuple(one for name, found in complete for one in _metrics(name, found)))


def _panel(
    drawn: Mapping[str, PartialResult],
    key: str,
    title: str,
    y_label: str,
    help: str = "",
    marks: tuple[tuple[float, str], ...] = (),
) -> Panel:
    curves = []
    for name, found in drawn.items():
        gains = np.array(_GAINS[: found[key].shape[1]])
        curves.append(Curve(arm_label(name), gains, found[key], arm=name, kind="points"))
    return Panel(key, title, "gain of the weights", y_label, tuple(curves), help, marks=marks)


def _metrics(name: str, found: PartialResult) -> list[Metric]:
    label, std, needed = arm_label(name), found["std"], found["needed"]
    values = {
        "low": ("std at gain 0.5", std[:, 0], ".3g"),
        "high": ("std at gain 3", std[:, -1], ".3g"),
        "saturated": ("saturated at gain 3", found["saturated"][:, -1], ".0%"),
        "ratio": ("largest std / smallest", std.max(1) / std.min(1), ".3g"),
        "update": ("range of log10 of the update", np.ptp(found["update"], axis=1), ".2f"),
        "fastest": ("steps to 90 % at the fastest gain", needed.min(1), ".0f"),
        "slowest": ("steps to 90 % at the slowest gain", needed.max(1), ".0f"),
        "steps": ("steps at the slowest gain / the fastest", spread(needed), ".2f"),
    }
    return [
        Metric(f"{name}_{key}", f"{label}: {words}", measured, form, "never")
        for key, (words, measured, form) in values.items()
    ]


def spread(needed: Array) -> Array:
    """Return the largest over the smallest of steps (R, gains), (R,); inf if one never ends."""
    slowest = needed.max(axis=1)
    return slowest / np.where(np.isfinite(slowest), needed.min(axis=1), 1.0)


def _remarks(result: Result) -> str:
    return (
        f"From gain 0.5 to 3 the last layer's std changes by a factor of "
        f"{result['none_ratio'].words()} without batch norm; saturation at gain 3 is "
        f"{result['none_saturated'].words()} without and {result['before_saturated'].words()} "
        f"with it. With batch norm the first update changes by {result['before_update'].words()} "
        f"powers of ten, and 90 % takes {result['before_fastest'].words()} steps at the fastest "
        f"gain, {result['before_slowest'].words()} at the slowest."
    )


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "before_ratio",
            "Largest over smallest std of the last layer with batch norm",
            matters_from=_EVEN,
            why="A fifth: about what a tanh layer's std changes from one layer to the next.",
            direction="within",
            part="outputs",
            lost="had no finite outputs",
        ),
        Effect(
            "before_steps",
            "Steps to 90 % with batch norm at the slowest gain over those at the fastest",
            matters_from=_MOST_STEPS,
            why="Half as many steps again: two measurements, five steps apart, at best.",
            direction="within",
            part="learning",
            form=".2f",
            lost="never reached 90 % at some gain",
        ),
    ),
    controls=(
        Control(
            "none_ratio",
            "Largest over smallest std of the last layer without batch norm",
            at_least=_UNEVEN,
            part="outputs",
        ),
    ),
    remarks=_remarks,
)
