"""Measuring a net without changing it: what passes through it is reduced to numbers in the hook."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from bn_core.nets.net import Net, ProbedLayer
from bn_core.probing import feature_maps, statistics
from bn_core.probing.capture import Receive, capture
from bn_core.probing.probe import GRID, IMAGE_ROWS, Probe
from bn_core.records import BINS, QUANTILES, SITES, NetStatistics

PRE_ACTIVATION, POST_ACTIVATION, NORMALIZED = SITES


@dataclass(frozen=True)
class SiteStatistics:
    """The distribution of what passed one site of one layer: its moments, and chosen values.

    The choices are small whatever the layer's size. Percentiles and histograms are taken of all
    sites at once, when every layer has been passed: a call for each would cost more than the step.
    """

    mean: Tensor  # (K,)
    std: Tensor  # (K,)
    chosen: Tensor  # (K, M) values that enter the percentiles; (K, 0) without percentiles
    unit: Tensor  # (K, N) values of the first unit; (K, 0) without percentiles
    counted: Tensor  # (H,) values that enter the histogram

    @classmethod
    def of(cls, values: Tensor, *, percentiles: bool) -> "SiteStatistics":
        """Reduce values (K, N, C, ...)."""
        values = values.contiguous()
        of_histogram = max(1, statistics.HISTOGRAM_VALUES // len(values))
        none = values.new_empty(len(values), 0)
        return cls(
            *statistics.moments(values),
            statistics.even_choice(values, statistics.QUANTILE_VALUES) if percentiles else none,
            statistics.first_unit(values) if percentiles else none,
            statistics.even_choice(values, of_histogram).flatten(),
        )


class LayerStatistics:
    """What passes one layer, reduced while it passes; no tensor of it is kept."""

    def __init__(
        self, layer: ProbedLayer, activation: str, shown_rows: list[int], *, percentiles: bool
    ) -> None:
        self.layer, self.activation, self.shown_rows = layer, activation, shown_rows
        self.percentiles = percentiles
        self.maps: Tensor | None = None  # (E, M, H, W) where there are channels
        self.sites: dict[str, SiteStatistics] = {}
        self.saturated = self.dead = self.zero = torch.zeros(0)  # (K,) each

    def receivers(self) -> Iterator[tuple[nn.Module, Receive]]:
        """Yield the modules to capture, each with what takes in their values."""
        yield self.layer.activation, self._receive_activation
        if self.layer.norm is not None and not self.layer.norm_feeds_activation:
            yield self.layer.norm, self._receive_norm

    def _receive_activation(self, entered: Tensor, left: Tensor) -> None:
        self.sites[PRE_ACTIVATION] = SiteStatistics.of(entered, percentiles=self.percentiles)
        self.sites[POST_ACTIVATION] = SiteStatistics.of(left, percentiles=self.percentiles)
        if self.layer.norm_feeds_activation:
            self.sites[NORMALIZED] = self.sites[PRE_ACTIVATION]
        self.dead, self.zero = statistics.zero_shares(left)
        self.saturated = statistics.saturated_share(left, self.activation)
        if left.dim() == 5:
            self.maps = feature_maps.small(left[0, self.shown_rows, : feature_maps.SHOWN_CHANNELS])

    def _receive_norm(self, _entered: Tensor, left: Tensor) -> None:
        self.sites[NORMALIZED] = SiteStatistics.of(left, percentiles=self.percentiles)


@torch.no_grad()
def measure_net(
    net: Net,
    probe: Probe,
    train_accuracy: Tensor,
    gradients: Tensor,
    updates: Tensor,
    *,
    live: bool = False,
) -> NetStatistics:
    """Return one arm's statistics: distributions with batch moments of the probe, and validation.

    ``gradients`` and ``updates``: (K, L + 1), of the step just taken. The net is left as it was.
    ``live`` statistics lack what costs most and is not drawn ten times a second: the percentiles
    are NaN, and the boundary is empty.
    """
    validation = _validate(net, probe)
    shown, activation = probe.shown_rows, net.config.hidden_activation
    layers = [
        LayerStatistics(layer, activation, shown, percentiles=not live) for layer in net.probed
    ]
    receivers = [receiver for layer in layers for receiver in layer.receivers()]
    with net.evaluation_mode(statistics="batch"), capture(*receivers):
        logits = net(_for_all(net, probe.inputs))
    rows = slice(0, IMAGE_ROWS)
    output_gradient = statistics.output_gradient(logits[0, rows], probe.labels[rows])
    return NetStatistics(
        validation_loss=validation[0],
        validation_accuracy=validation[1],
        train_accuracy=train_accuracy.numpy(),
        gradient_norm=gradients.numpy(),
        update_ratio=updates.numpy(),
        **_distributions(layers, net.config.replicas),
        output_gradient=output_gradient.numpy().astype(np.float16),
        boundary=np.zeros((0, 0), np.float16) if live else _boundary(net, probe),
        labels=tuple(layer.label for layer in net.probed),
        outline=net.outline,
        feature_maps=feature_maps.as_shades([layer.maps for layer in layers]),
    )


def _for_all(net: Net, inputs: Tensor) -> Tensor:
    return inputs.expand(net.config.replicas, *inputs.shape)


def _validate(net: Net, probe: Probe) -> tuple[np.ndarray, np.ndarray]:
    data = probe.dataset
    labels = _for_all(net, data.validation_labels)
    inputs = _for_all(net, data.validation_inputs)
    logits = net.evaluated(inputs, statistics=net.config.evaluate_with)
    return statistics.losses(logits, labels).numpy(), statistics.accuracy(logits, labels).numpy()


def _distributions(layers: list[LayerStatistics], replicas: int) -> dict[str, np.ndarray]:
    """Arrange the statistics of L layers as a record holds them; NaN where a layer lacks a site."""
    moments = np.full((2, replicas, len(SITES), len(layers)), np.nan, np.float32)
    quantiles = np.full((2, *moments.shape[1:], len(QUANTILES)), np.nan, np.float32)
    histogram = np.zeros((len(SITES), len(layers), BINS), np.uint16)
    counted, sorted_values = np.zeros((2, len(SITES), len(layers)), np.int32)
    reduced = _reduced([site for layer in layers for site in layer.sites.values()])
    for index, layer in enumerate(layers):
        for name, site in layer.sites.items():
            place = SITES.index(name), index
            of_all, of_unit, counts, mean_and_std = reduced[id(site)]
            moments[:, :, *place] = mean_and_std
            quantiles[:, :, *place] = of_all, of_unit
            histogram[place] = statistics.scaled_to_16_bits(counts)
            counted[place], sorted_values[place] = counts.sum(), site.chosen.shape[1]

    def by_layer(shares: list[Tensor]) -> np.ndarray:
        return torch.stack(shares, dim=1).numpy() if shares else np.zeros((replicas, 0), np.float32)

    return {
        "mean": moments[0],
        "std": moments[1],
        "quantiles": quantiles[0],
        "unit_quantiles": quantiles[1],
        "saturated": by_layer([layer.saturated for layer in layers]),
        "dead": by_layer([layer.dead for layer in layers]),
        "zero": by_layer([layer.zero for layer in layers]),
        "histogram": histogram,
        "histogram_values": counted,
        "quantile_values": sorted_values,
    }


def _reduced(sites: list[SiteStatistics]) -> dict[int, tuple[np.ndarray, ...]]:
    """Return percentiles of all units and of the first, counts, and moments, by site identity.

    A site that stands for two, what a norm hands straight to the activation, is reduced once.
    """
    each = list({id(site): site for site in sites}.values())
    rows = zip(
        _of_all([site.chosen for site in each], _percentiles),
        _of_all([site.unit for site in each], _percentiles),
        _of_all([site.counted for site in each], statistics.histograms),
        torch.stack([torch.stack([site.mean, site.std]) for site in each]).numpy(),
        strict=True,
    )
    return {id(site): row for site, row in zip(each, rows, strict=True)}


def _percentiles(values: Tensor) -> Tensor:
    if not values.shape[-1]:
        return values.new_full((*values.shape[:-1], len(QUANTILES)), math.nan)
    return statistics.quantiles(values)


def _of_all(samples: list[Tensor], reduce: Callable[[Tensor], Tensor]) -> list[np.ndarray]:
    """Return ``reduce`` of each sample, those of one shape reduced at once."""
    by_shape: dict[torch.Size, list[int]] = {}
    for index, sample in enumerate(samples):
        by_shape.setdefault(sample.shape, []).append(index)
    found = [np.zeros(0)] * len(samples)
    for indices in by_shape.values():
        reduced = reduce(torch.stack([samples[index] for index in indices])).numpy()
        for row, index in enumerate(indices):
            found[index] = reduced[row]
    return found


def _boundary(net: Net, probe: Probe) -> np.ndarray:
    if not len(probe.grid):
        return np.zeros((0, 0), np.float16)
    with net.evaluation_mode(statistics="running"):
        logits = net(_for_all(net, probe.grid))[0]
    return logits.softmax(dim=1)[:, 1].view(GRID, GRID).numpy().astype(np.float16)
