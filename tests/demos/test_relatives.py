"""The relatives on one small tensor, against torch's own functions in 64 bits."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from bn_core.demos.relatives import EXAMPLES, POSITIONS, RELATIVES, UNITS, relatives
from bn_core.experiments import _ended
from bn_core.figures.result import chart
from bn_core.figures.view import View
from bn_core.results import HeatMap, HeatMaps

SHAPE = (EXAMPLES, UNITS, POSITIONS)


def maps() -> dict[str, HeatMaps]:
    return {part.id: part for part in _ended(relatives()).panels if isinstance(part, HeatMaps)}


def field(part: HeatMaps, label: str) -> HeatMap:
    (found,) = (one for one in part.fields if one.label == label)
    return found


def tensor(part: HeatMaps, label: str) -> torch.Tensor:
    return torch.from_numpy(np.asarray(field(part, label).values).reshape(SHAPE))


def batch_norm(x: torch.Tensor) -> torch.Tensor:
    return functional.batch_norm(x, None, None, training=True)


def renorm(x: torch.Tensor) -> torch.Tensor:
    """Correct by r = clip(sigma_B, 1/3, 3) and d = clip(mu_B, -5, 5): the averages are 0 and 1."""
    mean = x.mean(dim=(0, 2), keepdim=True)
    sigma = torch.sqrt(x.var(dim=(0, 2), correction=0, keepdim=True) + 1e-5)
    return (x - mean) / sigma * sigma.clamp(1 / 3, 3) + mean.clamp(-5, 5)


TORCH = {
    "batch": batch_norm,
    "layer": lambda x: functional.layer_norm(x, x.shape[1:]),
    "rms": lambda x: functional.rms_norm(x, x.shape[1:], eps=1e-5),
    "instance": functional.instance_norm,
    "group": lambda x: functional.group_norm(x, 2),
    "ghost": lambda x: torch.cat([batch_norm(part) for part in x.split(2)]),
    "renorm": renorm,
}


@pytest.mark.parametrize("name", RELATIVES)
def test_outputs_are_torchs(name):
    part = maps()["outputs"]
    x = tensor(part, "x")
    found, exact = tensor(part, RELATIVES[name]), TORCH[name](x)
    np.testing.assert_allclose(found, exact, rtol=1e-11, atol=1e-11)


def test_the_relatives_differ_on_this_tensor():
    part = maps()["outputs"]
    labels = [one.label for one in part.fields]
    assert labels == ["x", *RELATIVES.values()]
    for i, one in enumerate(labels):
        for other in labels[:i]:
            assert (tensor(part, one) - tensor(part, other)).abs().max() > 0.1, (one, other)


@pytest.mark.parametrize("name", [name for name in RELATIVES if name != "renorm"])
def test_equal_letters_share_one_mean_and_one_variance(name):
    shown = maps()
    x, y = (tensor(shown["outputs"], label).numpy() for label in ("x", RELATIVES[name]))
    group = field(shown["groups"], RELATIVES[name])
    letters = np.array(group.text).reshape(SHAPE)
    for letter in np.unique(letters):
        mine = letters == letter
        mean = 0.0 if name == "rms" else x[mine].mean()
        exact = (x[mine] - mean) / np.sqrt(((x[mine] - mean) ** 2).mean() + 1e-5)
        np.testing.assert_allclose(y[mine], exact, atol=1e-11)
        assert len(np.unique(group.values.reshape(SHAPE)[mine])) == 1
    assert len(np.unique(group.values)) == len(np.unique(letters))


def test_the_groups_are_named_in_words_and_not_by_their_colours() -> None:
    words = chart(maps()["groups"], View()).alt
    assert "Batch norm: 4 groups, A, B, C, D" in words and "between" not in words
    assert "Instance norm: 16 groups" in words and "11" not in words and "22" not in words


def test_renormalization_groups_as_batch_norm_does():
    groups = maps()["groups"]
    one, other = (field(groups, RELATIVES[name]) for name in ("batch", "renorm"))
    assert one.text == other.text


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("batch", UNITS),
        ("layer", EXAMPLES),
        ("rms", EXAMPLES),
        ("instance", EXAMPLES * UNITS),
        ("group", 2 * EXAMPLES),
        ("ghost", 2 * UNITS),
    ],
)
def test_there_are_as_many_groups_as_the_normalization_makes(name, count):
    letters = np.array(field(maps()["groups"], RELATIVES[name]).text)
    assert len(np.unique(letters)) == count


def test_what_is_written_in_the_cells_is_what_they_hold():
    for one in maps()["outputs"].fields:
        written = np.array([[float(cell) for cell in row] for row in one.text])
        np.testing.assert_allclose(written, one.values, atol=0.0501)
