"""One unit's statistics, and what the two modes make of the same net, step by step."""

import numpy as np
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.experiments.base import Trainer
from bn_core.experiments.statistics import batch_norms, recomputed
from bn_core.normalization.base import batch_moments
from bn_core.probing import captured_inputs, statistics
from bn_core.results import Curve, Metric, Panel, Progress, Result, TaskGenerator

_EVERY = 5
"""Steps between two passes over all training data."""
_UNIT_HELP = "Unit 1 of the last hidden layer of the first seed, before it is normalized."


def following(
    momentum: float, cumulative: bool, batch_size: int, rate: float, steps: int
) -> TaskGenerator:
    """Train three seeds and record, at every step, what the running averages hold.

    One unit's batch mean and variance, their running averages, and those of all training data for
    the weights of that step; the loss of the batch just seen in both modes. Every five steps also
    validation accuracy with the running averages and with recomputed statistics.
    """
    if not 1 <= steps <= 1000:
        raise ValueError("Between 1 and 1,000 steps can be followed.")
    config = Config(
        depth=3,
        initialization="he",
        normalization="batch",
        bn_momentum=momentum,
        bn_cumulative=cumulative,
        batch_size=batch_size,
        learning_rate=rate,
        replicas=3,
    )
    rows = _Rows(Trainer(config))
    for step in range(1, steps + 1):
        rows.take_step(step)
        if step % _EVERY == 0 or step == steps:
            rows.measure_all_data(step)
        partial = rows.result() if step % (10 * _EVERY) == 0 else None
        yield Progress(step / steps, f"step {step} of {steps}", partial)
    return rows.result()


class _Rows:
    """What has been recorded so far."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.norm = batch_norms(trainer)[-1]
        self.steps: list[int] = []
        self.batch: list[tuple[float, float]] = []
        self.running: list[tuple[float, float]] = []
        self.losses: list[tuple[Tensor, Tensor]] = []
        self.all_steps: list[int] = []
        self.all_data: list[tuple[float, float]] = []
        self.accuracies: list[tuple[Tensor, Tensor]] = []

    def take_step(self, step: int) -> None:
        batch = self.trainer.batches.next()
        with torch.no_grad(), self.trainer.net.evaluation_mode(statistics="running"):
            in_eval = statistics.losses(self.trainer.net(batch[0]), batch[1])
        with captured_inputs(self.norm) as entered:
            in_training = self.trainer.step(batch)
        mean, variance = batch_moments(entered[0])
        self.steps.append(step)
        self.batch.append((float(mean[0, 0, 0]), float(variance[0, 0, 0])))
        self.running.append(self._stored())
        self.losses.append((in_training, in_eval))

    def measure_all_data(self, step: int) -> None:
        running = self.trainer.evaluate()[1]
        with recomputed(self.trainer):
            self.all_data.append(self._stored())
            self.accuracies.append((running, self.trainer.evaluate()[1]))
        self.all_steps.append(step)

    def _stored(self) -> tuple[float, float]:
        mean, variance = self.norm.running_mean, self.norm.running_variance
        assert mean is not None and variance is not None
        return float(mean[0, 0]), float(variance[0, 0])

    def result(self) -> Result:
        """Return the curves so far, and the gaps at the last step."""
        running, precise = (_seeds([pair[i] for pair in self.accuracies]) for i in (0, 1))
        training, evaluating = (_seeds([pair[i] for pair in self.losses]) for i in (0, 1))
        panels = (
            self._of_unit(0, "mean", "Mean of one unit"),
            self._of_unit(1, "variance", "Variance of one unit"),
            self._losses(training, evaluating),
            self._accuracy(running, precise),
        )
        found = (
            Metric(
                "gap",
                "Loss in eval mode minus in training mode, same batch",
                (evaluating - training)[:, -1],
            ),
            Metric("running", "Accuracy with running averages", running[:, -1], ".1%"),
            Metric("precise", "Accuracy with recomputed statistics", precise[:, -1], ".1%"),
        )
        return Result(panels, found)

    def _of_unit(self, which: int, name: str, title: str) -> Panel:
        at, every = np.array(self.steps), np.array(self.all_steps)
        one = np.array([[pair[which] for pair in self.batch]])
        stored = np.array([[pair[which] for pair in self.running]])
        whole = np.array([[pair[which] for pair in self.all_data]])
        curves = (
            Curve("this batch", at, one, faint=True),
            Curve("all training data", every, whole, colour="neutral-3"),
            Curve("running average", at, stored, colour="neutral-2"),
        )
        words = (
            " The running variance takes in each batch's unbiased variance, as in PyTorch; in "
            "Keras 3 the biased one."
        ) * which
        return Panel(name, title, "step", name, curves, help=_UNIT_HELP + words)

    def _losses(self, training: np.ndarray, evaluating: np.ndarray) -> Panel:
        at = np.array(self.steps)
        curves = (
            Curve("training mode", at, training, colour="neutral-3"),
            Curve("eval mode", at, evaluating, colour="neutral-2"),
        )
        words = (
            "Each new batch, evaluated with the weights before they are updated with it: with its "
            "own mean and variance, and with the running averages."
        )
        return Panel(
            "loss",
            "Loss of the newest batch",
            "step",
            "cross entropy (nats)",
            curves,
            words,
            y_scale="log",
        )

    def _accuracy(self, running: np.ndarray, precise: np.ndarray) -> Panel:
        at = np.array(self.all_steps)
        curves = (
            Curve("recomputed (PreciseBN)", at, precise, colour="neutral-3"),
            Curve("running averages", at, running, colour="neutral-2"),
        )
        words = (
            "The same weights on the validation data with two sets of statistics. Recomputed: all "
            "training data in one pass, weights fixed (Wu & Johnson 2021, section 3)."
        )
        return Panel(
            "accuracy",
            "Validation accuracy",
            "step",
            "accuracy",
            curves,
            words,
            y_range=(0.0, 1.02),
        )


def _seeds(rows: list[Tensor]) -> np.ndarray:
    """Return T tensors (K,) as one array (K, T)."""
    return torch.stack(rows, dim=1).numpy() if rows else np.zeros((1, 1)) * np.nan
