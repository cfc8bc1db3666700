"""The groups that a page draws are those the layers compute with."""

from typing import Any

import numpy as np
import pytest
import torch

from bn_core.config import SETTINGS, Config
from bn_core.grouping import grouping, groups_of
from bn_core.normalization import NORMALIZATIONS, WEIGHT_NORMS, BatchRenorm, Normalization

N, C, S = 7, 6, 4
SETTING = Config(replicas=2, width=C, groups=3, ghost_size=3)
NAMES = list(NORMALIZATIONS)


def layer_of(name: str) -> Normalization:
    layer = NORMALIZATIONS[name](SETTING, SETTING.width).double()
    if isinstance(layer, BatchRenorm):
        assert layer.limits() == (1.0, 0.0)  # its first batches are normalized by their own moments
    return layer


def labels(name: str, positions: int) -> np.ndarray:
    return groups_of(name, (N, C, positions), groups=3, ghost_size=3)


def normalized_by(name: str, groups: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Normalize every group of entries by its own moments, one group after the other."""
    result = np.empty_like(x)
    for group in np.unique(groups):
        chosen = groups == group
        values = x[chosen]
        mean = 0.0 if name == "rms" else values.mean()
        square = ((values - mean) ** 2).mean()
        result[chosen] = (values - mean) / np.sqrt(square + SETTING.bn_epsilon)
    return result


@pytest.mark.parametrize("reference", [True, False])
@pytest.mark.parametrize("positions", [1, S])
@pytest.mark.parametrize("name", NAMES)
def test_the_layer_normalizes_by_the_groups_that_are_drawn(name, positions, reference):
    generator = torch.Generator().manual_seed(3)
    x = 3 * torch.randn(2, N, C, positions, generator=generator, dtype=torch.float64) + 2
    layer = layer_of(name)
    layer.reference = reference
    given = x[..., 0] if positions == 1 else x
    output = layer(given).detach().reshape(x.shape).numpy()
    for k in range(2):
        expected = normalized_by(name, labels(name, positions), x[k].numpy())
        np.testing.assert_allclose(output[k], expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_a_change_reaches_its_own_group_and_no_other(name):
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(2, N, C, S, generator=generator, dtype=torch.float64)
    groups = labels(name, S)
    changed = x.clone()
    changed[0, 2, 3, 1] += 1
    differs = (layer_of(name)(changed) != layer_of(name)(x))[0].numpy()
    np.testing.assert_array_equal(differs, groups == groups[2, 3, 1])


GROUP_COUNTS: dict[str, Any] = {
    "batch": C, "renorm": C, "ghost": 2 * C,
    "layer": N, "rms": N, "group": 3 * N, "instance": N * C,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_groups_are_counted_from_zero_without_a_gap(name):
    groups = labels(name, S)
    assert groups.shape == (N, C, S)
    assert sorted(set(groups.ravel())) == list(range(GROUP_COUNTS[name]))


def test_without_a_normalization_no_entry_has_a_group():
    assert (groups_of("none", (2, 3, 4)) == -1).all()


def test_every_choice_has_a_layer_and_its_groups():
    assert {"none", *NAMES, *WEIGHT_NORMS} == set(SETTINGS["normalization"].options)
    with pytest.raises(ValueError, match="'weight'"):
        grouping("weight", 4)


@pytest.mark.parametrize(
    ("examples", "size", "parts"),
    [
        (64, 16, [(64, 4)]),
        (100, 16, [(80, 5), (20, 1)]),
        (31, 16, [(31, 1)]),
        (33, 16, [(16, 1), (17, 1)]),
        (5, 16, [(5, 1)]),
        (3, 1, [(3, 3)]),
    ],
)
def test_what_fills_no_ghost_batch_joins_the_last(examples, size, parts):
    assert grouping("ghost", 4, ghost_size=size).parts(examples) == parts
