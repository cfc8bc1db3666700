"""How far the running averages lag behind the net they describe (Wu & Johnson 2021)."""

from collections.abc import Mapping

import numpy as np

from bn_core.config import Config
from bn_core.experiments.base import Experiment, PartialResult, Trainer, progress, whole
from bn_core.experiments.statistics import recomputed
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_MOMENTA = {"slow": 0.001, "usual": 0.1}
_EVERY = 10
_AT = 100
_LEAST_GAP = 0.1

ABOUT = ExperimentSpec(
    slug="lag",
    title="The running averages lag behind",
    claim="The running averages describe the trained net well enough to deploy it.",
    source="Ioffe & Szegedy 2015 (1502.03167), Algorithm 2; doubted by Wu & Johnson 2021",
    claims=(13,),
    question="With momentum 0.001 (0.999 in Keras), how well does the net do after 100 steps?",
    answers=("As well as it trains", "A little worse", "Much worse"),
    method=(
        "A 5-layer ReLU net learns the digits, batch 32, rate 0.2, with momentum 0.1 and 0.001. "
        "Every ten steps it is judged twice on the same validation data: with its running "
        "averages, and with statistics recomputed from the training data for the weights of that "
        "moment (PreciseBN)."
    ),
    formula=r"gap = acc(\text{recomputed}) - acc(\text{running})",
    paper_found=(
        "Wu & Johnson found validation error noisy and worse early in training with the running "
        "average, and recommend recomputed statistics."
    ),
    disagreement=(
        "The lag is a matter of steps times momentum: after enough steps the gap closes. It is "
        "largest early, and while the weights still move fast."
    ),
    parts=tuple(_MOMENTA),
    link="depth=5&init=he&lr=0.2&batch=32&bnm=0.001&steps=300",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train with one momentum, judging both ways every ten steps."""
    config = Config(
        depth=5,
        initialization="he",
        normalization="batch",
        bn_momentum=_MOMENTA[name],
        learning_rate=0.2,
        batch_size=32,
        replicas=seeds,
    )
    trainee, steps = Trainer(config), (_AT if quick else 3 * _AT)
    at, running, precise = [], [], []
    for step in range(1, steps + 1):
        trainee.step()
        if step % _EVERY == 0:
            at.append(step)
            running.append(trainee.evaluate()[1].numpy())
            with recomputed(trainee):
                precise.append(trainee.evaluate()[1].numpy())
        piece = {"steps": np.array(at), "running": _rows(running), "precise": _rows(precise)}
        yield progress(step, steps, f"momentum {_MOMENTA[name]:g}, step {step}", piece)
    return whole(piece)


def _rows(found: list[np.ndarray]) -> np.ndarray:
    return np.array(found).T if found else np.zeros((1, 0))


def conclude(pieces: Mapping[str, PartialResult]) -> Result:
    """Return both accuracies over the steps, and the gap at step 100."""
    curves, measures = [], []
    for tone, (name, piece) in enumerate(pieces.items()):
        momentum = f"momentum {_MOMENTA[name]:g}"
        curves.append(Curve(f"running, {momentum}", piece["steps"], piece["running"], tone=tone))
        if name == "slow":
            curves.append(
                Curve(f"recomputed, {momentum}", piece["steps"], piece["precise"], arm="before")
            )
        if piece.get("whole"):
            at = int(np.flatnonzero(piece["steps"] == _AT)[0])
            gap = piece["precise"][:, at] - piece["running"][:, at]
            measures.append(Metric(name, f"Gap at step {_AT}, {momentum}", gap, ".2f"))
    panel = Panel(
        "accuracy",
        "Validation accuracy with either kind of statistics",
        "step",
        "validation accuracy",
        tuple(curves),
        help="The weights are the same at each step; only the mean and variance that batch norm "
        "uses differ.",
        y_range=(0.0, 1.02),
    )
    return Result((panel,), tuple(measures))


def judge(finding: Result) -> Verdict:
    """The claim fails for a momentum whose gap is large for every seed."""
    slow, usual = finding["slow"], finding["usual"]
    words = f"Gap at step {_AT}: {slow.words()} with momentum 0.001, {usual.words()} with 0.1."
    if (slow.values >= _LEAST_GAP).all() and (usual.values >= _LEAST_GAP).all():
        return Verdict("fails", words)
    if (slow.values >= _LEAST_GAP).all():
        return Verdict("depends", "It depends on the momentum. " + words)
    return Verdict("holds", words)


EXPERIMENT = Experiment(ABOUT, part, conclude, judge)
