"""Steps that a net needs on raw inputs, on standardized ones, and with batch norm in front."""

from collections.abc import Mapping

import numpy as np

from bn_core.arms import arm_named
from bn_core.config import Config
from bn_core.experiments.accuracy_grid import accuracy_curves, accuracy_panel
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    Trainer,
    half_accuracies,
    is_complete,
    loss_and_gradient,
    make_trainer,
    steps_ratio,
    steps_to_reach,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.probing.statistics import matrix_norms
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_INPUTS = {"raw": "raw", "standardized": "standardized", "normed": "raw, batch norm in front"}
_ARMS = {
    "raw": arm_named("none;inputs:none"),
    "standardized": arm_named("none"),
    "normed": arm_named("none;inputs:none;bnin:on"),
}
_COLOURS = {"raw": "none", "standardized": "neutral-1", "normed": "before"}
_RATES = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
_QUICK_RATES = (0.02, 0.03, 0.05, 0.2, 0.5)
_STEPS, _QUICK_STEPS, _EVERY = 250, 120, 5
_LEVEL = 0.9
_LEAST_RATIO, _LEAST_GRADIENT = 1.5, 3.0
_LEARNED = 0.8
_BETTER = {"standardized": "standardized inputs", "normed": "batch norm in front"}

SPEC = ExperimentSpec(
    slug="inputs",
    title="Raw inputs, and batch norm in front of the net",
    claim="A net needs fewer steps on normalized inputs, and batch norm in front of it does as "
    "well on raw ones.",
    source="LeCun et al. 1998 (Efficient BackProp), section 4.3",
    claims=(15, 3),
    question="A net without norm learns from pixels of 0 to 16, and from the same pixels "
    "standardized, each at its best rate. How many times more steps do raw pixels take?",
    answers=("As many", "Two to five times as many", "More than five times as many"),
    method=(
        "A net of two ReLU layers with He's initial weights and no norm between them learns the "
        "digits by SGD at nine rates from 0.01 to 1: from raw pixels, from standardized ones, "
        "and from raw pixels that pass a batch norm in front of the first layer. Every 5 steps "
        "the accuracy is taken; what counts is the step at which it reaches 90 %, at the best "
        "rate, which is chosen on one half of the validation digits and reported by the other. "
        "The gradient is that of the first layer's weights at the start."
    ),
    formula=r"\frac{\min_\eta\, steps_{raw}(\eta)}{\min_\eta\, steps_{normalized}(\eta)}, \qquad "
    r"\frac{\lVert \nabla_{W_1} L_{raw} \rVert}{\lVert \nabla_{W_1} L_{normalized} \rVert}",
    paper_found=(
        "LeCun et al. advise to subtract each input's mean and to scale its variance; they give "
        "the shape of the loss as the reason, and no numbers of steps."
    ),
    disagreement=(
        "Pixels have one scale, so there is less to gain than from features in different units: "
        "the experiment on normalized inputs computes those. Optimizers that scale each step "
        "themselves, such as Adam, gain less."
    ),
    shards=tuple(_ARMS),
    link="depth=2&init=he&lr=0.1&steps=250&arms=none;inputs:none~none~none;inputs:none;bnin:on",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train with one kind of inputs at every rate."""
    rates, steps = (_QUICK_RATES, _QUICK_STEPS) if quick else (_RATES, _STEPS)
    base = Config(depth=2, initialization="he", replicas=seeds, seed=first_seed)
    work, halves = Shard(len(rates) * steps), list[Array]()
    for count, rate in enumerate(rates, start=1):
        trainer = make_trainer(_ARMS[name].config(base.changed({"learning_rate": rate})))
        if count == 1:
            work.put(gradient=first_gradient(trainer))
        words = f"{_INPUTS[name]} inputs at rate {rate:g}"
        losses = yield from work.train(
            trainer, steps, words, every=_EVERY, measure=_halves, prefix="now_"
        )
        halves.append(_counted(work.partial["now_halves"], losses))
        work.put(
            x=np.array(rates[:count]),
            steps=work.partial["now_steps"],
            halves=np.stack(halves, axis=1),
            accuracy=np.stack([one[:, -1].mean(axis=1) for one in halves], axis=1),
        )
    return work.complete()


def _halves(trainer: Trainer) -> dict[str, Array]:
    return {"halves": np.stack(half_accuracies(trainer), axis=1)}


def _counted(halves: Array, losses: Array) -> Array:
    """Return the accuracies (R, T, 2), 0 from where on a net's loss is not finite."""
    return np.where(np.isfinite(losses[:, _EVERY - 1 :: _EVERY])[:, :, None], halves, 0.0)


def first_gradient(trainer: Trainer) -> Array:
    """Return the length of the loss gradient of the first layer's weights, (K,), at the start."""
    _, gradient = loss_and_gradient(trainer.net, trainer.batches.first())
    of = dict(zip(trainer.net.parameters(), gradient, strict=True))
    return matrix_norms([of[trainer.net.linears[0].weight]]).numpy()[:, 0]


def steps_at_best_rate(steps: Array, halves: Array) -> Array:
    """Return the steps to 90 % at the best rate, (R,); inf where no rate reaches it.

    ``halves`` (R, rates, T, 2): the rate that is best by one half is reported by the other, and
    the two reports are averaged.
    """
    reached = np.stack(
        [
            [steps_to_reach(_LEVEL, steps, halves[:, rate, :, half]) for half in (0, 1)]
            for rate in range(halves.shape[1])
        ]
    )
    best = reached.argmin(axis=0)
    reported = np.take_along_axis(reached[:, ::-1], best[None], axis=0)[0]
    return reported.mean(axis=0)


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy and steps by rate, and how many times more steps raw inputs take."""
    metrics, best, gradients, budget = [], {}, {}, 0
    for name in (name for name in _ARMS if is_complete(partials, [name])):
        found, words = partials[name], _INPUTS[name].capitalize()
        best[name] = steps_at_best_rate(found["steps"], found["halves"])
        gradients[name], budget = found["gradient"], int(found["steps"][-1])
        metrics += [
            Metric(name, f"{words}: steps to 90 %", best[name], ".3g", "never reached 90 %"),
            Metric(f"{name}_best", f"{words}: best accuracy", found["accuracy"].max(1), ".1%"),
            Metric(f"{name}_gradient", f"{words}: first layer's gradient", gradients[name]),
        ]
    if is_complete(partials, SPEC.shards):
        for name in _BETTER:
            words = f"Raw inputs over {_BETTER[name]}"
            ratio = steps_ratio(best["raw"], best[name], budget)
            slope = gradients["raw"] / gradients[name]
            metrics += [
                Metric(f"{name}_ratio", f"{words}: steps", ratio, ".2f"),
                Metric(f"{name}_slope", f"{words}: first layer's gradient", slope, ".1f"),
            ]
    return Result(_panels(partials), tuple(metrics))


def _panels(partials: Mapping[str, PartialResult]) -> tuple[Panel, ...]:
    accuracy = accuracy_panel(
        "Accuracy in the end, by learning rate",
        "learning rate",
        accuracy_curves(partials, _INPUTS, colours=_COLOURS, kind="line"),
        "Each point is a net trained from the same weights at another rate. A net whose loss was "
        "no longer finite counts as accuracy 0.",
        marks=((_LEVEL, "level that counts"),),
    )
    curves = tuple(
        Curve(_INPUTS[name], found["x"], _steps_by_rate(found), colour=_COLOURS[name])
        for name in _ARMS
        if "halves" in (found := partials.get(name, {}))
    )
    steps = Panel(
        "steps",
        "Steps to 90 % accuracy, by learning rate",
        "learning rate",
        "steps",
        curves,
        help="Nothing is drawn where most nets never reached 90 %.",
        x_scale="log",
        y_scale="log",
    )
    return accuracy, steps


def _steps_by_rate(found: PartialResult) -> Array:
    """Return the steps to 90 % of the validation digits, (R, rates); inf where not reached."""
    whole = found["halves"].mean(axis=3)
    rows = [
        steps_to_reach(_LEVEL, found["steps"], whole[:, rate]) for rate in range(whole.shape[1])
    ]
    return np.stack(rows, axis=1)


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        effect
        for name, words in _BETTER.items()
        for effect in (
            Effect(
                f"{name}_ratio",
                f"Steps to 90 % on raw inputs over those with {words}",
                matters_from=_LEAST_RATIO,
                why="Half as many steps again: more than the five between two measurements, of "
                "about twenty.",
                part=f"steps with {words}",
                form=".2f",
                lost="never reached 90 % with normalized inputs",
            ),
            Effect(
                f"{name}_slope",
                f"First layer's gradient on raw inputs over that with {words}",
                matters_from=_LEAST_GRADIENT,
                why="Rates that are three times larger are then safe by the length of a step: one "
                "step of a usual grid of rates.",
                part=f"first gradient with {words}",
                form=".1f",
            ),
        )
    ),
    controls=(
        Control("raw_best", "Accuracy on raw inputs at the best rate", _LEARNED, form=".1%"),
    ),
)
