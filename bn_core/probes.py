"""Listening to a net without changing it: what it sees is reduced to numbers at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from bn_core import measures
from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.models import Net
from bn_core.records import SITES, DataSummary, NetStatistics

ENTERS, NORMALIZED = SITES.index("pre_activation"), SITES.index("normalized")

PROBE_EXAMPLES = 128
HISTOGRAM_VALUES = 4096
"""Values of a layer that enter its histogram, all replicas together."""
IMAGE_ROWS = 30
GRID = 40
SCENE_POINTS = 300


@dataclass(frozen=True)
class Probe:
    """A fixed set of examples that every look at every arm uses."""

    dataset: Dataset
    inputs: Tensor  # (P, D) of the training part, the first IMAGE_ROWS sorted by class
    labels: Tensor  # (P,)
    grid: Tensor  # (G * G, 2), or (0, D) for images
    extent: float

    @classmethod
    def of(cls, dataset: Dataset, config: Config) -> "Probe":
        """Choose the probe's examples: the first of the training part."""
        count = min(PROBE_EXAMPLES, dataset.train_size)
        labels = dataset.train_labels[:count]
        order = torch.arange(count)
        order[:IMAGE_ROWS] = labels[:IMAGE_ROWS].argsort(stable=True)
        extent = float(dataset.train_inputs.abs().max()) * 1.05 if dataset.kind == "plane" else 0.0
        grid = _plane(extent) if dataset.kind == "plane" else dataset.train_inputs[:0]
        return cls(dataset, dataset.train_inputs[order], labels[order], grid, extent)

    def summary(self) -> DataSummary:
        """Return what the figures need to know of the data."""
        flat = self.extent > 0
        inputs = self.dataset.validation_inputs[: SCENE_POINTS if flat else 0]
        return DataSummary(
            classes=self.dataset.classes,
            train_size=self.dataset.train_size,
            validation_size=len(self.dataset.validation_inputs),
            points=inputs.numpy() if flat else np.zeros((0, 2), np.float32),
            labels=self.dataset.validation_labels[: len(inputs)].numpy(),
            extent=self.extent,
            row_labels=self.labels[:IMAGE_ROWS].numpy(),
        )


def _plane(extent: float) -> Tensor:
    line = torch.linspace(-extent, extent, GRID)
    down, across = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([across.flatten(), down.flatten()], dim=1)


@contextmanager
def capture_activations(net: Net) -> Iterator[dict[str, list[Tensor]]]:
    """Collect what passes each site of each hidden layer, (K, N, C) each, while the block runs."""
    captured: dict[str, list[Tensor]] = {site: [] for site in SITES}

    def activation(_module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        captured["pre_activation"].append(inputs[0])
        captured["post_activation"].append(output)

    def norm(_module: nn.Module, _inputs: tuple[Tensor], output: Tensor) -> None:
        captured["normalized"].append(output)

    hooks = [layer.activation.register_forward_hook(activation) for layer in net.hidden]
    hooks += [layer.norm.register_forward_hook(norm) for layer in net.hidden if layer.norm]
    try:
        yield captured
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def measure_net(
    net: Net, probe: Probe, train_accuracy: Tensor, gradients: Tensor, updates: Tensor
) -> NetStatistics:
    """Return one arm's look: distributions with batch statistics of the probe, and validation.

    ``gradients`` and ``updates``: (K, L + 1), of the step just taken. The net is left as it was.
    """
    validation = _validate(net, probe)
    with net.evaluation_mode(statistics="batch"), capture_activations(net) as captured:
        logits = net(_for_all(net, probe.inputs))
    rows = slice(0, IMAGE_ROWS)
    return NetStatistics(
        validation_loss=validation[0],
        validation_accuracy=validation[1],
        train_accuracy=train_accuracy.numpy(),
        gradient_norm=gradients.numpy(),
        update_ratio=updates.numpy(),
        **_distributions(captured, net.config.activation),
        output_gradient=measures.output_gradient(logits[0, rows], probe.labels[rows])
        .numpy()
        .astype(np.float16),
        boundary=_boundary(net, probe),
    )


def _for_all(net: Net, inputs: Tensor) -> Tensor:
    return inputs.expand(net.config.replicas, *inputs.shape)


def _validate(net: Net, probe: Probe) -> tuple[np.ndarray, np.ndarray]:
    data = probe.dataset
    labels = _for_all(net, data.validation_labels)
    with net.evaluation_mode(statistics=net.config.evaluate_with):
        logits = net(_for_all(net, data.validation_inputs))
    return measures.losses(logits, labels).numpy(), measures.accuracy(logits, labels).numpy()


def _distributions(captured: dict[str, list[Tensor]], activation: str) -> dict[str, np.ndarray]:
    """Reduce what was heard to the moments, percentiles, shares and histograms of a look."""
    outputs = torch.stack(captured["post_activation"])
    layers, replicas = outputs.shape[:2]
    # What batch norm hands to the activation is the same tensor twice; it is measured once.
    own_site = (
        captured["normalized"] and captured["normalized"][0] is not captured["pre_activation"][0]
    )
    sites = SITES if own_site else SITES[:2]
    values = torch.stack([tensor for site in sites for tensor in captured[site]])  # (S' L, K, N, C)
    mean, std = measures.moments(values)
    rows = max(1, HISTOGRAM_VALUES // (replicas * outputs.shape[3]))
    counts = measures.histograms(values[:, :, :rows], skip_zeros=True)
    dead, zero = measures.zero_shares(outputs)

    def arranged(numbers: Tensor) -> np.ndarray:
        """Bring (S' L, K, ...) to (K, S, L, ...), NaN where an arm lacks a site."""
        tail = numbers.shape[2:]
        result = np.full((replicas, len(SITES), layers, *tail), np.nan, np.float32)
        found = numbers.view(len(sites), layers, replicas, *tail).numpy()
        result[:, : len(sites)] = np.moveaxis(found, 2, 0)
        if captured["normalized"] and not own_site:
            result[:, NORMALIZED] = result[:, ENTERS]
        return result

    histogram = np.zeros((len(SITES), layers, counts.shape[1]), np.uint16)
    histogram[: len(sites)] = counts.view(len(sites), layers, -1).numpy()
    if captured["normalized"] and not own_site:
        histogram[NORMALIZED] = histogram[ENTERS]
    return {
        "mean": arranged(mean),
        "std": arranged(std),
        "quantiles": arranged(measures.pooled_quantiles(values)),
        "unit_quantiles": arranged(measures.unit_quantiles(values)),
        "saturated": measures.saturated_share(outputs, activation).T.numpy(),
        "dead": dead.T.numpy(),
        "zero": zero.T.numpy(),
        "histogram": histogram,
    }


def _boundary(net: Net, probe: Probe) -> np.ndarray:
    if not len(probe.grid):
        return np.zeros((0, 0), np.float16)
    with net.evaluation_mode(statistics="running"):
        logits = net(_for_all(net, probe.grid))[0]
    return logits.softmax(dim=1)[:, 1].view(GRID, GRID).numpy().astype(np.float16)
