"""What is said of a net before it is built is what the built net says of itself."""

import itertools

import pytest

from bn_core.arms import ARMS
from bn_core.config import Config
from bn_core.net_outlines import OUTLINES, net_outline
from bn_core.nets import build
from bn_core.nets.registry import ARCHITECTURES

SMALL = Config(depth=3, width=8, channels=(8, 16), dense=(8,), replicas=1, data="digits")
VARIED = [
    {},
    {"dropout": 0.2},
    {"input_norm": True, "normalized_layers": (2,)},
    {"normalized_layers": (1, 3)},
    {"normalized_layers": (3,), "moved_layers": (3,)},
    {"branch_start": "skipinit"},
    {"branch_start": "zero_gamma", "moved_layers": (3,), "channels": (8, 8, 16)},
    {"data": "moons", "architecture": "plain", "widths": (8, 16)},
]
KNOWN = ("plain", "residual", "conv", "inception", "conv_residual", "recurrent")


def built(config: Config) -> tuple:
    spec = config.data_spec
    return build(config, spec.input_shape, len(spec.classes)).outline


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_outline_is_that_of_the_built_net(architecture: str) -> None:
    for arm, changes in itertools.product(ARMS.values(), VARIED):
        config = arm.config(SMALL.changed({"architecture": architecture} | changes))
        assert net_outline(config) in ((), built(config)), (arm.name, changes)


def test_the_usual_nets_have_outlines() -> None:
    for architecture in KNOWN:
        config = SMALL.changed({"architecture": architecture})
        assert len(net_outline(config)) == config.depth + 1


def test_outlines_are_of_architectures_that_there_are() -> None:
    assert set(OUTLINES) <= set(ARCHITECTURES)
