"""The former place of the probe, until every import names ``bn_core.probing``."""

from contextlib import contextmanager

from bn_core.probing import Probe, capture, measure_net
from bn_core.probing.probe import IMAGE_ROWS
from bn_core.records import SITES

__all__ = ["IMAGE_ROWS", "Probe", "capture_activations", "measure_net"]


@contextmanager
def capture_activations(net):
    """Collect what passes each site of each layer, (K, N, C) each, while the block runs."""
    captured = {site: [] for site in SITES}

    def activation(entered, left) -> None:
        captured["pre_activation"].append(entered)
        captured["post_activation"].append(left)

    def norm(_entered, left) -> None:
        captured["normalized"].append(left)

    receivers = [(layer.activation, activation) for layer in net.probed]
    receivers += [(layer.norm, norm) for layer in net.probed if layer.norm is not None]
    with capture(*receivers):
        yield captured
