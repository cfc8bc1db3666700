"""Recomputed statistics move a trained net to a new domain (Li et al. 2016)."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    make_trainer,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.experiments.statistics import recomputed
from bn_core.randomness import generator
from bn_core.results import (
    Curve,
    ExperimentSpec,
    HeatMap,
    HeatMaps,
    Metric,
    Panel,
    Result,
    TaskGenerator,
)

Array = np.ndarray
_LEAST_REGAINED = 0.5
_LEAST_LOST = 0.1
_LEARNED = 0.9


def _per_pixel(x: Tensor, draw: torch.Generator) -> Tensor:
    factors = torch.empty(x.shape[1]).uniform_(0.5, 2.0, generator=draw)
    return x * factors + torch.randn(x.shape[1], generator=draw)


DOMAINS: Mapping[str, tuple[str, Callable[[Tensor, torch.Generator], Tensor]]] = {
    "clean": ("as trained", lambda x, draw: x),
    "affine": ("paler and brighter", lambda x, draw: 0.4 * x + 1.5),
    "pixel": ("each pixel rescaled", _per_pixel),
    "noise": ("noisy", lambda x, draw: x + torch.randn(x.shape, generator=draw)),
    "inverse": ("inverted", lambda x, draw: x.min() + x.max() - x),
}
"""What becomes of images (N, D), already standardized: a name and a function of them."""

_NEW = tuple(domain for domain in DOMAINS if domain != "clean")
_WAYS = {"old": "running averages", "new": "new statistics"}

SPEC = ExperimentSpec(
    slug="adabn",
    title="Moving to a new domain by new statistics",
    claim="Recomputing batch norm's statistics adapts a trained net to another domain.",
    source="Li, Wang, Shi, Liu & Hou 2016 (1603.04779), section 3 (AdaBN)",
    claims=(),
    question="Images become paler and brighter. What accuracy do new statistics give?",
    answers=("Below one half", "About three quarters", "Nearly the same as before"),
    method=(
        "A 3-layer ReLU net with batch norm learns the digits. The validation digits then change: "
        "x becomes 0.4 x + 1.5; or each pixel gets a factor and an offset of its own; or noise of "
        "standard deviation 1 is added; or dark and bright are swapped. Each time the net is "
        "evaluated with its running averages, and with statistics of the changed digits, taken in "
        "one pass that uses no labels and changes no weight."
    ),
    formula=r"regained = \frac{acc_{new} - acc_{old}}{acc_{as\ trained} - acc_{old}}",
    paper_found=(
        "Li et al. adapted image classifiers from one source of photographs to another this way "
        "and improved on methods that train further."
    ),
    disagreement=(
        "New statistics undo what a unit's mean and scale can express. They add no information "
        "that noise has covered, and cannot tell that an image was inverted."
    ),
    shards=("net",),
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train the net, then evaluate it in each domain with old and with new statistics."""
    config = Config(
        depth=3, initialization="he", normalization="batch", replicas=seeds, seed=first_seed
    )
    trainer, steps = make_trainer(config), 150 if quick else 400
    work = Shard(steps + len(DOMAINS))
    yield from work.train(trainer, steps, "training")
    side = trainer.dataset.input_shape[1:]
    for domain, (words, _) in DOMAINS.items():
        inputs = changed(trainer.dataset.validation_inputs, domain, first_seed)
        work.put(**{f"{domain}_image": inputs[0, 0].view(side).numpy()})
        work.put(**{f"{domain}_old": validation_accuracy(trainer, inputs=inputs)})
        with recomputed(trainer, inputs):
            work.put(**{f"{domain}_new": validation_accuracy(trainer, inputs=inputs)})
        yield work.advance(words)
    return work.complete()


def changed(inputs: Tensor, domain: str, first_seed: int) -> Tensor:
    """Return images (K, N, D) as another domain would show them, each replica by its own seed."""
    _, change = DOMAINS[domain]
    replicas = enumerate(inputs, start=first_seed)
    return torch.stack([change(images, generator(seed, "data", 12)) for seed, images in replicas])


def regained(clean: Array, old: Array, new: Array) -> Array:
    """Return (new - old) / (clean - old), (R,), of accuracies; NaN where nothing was lost."""
    lost = clean - old
    return np.divide(new - old, lost, out=np.full(lost.shape, np.nan), where=lost > 0)


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy with old and new statistics for each domain, and one digit in each."""
    found = partials.get("net", {})
    domains = [domain for domain in DOMAINS if f"{domain}_new" in found]
    metrics = [
        Metric(f"{domain}_{way}", f"{DOMAINS[domain][0]}, {words}", found[f"{domain}_{way}"], ".1%")
        for domain in domains
        for way, words in _WAYS.items()
    ]
    for domain in (domain for domain in domains if domain != "clean"):
        clean, old, new = (found[key] for key in ("clean_old", f"{domain}_old", f"{domain}_new"))
        label = DOMAINS[domain][0]
        metrics += [
            Metric(f"{domain}_lost", f"{label}: accuracy lost", clean - old, ".3f"),
            Metric(f"{domain}_regained", f"{label}: regained", regained(clean, old, new), ".2f"),
        ]
    panels = (_panel(found, domains), _images(found, domains)) if domains else ()
    return Result(panels, tuple(metrics))


def _panel(found: PartialResult, domains: list[str]) -> Panel:
    x = np.arange(len(domains), dtype=float)
    curves = []
    for tone, (way, words) in enumerate(_WAYS.items()):
        y = np.stack([found[f"{domain}_{way}"] for domain in domains], axis=1)
        curves.append(Curve(words, x, y, tone=tone, kind="points"))
    return Panel(
        "accuracy",
        "Accuracy in a new domain, with old and new statistics",
        "what happened to the images",
        "validation accuracy",
        tuple(curves),
        help="The weights, gamma and beta are the same throughout; no label is used.",
        y_range=(-0.02, 1.02),
        categories=tuple(words for words, _ in DOMAINS.values()),
    )


def _images(found: PartialResult, domains: list[str]) -> HeatMaps:
    return HeatMaps(
        "images",
        "One digit in each domain",
        "",
        "",
        tuple(HeatMap(DOMAINS[domain][0], found[f"{domain}_image"]) for domain in domains),
        "brightness",
        help="In units of the training data's standard deviation.",
        signed=False,
        square=True,
    )


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            f"{domain}_regained",
            "Share of the lost accuracy that new statistics regain",
            matters_from=_LEAST_REGAINED,
            why="Half of what the change of the images has cost.",
            scale="difference",
            part=DOMAINS[domain][0],
            form=".2f",
            lost="lost no accuracy",
        )
        for domain in _NEW
    ),
    controls=(
        Control("clean_old", "Accuracy on digits as trained", _LEARNED, form=".1%"),
        *(
            Control(f"{d}_lost", "Accuracy lost", _LEAST_LOST, part=DOMAINS[d][0], form=".3f")
            for d in _NEW
        ),
    ),
)
