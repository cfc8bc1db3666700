"""Learning rates that batch norm tolerates, and norms of single examples and of weights."""

from collections.abc import Mapping

from bn_core.arms import arm_named
from bn_core.config import Config
from bn_core.experiments.accuracy_grid import (
    Setting,
    accuracy_curves,
    accuracy_panel,
    train_each,
)
from bn_core.experiments.base import Experiment, PartialResult, is_complete
from bn_core.experiments.effects import Control, Effect
from bn_core.results import ExperimentSpec, Metric, Result, TaskGenerator

_RELATIVES = {
    "layer": "layer norm",
    "rms": "RMS norm",
    "weightnorm": "weight normalization",
    "weightstd": "weight standardization",
    "groupstd": "weight standardization with group norm",
}
_ARMS = {
    name: arm_named("weightstd;wsgn:on" if name == "groupstd" else name)
    for name in ("none", "before", *_RELATIVES)
}
_STYLES = {name: "neutral-1" if name == "groupstd" else name for name in _ARMS}
_RATES, _QUICK_RATES = (0.1, 0.3, 1.0, 3.0), (0.1, 1.0)
_SMALL, _LARGE = 0.1, 1.0
_STEPS, _QUICK_STEPS = 400, 200
_LEARNED = 0.8
_LEAST_LEAD = 0.4

SPEC = ExperimentSpec(
    slug="relatives",
    title="RMS norm and norms of weights at large rates",
    claim="Batch norm tolerates learning rates at which layer norm, RMS norm, weight normalization "
    "and weight standardization fail.",
    source="Bjorck et al. 2018 (1806.02375), section 3, on batch norm; Zhang & Sennrich 2019 "
    "(1910.07467), Salimans & Kingma 2016 (1602.07868) and Qiao et al. 2019 (1903.10520), "
    "abstracts, on the others",
    claims=(4, 7),
    question="Ten ReLU layers at rate 1 learn with batch norm. Which of layer norm, RMS norm, "
    "weight normalization and weight standardization does as well?",
    answers=("All of them", "Some of them", "None of them"),
    method=(
        "A 10-layer ReLU net with He's initial weights learns the digits by plain SGD, 400 steps "
        "at rate 0.1, 0.3, 1 and 3: without a norm, with batch norm, or with one of five others. "
        "What counts is the accuracy at rate 1, if the net learns at 0.1."
    ),
    formula=r"acc_{batch}(\eta=1) - acc_{other}(\eta=1), \quad "
    r"RMS:\ \frac{x}{\sqrt{\overline{x^2}}}, \quad WN:\ g\,\frac{v}{\lVert v\rVert}, \quad "
    r"WS:\ \frac{w-\bar w}{s_w}",
    paper_found=(
        "Salimans & Kingma report of weight normalization much of the speed-up of batch norm; "
        "Zhang & Sennrich of RMS norm results comparable to layer norm's. Qiao et al. give weight "
        "standardization to nets that have group norm too."
    ),
    disagreement=(
        "None of these papers says that its norm tolerates such rates. At 0.1 most of them learn "
        "as well as batch norm, and they need no batch. Other depths, optimizers and shortcuts "
        "change which rates a net tolerates."
    ),
    shards=tuple(_ARMS),
    link="depth=10&init=he&lr=1&steps=400&arms=none~before~layer~rms~weightnorm~weightstd"
    "~weightstd;wsgn:on",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one arm at every rate."""
    steps = _QUICK_STEPS if quick else _STEPS
    base = Config(depth=10, initialization="he", replicas=seeds, seed=first_seed)
    settings = []
    for rate in _QUICK_RATES if quick else _RATES:
        config = _ARMS[name].config(base.changed({"learning_rate": rate}))
        words = f"{_ARMS[name].label} at rate {rate:g}"
        settings.append(Setting(rate, config, steps, words))
    return (yield from train_each(settings))


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over rate, and how far batch norm leads each other norm at rate 1."""
    labels = {name: arm.label for name, arm in _ARMS.items()}
    metrics, large = [], {}
    for name in (name for name in _ARMS if is_complete(partials, [name])):
        found, label = partials[name], labels[name]
        at = {rate: found["accuracy"][:, found["x"] == rate][:, 0] for rate in _QUICK_RATES}
        large[name] = at[_LARGE]
        metrics += [
            Metric(f"{name}_small", f"{label}: accuracy at rate 0.1", at[_SMALL], ".1%"),
            Metric(f"{name}_large", f"{label}: accuracy at rate 1", at[_LARGE], ".1%"),
        ]
    if is_complete(partials, SPEC.shards):
        for name, words in _RELATIVES.items():
            lead = large["before"] - large[name]
            metrics.append(Metric(f"{name}_lead", f"Batch norm minus {words}, rate 1", lead, ".3f"))
    panel = accuracy_panel(
        "Accuracy by learning rate",
        "learning rate",
        accuracy_curves(partials, labels, colours=_STYLES),
        "Each point is a net trained from the same weights at another rate. A net whose loss was "
        "no longer finite counts as accuracy 0; 0.1 is chance.",
    )
    return Result((panel,), tuple(metrics))


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            f"{name}_lead",
            f"Accuracy at rate 1 with batch norm minus that with {words}",
            matters_from=_LEAST_LEAD,
            why="More than half of the way from what counts as learnt, 0.8, down to chance, 0.1.",
            scale="difference",
            part=words,
            form=".3f",
        )
        for name, words in _RELATIVES.items()
    ),
    controls=(
        Control("before_large", "Accuracy of batch norm at rate 1", _LEARNED, form=".1%"),
        *(
            Control(
                f"{name}_small",
                f"Accuracy of {words} at rate 0.1",
                _LEARNED,
                part=words,
                form=".1%",
            )
            for name, words in _RELATIVES.items()
        ),
    ),
)
