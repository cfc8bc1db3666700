"""Recomputed statistics move a trained net to a new domain (Li et al. 2016)."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.experiments.base import (
    PartialResult,
    Trainer,
    UnconvertedExperiment,
    complete,
    progress,
)
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
    Verdict,
)

_LEAST_ADAPTED = 0.9
_MOST_INVERTED = 0.2


def _clean(x: Tensor, draw: torch.Generator) -> Tensor:
    return x


def _affine(x: Tensor, draw: torch.Generator) -> Tensor:
    return 0.4 * x + 1.5


def _per_pixel(x: Tensor, draw: torch.Generator) -> Tensor:
    factors = torch.empty(x.shape[1]).uniform_(0.5, 2.0, generator=draw)
    return x * factors + torch.randn(x.shape[1], generator=draw)


def _noisy(x: Tensor, draw: torch.Generator) -> Tensor:
    return x + torch.randn(x.shape, generator=draw)


def _inverted(x: Tensor, draw: torch.Generator) -> Tensor:
    return x.min() + x.max() - x


DOMAINS: Mapping[str, tuple[str, Callable[[Tensor, torch.Generator], Tensor]]] = {
    "clean": ("as trained", _clean),
    "affine": ("paler and brighter", _affine),
    "pixel": ("each pixel its own", _per_pixel),
    "noise": ("noisy", _noisy),
    "inverse": ("inverted", _inverted),
}
"""What becomes of images (N, D), already standardized: a name and a function of them."""

_PARTS = {"levels": ("clean", "affine", "pixel"), "content": ("noise", "inverse")}

SPEC = ExperimentSpec(
    slug="adabn",
    title="Moving to a new domain by new statistics",
    claim="Recomputing batch norm's statistics adapts a trained net to another domain.",
    source="Li, Wang, Shi, Liu & Hou 2016 (1603.04779), section 3 (AdaBN)",
    claims=(),
    question="Images become paler and brighter. Which share is put right with new statistics?",
    answers=("Below a half", "About three quarters", "Nearly all, as before"),
    method=(
        "A 3-layer ReLU net with batch norm learns the digits. The validation digits then change: "
        "x becomes 0.4 x + 1.5; or each pixel gets a factor and an offset of its own; or noise of "
        "standard deviation 1 is added; or dark and bright are swapped. Each time the net is "
        "judged with its running averages, and with statistics of the changed digits, taken in "
        "one pass that sees no labels and changes no weight."
    ),
    formula=r"\hat x = \frac{x-\mu_{new}}{\sqrt{\sigma^2_{new}+\epsilon}}",
    paper_found=(
        "Li et al. adapted image classifiers from one source of photographs to another this way "
        "and improved on methods that train further."
    ),
    disagreement=(
        "New statistics undo what a unit's mean and scale can express. They add no information "
        "that noise has covered, and cannot tell that an image was inverted."
    ),
    shards=tuple(_PARTS),
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train the net, then judge it in some domains with old and with new statistics."""
    config = Config(
        depth=3,
        initialization="he",
        normalization="batch",
        replicas=seeds,
        steps=150 if quick else 400,
    )
    trainee = Trainer(config)
    total = config.steps + len(_PARTS[name])
    for step in range(config.steps):
        trainee.step()
        yield progress(step, total, f"training, step {step}")
    piece: PartialResult = {"old": {}, "new": {}, "images": {}}
    for number, domain in enumerate(_PARTS[name]):
        yield progress(config.steps + number, total, DOMAINS[domain][0], piece)
        inputs = changed(trainee.dataset.validation_inputs, domain, config.seed)
        piece["images"][domain] = inputs[0].view(trainee.dataset.input_shape[1:]).numpy()
        piece["old"][domain] = trainee.evaluate(inputs=inputs)[1].numpy()
        with recomputed(trainee, inputs):
            piece["new"][domain] = trainee.evaluate(inputs=inputs)[1].numpy()
    return complete(piece)


def changed(inputs: Tensor, domain: str, seed: int) -> Tensor:
    """Return images (N, D) as another domain would show them; drawn anew from the seed."""
    return DOMAINS[domain][1](inputs, generator(seed, "data", 12))


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return accuracy with old and new statistics for each domain, and one digit in each."""
    found: dict[str, dict[str, np.ndarray]] = {"old": {}, "new": {}, "images": {}}
    for piece in pieces.values():
        for key, values in found.items():
            values.update(piece.get(key, {}))
    measures = [
        Metric(f"{domain} {key}", f"{DOMAINS[domain][0]}, {words}", found[key][domain], ".2f")
        for domain in DOMAINS
        for key, words in (("old", "running averages"), ("new", "new statistics"))
        if domain in found[key]
    ]
    parts = (_panel(found), _map(found["images"])) if found["images"] else (_panel(found),)
    return Result(parts, tuple(measures))


def _panel(found: dict[str, dict[str, np.ndarray]]) -> Panel:
    curves = []
    for label, key, arm in (
        ("running averages", "old", "none"),
        ("statistics of the new images", "new", "before"),
    ):
        seen = [domain for domain in DOMAINS if domain in found[key]]
        if seen:
            x = np.array([list(DOMAINS).index(domain) for domain in seen])
            y = np.stack([found[key][domain] for domain in seen], axis=1)
            curves.append(Curve(label, x, y, arm=arm, kind="points"))
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


def _map(images: Mapping[str, np.ndarray]) -> HeatMaps:
    fields = [HeatMap(DOMAINS[domain][0], images[domain]) for domain in DOMAINS if domain in images]
    return HeatMaps(
        "images",
        "One digit in each domain",
        "",
        "",
        tuple(fields),
        "brightness",
        help="In units of the training data's standard deviation.",
        signed=False,
        square=True,
    )


def judge(finding: Result) -> Verdict:
    """It depends if moved levels are mended and inversion is not, for every seed."""
    mended = [finding[f"{domain} new"] for domain in ("affine", "pixel")]
    inverse, noise = finding["inverse new"], finding["noise new"]
    words = (
        f"Paler and brighter: {finding['affine old'].words()} with the running averages, "
        f"{mended[0].words()} with new statistics. Each pixel its own: "
        f"{finding['pixel old'].words()}, then {mended[1].words()}. Noise: "
        f"{finding['noise old'].words()}, then {noise.words()}. Inverted: "
        f"{finding['inverse old'].words()}, then {inverse.words()}."
    )
    if not (mended[0].values >= _LEAST_ADAPTED).all():
        return Verdict("fails", words)
    if (inverse.values > _MOST_INVERTED).all() and (noise.values >= _LEAST_ADAPTED).all():
        return Verdict("holds", words)
    return Verdict("depends", "It depends on what changed. " + words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)
