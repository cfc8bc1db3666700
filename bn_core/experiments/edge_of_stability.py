"""Full-batch gradient descent at the edge of stability, with and without batch norm."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bn_core.config import Config
from bn_core.datasets.loading import load_per_seed
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Series,
    Shard,
    arm_label,
    is_complete,
)
from bn_core.experiments.effective_rate import furthest
from bn_core.experiments.effects import Control, Effect
from bn_core.nets import Net, build
from bn_core.randomness import generator
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_EXAMPLES = 500
_STEPS, _EVERY, _ITERATIONS = 2000, 50, 25
_QUICK_STEPS = 600
_GAIN = 0.5 / 2**0.5
"""He's variance is 2 / inputs; here it is 0.25 / inputs."""
_RUNS: Mapping[str, tuple[str, float]] = {
    "none_low": ("none", 0.2),
    "none_high": ("none", 0.3),
    "before_low": ("before", 0.1),
    "before_high": ("before", 0.2),
}
_QUICK = ("none_low", "before_low")
_TOLERANCE, _BELOW = 1.1, 0.8
_VECTOR_STREAM = 33
_PARTS = {"none": "no norm", "before": "batch norm"}
_LAST = 0.25

SPEC = ExperimentSpec(
    slug="edge",
    title="At the edge of stability",
    claim=(
        "Gradient descent on all examples sharpens the loss until its curvature is 2 / η, and "
        "goes on there; batch norm does not change that."
    ),
    source="Cohen et al. 2021 (2103.00065), abstract and section 3",
    claims=(4,),
    question=(
        "The largest curvature of the loss is 2 / η where gradient descent becomes unstable. "
        "Where is it after 2,000 steps of a net with batch norm?"
    ),
    answers=(
        "Far below 2 / η: batch norm smooths the loss",
        "At 2 / η, as without batch norm",
        "Far above 2 / η",
    ),
    method=(
        "Two tanh layers of 32 units learn 500 digits by squared error, all of them in every step, "
        "at rates 0.2 and 0.3 without a norm, 0.1 and 0.2 with batch norm; weights begin "
        "with variance 0.25 / inputs. Every 50 steps 25 rounds of power iteration, from the last "
        "vector found, give the largest eigenvalue of the Hessian, the sharpness. What counts is "
        "the mean of the last quarter."
    ),
    formula=r"L=\frac{1}{2N}\sum_n\lVert z(x_n)-y_n\rVert^2,\quad "
    r"s=\lambda_{\max}\!\left(\nabla^2 L\right),\quad \frac{\eta\,s}{2}\to 1",
    paper_found=(
        "Cohen et al.: as long as the sharpness is below 2 / η it rises; then it stays at or just "
        "above that value, and the loss falls on, though not at every step. They find it for "
        "many nets and tasks."
    ),
    disagreement=(
        "It is a fact of full batches, and clearest with squared error. At small rates, and with "
        "larger initial weights behind which batch norm stands, the sharpness rises so slowly that "
        "2,000 steps end below the edge. How smooth the loss is depends on the rate, then, with "
        "batch norm too."
    ),
    shards=tuple(_RUNS),
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Descend with one arm and rate, and measure the sharpness on the way."""
    arm, rate = _RUNS[name]
    steps = (_QUICK_STEPS if name in _QUICK else 0) if quick else _STEPS
    work, series = Shard(steps), Series()
    if not steps:
        return work.complete()
    net, loss_of = problem(arm, seeds, first_seed)
    parameters = list(net.parameters())
    vectors = _random_vectors(parameters, seeds, first_seed)
    losses = np.zeros((seeds, 0))
    for step in range(steps + 1):
        found = loss_of()
        if step % _EVERY == 0:
            sharp, vectors = sharpness(found, parameters, vectors, _ITERATIONS)
            found = loss_of()
            measured = {"sharpness": sharp.numpy(), "loss": found.detach().numpy()}
            work.put(**series.extended(step, measured))
        losses = np.column_stack([losses, found.detach().numpy()])
        descend(found, parameters, rate)
        if step:
            yield work.advance(f"{_label(name)}, step {step}")
    work.put(rises=(np.diff(losses, axis=1) > 0).mean(axis=1))
    return work.complete()


def problem(arm: str, seeds: int, first_seed: int) -> tuple[Net, Callable[[], Tensor]]:
    """Return untrained nets and the function that gives their losses on all examples, (K,).

    L = 1/(2N) sum_n |z_n - onehot(y_n)|^2, with batch norm by the statistics of all N.
    """
    config = Config(
        depth=2,
        width=32,
        activation="tanh",
        initialization="he",
        gain=_GAIN,
        normalization="batch" if arm == "before" else "none",
        replicas=seeds,
        seed=first_seed,
    )
    data = load_per_seed(config)
    inputs, labels = data.train_inputs[:, :_EXAMPLES], data.train_labels[:, :_EXAMPLES]
    targets = functional.one_hot(labels, len(data.classes)).to(inputs.dtype)
    net = build(config, data.input_shape, len(data.classes))

    def loss_of() -> Tensor:
        return (net(inputs) - targets).square().sum(dim=2).mean(dim=1) / 2

    return net, loss_of


def descend(losses: Tensor, parameters: list[torch.nn.Parameter], rate: float) -> None:
    """Move every net along the gradient of its own loss: theta <- theta - rate dL/dtheta."""
    gradients = torch.autograd.grad(losses.sum(), parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= rate * gradient


def sharpness(
    losses: Tensor,
    parameters: list[torch.nn.Parameter],
    vectors: list[Tensor],
    iterations: int,
) -> tuple[Tensor, list[Tensor]]:
    """Return the largest eigenvalue of each net's Hessian, (K,), and its vector, by parameter.

    Power iteration v <- Hv / |Hv| from ``vectors``, shaped as the parameters; the eigenvalue is
    v Hv / |v|^2. It finds the eigenvalue of largest magnitude. The losses (K,) of the nets, which
    share no parameter, are summed, so one product serves all.
    """
    replicas = len(losses)
    gradients = torch.autograd.grad(losses.sum(), parameters, create_graph=True)
    value = torch.zeros(replicas)
    for _ in range(iterations):
        vectors = _normalized(vectors, replicas)
        products = torch.autograd.grad(gradients, parameters, vectors, retain_graph=True)
        value = _inner(vectors, products, replicas)
        vectors = [product.detach() for product in products]
    return value.detach(), vectors


def _inner(first: list[Tensor], second: tuple[Tensor, ...] | list[Tensor], count: int) -> Tensor:
    """Return the inner product of each net's vectors, (K,); the nets come first in memory."""
    pairs = zip(first, second, strict=True)
    return torch.stack([(a * b).reshape(count, -1).sum(dim=1) for a, b in pairs]).sum(dim=0)


def _normalized(vectors: list[Tensor], count: int) -> list[Tensor]:
    lengths = _inner(vectors, vectors, count).sqrt().clamp(min=1e-30)
    return [(v.reshape(count, -1) / lengths[:, None]).view(v.shape) for v in vectors]


def _random_vectors(
    parameters: list[torch.nn.Parameter], seeds: int, first_seed: int
) -> list[Tensor]:
    draws = [generator(first_seed + k, "weights", _VECTOR_STREAM) for k in range(seeds)]
    return [
        torch.stack([torch.randn(p.numel() // seeds, generator=draw) for draw in draws]).view(
            p.shape
        )
        for p in parameters
    ]


def _label(name: str) -> str:
    arm, rate = _RUNS[name]
    return f"{arm_label(arm)} at rate {rate:g}"


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return sharpness times half the rate, and the loss, over the steps."""
    products, losses, metrics = [], [], []
    for tone, name in enumerate(name for name in _RUNS if "steps" in partials.get(name, {})):
        found, (_, rate) = partials[name], _RUNS[name]
        products.append(
            Curve(_label(name), found["steps"], found["sharpness"] * rate / 2, tone=tone)
        )
        losses.append(Curve(_label(name), found["steps"], found["loss"], tone=tone))
        if found.get("complete"):
            metrics += _metrics(name, found)
    if is_complete(partials, SPEC.shards):
        metrics += _of_arms({metric.key: metric.values for metric in metrics})
    panels = (
        Panel(
            "product", "Sharpness times half the learning rate", "step", "η s / 2", tuple(products),
            help="Above 1 a quadratic loss of this curvature would be unstable: each step along "
            "the sharpest direction would overshoot by more than the last.",
            y_scale="log",
            marks=((1.0, "the edge: s = 2 / η"),),
        ),
        Panel("loss", "Squared error on the 500 digits", "step", "loss", tuple(losses),
              y_scale="log"),
    )  # fmt: skip
    return Result(panels, tuple(metrics))


def _metrics(name: str, found: PartialResult) -> list[Metric]:
    label, (_, rate) = _label(name), _RUNS[name]
    product = found["sharpness"] * rate / 2
    last = max(1, int(_LAST * product.shape[1]))
    end = product[:, -last:].mean(axis=1)
    form = ".3f"
    return [
        Metric(f"{name}_end", f"{label}: η s / 2 in the last quarter", end, form),
        Metric(f"{name}_lowest", f"{label}: lowest η s / 2", product.min(axis=1), form),
        Metric(
            f"{name}_rises", f"{label}: share of steps that raise the loss", found["rises"], ".0%"
        ),
    ]


def _of_arms(values: Mapping[str, Array]) -> list[Metric]:
    """Return each arm's value at the rate where it ends farther from 1, and the lowest of all."""
    metrics = []
    for arm in _PARTS:
        names = [name for name, (of, _) in _RUNS.items() if of == arm and f"{name}_end" in values]
        ends = np.stack([values[f"{name}_end"] for name in names], axis=1)
        lowest = np.min([values[f"{name}_lowest"] for name in names], axis=0)
        label = arm_label(arm)
        metrics += [
            Metric(
                arm,
                f"{label}: η s / 2 in the end at the rate farther from 1",
                furthest(ends),
                ".3f",
            ),
            Metric(f"{arm}_lowest", f"{label}: lowest η s / 2 on the way", lowest, ".3f"),
        ]
    return metrics


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            arm,
            "Sharpness times η / 2 in the last quarter, at the rate where it is farther from 1",
            matters_from=_TOLERANCE,
            why="A tenth: Cohen et al. call it at or just above 2 / η.",
            direction="within",
            part=part,
            form=".3f",
        )
        for arm, part in _PARTS.items()
    ),
    controls=tuple(
        Control(
            f"{arm}_lowest",
            "Lowest sharpness times η / 2 on the way",
            at_most=_BELOW,
            part=part,
            form=".3f",
        )
        for arm, part in _PARTS.items()
    ),
)
