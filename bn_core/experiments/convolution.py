"""Batches of two with convolutions: a channel is averaged over the pixels too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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

_SMALL, _LARGE = _ENDS = (2, 32)
_SIZES = (2, 4, 8, 16, 32)
_EXAMPLES, _QUICK_EXAMPLES = 5600, 2800
_RATE_PER_EXAMPLE = 0.2 / 32
_LEAST_FALL = 0.106
_LEARNED = 0.8


@dataclass(frozen=True)
class _Net:
    words: str
    changes: Mapping[str, Any]
    style: str
    sizes: tuple[int, ...] = _SIZES


_CONVOLUTIONS = {"architecture": "conv", "channels": (8, 16, 16)}
_NETS = {
    "conv": _Net("Convolutions", _CONVOLUTIONS, "neutral-1"),
    "dense": _Net(
        "One dense layer",
        {**_CONVOLUTIONS, "dense": (32,), "normalized_layers": (4,)},
        "neutral-2",
    ),
    "mlp": _Net("Five dense layers", {"depth": 5}, "neutral-3"),
    "dense_plain": _Net(
        "Convolutions and a dense layer, no norm",
        {**_CONVOLUTIONS, "dense": (32,), "normalization": "none"},
        "neutral-4",
        (_SMALL,),
    ),
    "mlp_plain": _Net(
        "Five dense layers, no norm", {"depth": 5, "normalization": "none"}, "none", (_SMALL,)
    ),
}
_PARTS = {
    "conv": "convolutions",
    "dense": "one dense layer behind convolutions",
    "mlp": "five dense layers",
}

SPEC = ExperimentSpec(
    slug="convolution",
    title="Batches of two with convolutions",
    claim="Batch norm stands batches of two behind convolutions, where it averages over pixels "
    "too, and fails with them behind dense layers.",
    source="Ioffe & Szegedy 2015 (1502.03167), section 3.2: the effective batch of a feature map",
    claims=(13,),
    question="Three convolutions with batch norm learn from batches of two. Then a dense layer of "
    "32 units follows them, and it alone has batch norm. What happens?",
    answers=(
        "Both nets learn",
        "The first learns, the second falls below 70 %",
        "Neither learns",
    ),
    method=(
        "Nets learn from 5,600 digits in batches of 2 to 32; the rate is 0.2 for 32 and shrinks "
        "with the batch. One has convolutions of 8, 16 and 16 channels with batch norm; one the "
        "same convolutions without it and a dense layer of 32 units with it; one five dense "
        "layers of 64 units with it. With batches of two the latter two are trained without batch "
        "norm as well, to see that they can learn so."
    ),
    formula=r"m_{conv} = N \cdot H \cdot W = 2 \cdot 8 \cdot 8 = 128, \qquad m_{dense} = N = 2 "
    r"\ \Rightarrow\ \hat x = \pm 1",
    paper_found=(
        "Ioffe & Szegedy normalize a feature map over all examples and positions together, so its "
        "effective batch has m p q values for maps of p times q. They report no batches this small."
    ),
    disagreement=(
        "The pixels of one image are not independent, so 128 values count for fewer. On larger "
        "sets, with batches of two, convolutions suffer as well: Wu & He 2018 (1803.08494) "
        "measured it on ImageNet, where images of a batch differ far more."
    ),
    shards=tuple(_NETS),
    link="arch=conv&channels=8-16-16&init=he&lr=0.0125&batch=2&steps=1400"
    "&arms=before~before;normed:4;dense:32~before;depth:5;arch:plain",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one net with every size of batch."""
    net, examples = _NETS[name], _QUICK_EXAMPLES if quick else _EXAMPLES
    base = Config(initialization="he", normalization="batch", replicas=seeds, seed=first_seed)
    settings = []
    for size in (one for one in net.sizes if one in _ENDS or not quick):
        how = {"batch_size": size, "learning_rate": _RATE_PER_EXAMPLE * size}
        words = f"{net.words}, batches of {size}"
        settings.append(
            Setting(size, base.changed({**net.changes, **how}), examples // size, words)
        )
    return (yield from train_each(settings))


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the size of the batch, and what batches of two cost each net."""
    metrics = []
    for name in (name for name in _NETS if is_complete(partials, [name])):
        words, accuracy = _NETS[name].words, partials[name]["accuracy"]
        metrics.append(Metric(f"{name}_2", f"{words}: batches of 2", accuracy[:, 0], ".1%"))
        if name in _PARTS:
            fall = accuracy[:, -1] - accuracy[:, 0]
            metrics += [
                Metric(f"{name}_32", f"{words}: batches of 32", accuracy[:, -1], ".1%"),
                Metric(f"{name}_fall", f"{words}: accuracy lost by batches of 2", fall, ".3f"),
            ]
    panel = accuracy_panel(
        "Accuracy by size of the training batches",
        "examples in a batch",
        accuracy_curves(
            partials,
            {name: net.words for name, net in _NETS.items()},
            colours={name: net.style for name, net in _NETS.items()},
        ),
        "The words say which layers have batch norm. Every net is trained on the same number of "
        "digits.",
    )
    return Result((panel,), tuple(metrics))


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "conv_fall",
            "Accuracy lost from batches of 32 to batches of 2",
            matters_from=_LEAST_FALL / 2,
            why="Surely less than the fall that matters for dense layers, and at most half of it.",
            scale="difference",
            direction="below",
            reference=_LEAST_FALL,
            part=_PARTS["conv"],
            form=".3f",
        ),
        *(
            Effect(
                f"{name}_fall",
                "Accuracy lost from batches of 32 to batches of 2",
                matters_from=_LEAST_FALL,
                why="Between batch and group norm Wu & He found 10.6 points, with 2 images.",
                scale="difference",
                part=_PARTS[name],
                form=".3f",
            )
            for name in ("dense", "mlp")
        ),
    ),
    controls=(
        *(
            Control(f"{name}_32", "Accuracy with batches of 32", _LEARNED, part=part, form=".1%")
            for name, part in _PARTS.items()
        ),
        *(
            Control(
                f"{name}_plain_2",
                "Accuracy with batches of 2, without batch norm",
                _LEARNED,
                part=_PARTS[name],
                form=".1%",
            )
            for name in ("dense", "mlp")
        ),
    ),
)
