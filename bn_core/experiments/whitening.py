"""Steps of gradient descent on a linear fit: raw, centred, standardized and whitened inputs."""

import math
from collections.abc import Mapping

import numpy as np

from bn_core.datasets.digits import split_digits
from bn_core.datasets.spec import Sampling
from bn_core.experiments.base import Experiment, PartialResult, Shard
from bn_core.experiments.effects import Control, Effect
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator
from bn_core.streams import random_state

Array = np.ndarray

FORMS = {
    "raw": "as they are",
    "centred": "minus the mean",
    "standardized": "standardized",
    "whitened": "whitened (ZCA)",
}
_DATA = {"invented": "ten invented features", "digits": "64 pixels of digits"}
_LEFT = {"invented": 1e-6, "digits": 0.01}
"""Share of the excess loss at which a descent has arrived."""
_EXAMPLES, _QUICK_EXAMPLES, _FEATURES, _CORRELATION = 1000, 400, 10, 0.95
_CLASS = 3
_SMALLEST = 1e-10
"""Curvatures below this share of the largest are zero to rounding: nothing moves along them."""
_DRAWN = 60
"""Numbers of steps at which the loss is drawn, from 1 to 10 million."""

SPEC = ExperimentSpec(
    slug="whiten",
    title="Normalized inputs",
    claim="Inputs of mean 0 and spread 1 need fewer steps of gradient descent.",
    source="LeCun et al. 1998 (Efficient BackProp), section 4.3",
    claims=(15,),
    question="Ten features whose spreads differ up to 100 times: how many times fewer steps do "
    "standardized ones need?",
    answers=("As many", "2 to 100 times fewer", "More than 100 times fewer"),
    method=(
        "A linear fit with an offset is descended from zero at rate 1 over the largest curvature, "
        "for which the loss after any number of steps has a closed form. The inputs are ten "
        "invented features (1,000 examples, correlation 0.95, spreads from 0.1 to 10, means that "
        "are not 0; descent to a millionth of the excess loss), and the pixels of the digits (is "
        "it a 3? to 1 %). Each is taken as it is, minus its mean, standardized, and whitened: "
        "without correlations. Batch norm is the third form."
    ),
    formula=r"L(t) - L^* = \tfrac12 \sum_i \lambda_i (1 - \lambda_i/\lambda_{max})^{2t} c_i^2, "
    r"\qquad condition = \lambda_{max} / \lambda_{min}",
    paper_found=(
        "LeCun et al. advise to subtract the mean of each input, to scale all to about the same "
        "variance, and, if possible, to decorrelate them, and give the curvatures as the reason."
    ),
    disagreement=(
        "How many times fewer depends on how different the features are. Standardizing does "
        "nothing about features that depend on one another: the whitened form shows what remains. "
        "Optimizers that scale each step themselves gain less."
    ),
    shards=tuple(_DATA),
)


def features(count: int, seed: int) -> tuple[Array, Array]:
    """Return correlated features (N, 10) of spreads 0.1 to 10 and a target (N,) with noise."""
    state = random_state(seed, "data", 30)
    shared, own = state.normal(size=(count, 1)), state.normal(size=(count, _FEATURES))
    mixed = math.sqrt(_CORRELATION) * shared + math.sqrt(1 - _CORRELATION) * own
    spreads = np.logspace(-1, 1, _FEATURES)
    x = (mixed + state.normal(size=_FEATURES)) * spreads
    weights = state.normal(size=_FEATURES) / spreads
    return x, x @ weights + state.normal(scale=0.1, size=count)


def pixels(count: int, seed: int) -> tuple[Array, Array]:
    """Return the pixels (N, 64) of training digits, and 1 for each 3, 0 for all others."""
    split = split_digits(Sampling(seed))
    return split.train_inputs[:count], (split.train_labels[:count] == _CLASS).astype(float)


def transformed(x: Array, form: str) -> Array:
    """Return inputs (N, D) in one of the ``FORMS``; features of one value become 0.

    whitened: (x - mean) C^(-1/2), C the covariance; directions without variance become 0.
    """
    centred = x - x.mean(axis=0)
    match form:
        case "raw":
            return x
        case "centred":
            return centred
        case "standardized":
            spread = x.std(axis=0)
            return np.where(spread > 0, centred / np.where(spread > 0, spread, 1), 0.0)
        case _:
            values, vectors = np.linalg.eigh(centred.T @ centred / len(x))
            known = values > _SMALLEST * values[-1]
            roots = np.where(known, 1 / np.sqrt(np.where(known, values, 1)), 0.0)
            return centred @ (vectors * roots) @ vectors.T


def excess(x: Array, y: Array) -> tuple[Array, Array]:
    """Return curvatures relative to the largest, (D + 1,), and the excess loss along each.

    L(w) = 1/(2N) |A w - y|^2, A = [x, 1], from w = 0; parts along flat directions are left out.
    """
    design = np.column_stack([x, np.ones(len(x))])
    values, vectors = np.linalg.eigh(design.T @ design / len(x))
    known = values > _SMALLEST * values[-1]
    along = (vectors.T @ (design.T @ y / len(x)))[known]
    return values[known] / values[-1], 0.5 * along**2 / values[known]


def loss_left(relative: Array, parts: Array, steps: float) -> float:
    """Return the share of the excess loss that is left after so many steps."""
    if not steps:
        return 1.0
    with np.errstate(divide="ignore"):  # along the steepest direction one step is all it takes
        fall = np.exp(2 * steps * np.log1p(-np.minimum(relative, 1.0)))
    return float((parts * fall).sum() / parts.sum())


def steps_until(relative: Array, parts: Array, left: float) -> float:
    """Return the smallest number of steps after which at most a share ``left`` remains."""
    low, high = 0, 1
    while loss_left(relative, parts, high) > left:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if loss_left(relative, parts, middle) > left:
            low = middle
        else:
            high = middle
    return float(high)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Descend on one kind of data in every form."""
    count, make = (_QUICK_EXAMPLES if quick else _EXAMPLES), _MAKERS[name]
    work, grid = Shard(len(FORMS)), np.logspace(0, 7, _DRAWN)
    drawn = [make(count, first_seed + k) for k in range(seeds)]
    for form in FORMS:
        fits = [excess(transformed(x, form), y) for x, y in drawn]
        work.put(
            **{
                f"{form}_steps": np.array([steps_until(*fit, _LEFT[name]) for fit in fits]),
                f"{form}_condition": np.array([1 / fit[0].min() for fit in fits]),
                f"{form}_losses": np.array([[loss_left(*fit, t) for t in grid] for fit in fits]),
            },
            grid=grid,
        )
        yield work.advance(f"{_DATA[name]}, {FORMS[form]}")
    return work.complete()


_MAKERS = {"invented": features, "digits": pixels}


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return the loss over the steps in every form, conditions, steps and their ratios."""
    panels, metrics = [], []
    for name, found in partials.items():
        forms = [form for form in FORMS if f"{form}_steps" in found]
        panels.append(_panel(name, found, forms))
        for form in forms:
            label = f"{_DATA[name]}, {FORMS[form]}"
            steps, condition = found[f"{form}_steps"], found[f"{form}_condition"]
            metrics.append(Metric(f"{name}_{form}", f"Steps, {label}", steps, ",.0f"))
            key = f"{name}_{form}_condition"
            metrics.append(Metric(key, f"Condition number, {label}", condition, ",.3g"))
        if found.get("complete"):
            for one, other in (("raw", "standardized"), ("standardized", "whitened")):
                ratio = found[f"{one}_steps"] / found[f"{other}_steps"]
                words = f"Steps, {_DATA[name]}: {FORMS[one]} / {FORMS[other]}"
                metrics.append(Metric(f"{name}_{one}_ratio", words, ratio, ",.3g"))
    return Result(tuple(panels), tuple(metrics))


def _panel(name: str, found: PartialResult, forms: list[str]) -> Panel:
    curves = tuple(
        Curve(
            FORMS[form],
            found["grid"],
            np.maximum(found[f"{form}_losses"], 1e-9),
            colour=f"neutral-{list(FORMS).index(form) + 1}",
        )
        for form in forms
    )
    return Panel(
        name,
        f"Excess loss, {_DATA[name]}",
        "steps",
        "share that is left",
        curves,
        x_scale="log",
        y_scale="log",
        y_range=(1e-9, 2.0),
        marks=((_LEFT[name], "arrived"),),
        help="Each form is descended at its own rate, 1 over its largest curvature. Shares below "
        "a billionth are drawn there.",
    )


_WHY = (
    "A factor of three: the best fixed rate, instead of 1 over the largest curvature, would save "
    "at most half of the steps."
)


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            f"{name}_raw_ratio",
            "Steps of raw over standardized inputs",
            matters_from=3.0,
            why=_WHY,
            part=words,
            form=",.3g",
        )
        for name, words in _DATA.items()
    ),
    controls=tuple(
        Control(
            f"{name}_whitened",
            f"Whitened inputs arrive in a few steps, {words}",
            at_most=10.0,
            part=words,
        )
        for name, words in _DATA.items()
    ),
    remarks=lambda result: _remark(result),
)


def _remark(result: Result) -> str:
    ratios = [result[f"{name}_standardized_ratio"].median for name in _DATA]
    said = " and ".join(
        f"{ratio:,.0f} times the steps on {words}"
        for ratio, words in zip(ratios, _DATA.values(), strict=True)
    )
    return f"Without correlations, too, it would be fewer still: standardized inputs take {said}."
