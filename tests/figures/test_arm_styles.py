"""Each curve can be told from every other one: by colour-blind eyes too, and without colour."""

import itertools
from collections.abc import Iterable

import numpy as np
import pytest

from bn_core.comparison import ARMS, Arm, derived_arm
from bn_core.config import Config
from bn_core.figures.theme import (
    ARM_STYLES,
    CURVE_STYLES,
    PALETTES,
    TONES,
    arm_styles,
    paint,
)

SIGHT = {
    "usual": np.eye(3),
    "no red cones": [[0.152, 1.052, -0.204], [0.114, 0.786, 0.099], [-0.003, -0.048, 1.052]],
    "no green cones": [[0.367, 0.860, -0.228], [0.280, 0.672, 0.047], [-0.011, 0.042, 0.968]],
    "no blue cones": [[1.255, -0.076, -0.178], [-0.078, 0.930, 0.147], [0.004, 0.691, 0.303]],
}  # fmt: skip
"""What is left of linear red, green and blue: Machado, Oliveira, Fernandes 2009, severity 1."""

TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def linear(palette: str, name: str) -> np.ndarray:
    """Return a palette's colour as linear red, green and blue from 0 to 1."""
    values = np.array([int(part) for part in PALETTES[palette][name].split(",")]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def seen(palette: str, name: str, sight: str) -> np.ndarray:
    """Return a colour in CIE L*a*b*, in which distances are about what the eye sees."""
    rgb = np.clip(np.array(SIGHT[sight]) @ linear(palette, name), 0, 1)
    x, y, z = np.cbrt(np.array(TO_XYZ) @ rgb / (0.9505, 1.0, 1.089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("palette", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
def test_no_two_curves_look_alike(palette, sight):
    colours = [style.colour.removeprefix("@") for style in CURVE_STYLES.values()]
    assert set(ARMS) < set(colours)
    for one, other in itertools.combinations(colours, 2):
        apart = np.linalg.norm(seen(palette, one, sight) - seen(palette, other, sight))
        assert apart > 11, (one, other)  # 2 is just noticeable side by side


@pytest.mark.parametrize("palette", ["light", "dark"])
def test_every_arm_stands_out_from_the_paper(palette):
    paper = linear(palette, "paper") @ TO_XYZ[1]
    for name in ARMS:
        light = linear(palette, name) @ TO_XYZ[1]
        assert (max(light, paper) + 0.05) / (min(light, paper) + 0.05) > 4.3, name


@pytest.mark.parametrize("palette", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
def test_no_class_and_no_signed_value_has_the_colour_of_a_net(palette, sight):
    for one in ("class_zero", "class_one", "signed_a", "signed_b", "signed_f", "signed_g"):
        for other in ("none", "before", "after"):
            apart = np.linalg.norm(seen(palette, one, sight) - seen(palette, other, sight))
            assert apart > 5, (one, other)
    for one, other in (("class_zero", "class_one"), ("signed_a", "signed_g")):
        assert np.linalg.norm(seen(palette, one, sight) - seen(palette, other, sight)) > 11


def test_without_colour_dashes_and_symbols_tell_the_arms_apart():
    assert set(ARMS) == set(ARM_STYLES)
    assert len({style.dash for style in CURVE_STYLES.values()}) == len(CURVE_STYLES)
    assert len({style.symbol for style in CURVE_STYLES.values()}) == len(CURVE_STYLES)


@pytest.mark.parametrize("palette", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
def test_tones_of_an_arm_can_be_told_apart_and_stand_out_from_the_paper(palette, sight):
    paper = linear(palette, "paper") @ TO_XYZ[1]
    for name in ARMS:
        tones = [name, *(name + tone for tone in TONES)]
        for one, other in itertools.combinations(tones, 2):
            assert np.linalg.norm(seen(palette, one, sight) - seen(palette, other, sight)) > 7.5
        for tone in tones:
            light = linear(palette, tone) @ TO_XYZ[1]
            assert (max(light, paper) + 0.05) / (min(light, paper) + 0.05) > 3, tone


def variants(name: str, sizes: Iterable[int]) -> list[Arm]:
    return [derived_arm(ARMS[name], {"batch_size": size}, Config()) for size in sizes]


@pytest.mark.parametrize(
    "arms",
    [
        variants("before", range(1, 9)),
        [*variants("before", (1, 2, 3)), ARMS["before"], ARMS["none"], *variants("none", (1, 2))],
        [*variants("ghost", (4, 8)), *ARMS.values()][:8],
        [Arm("x", "X"), Arm("y", "Y"), *variants("after", range(1, 7))],
    ],
)  # fmt: skip
def test_variants_have_the_hue_of_their_arm_and_a_dash_and_symbol_of_their_own(arms):
    styles = arm_styles(arms)
    assert styles == arm_styles(arm.name for arm in arms)
    assert len({style.dash for style in styles}) == len({style.symbol for style in styles})
    assert len({style.dash for style in styles}) == len(arms)
    hues = [style.colour.removeprefix("@").partition("_")[0] for style in styles]
    known = [(arm, hue) for arm, hue in zip(arms, hues, strict=True) if len(arm.name) > 1]
    assert all(hue == arm.registered_name for arm, hue in known)
    for arm, style in zip(arms, styles, strict=True):
        assert ARM_STYLES.get(arm.name, style) == style, "registered arms look as ever"
    assert all(paint(style.colour, "dark").startswith("rgba(") for style in styles)


def test_the_first_variant_looks_like_its_arm_unless_that_is_there_too():
    small = variants("before", (4,))
    assert arm_styles(small) == [ARM_STYLES["before"]]
    assert arm_styles([*small, ARMS["before"]])[0].colour == "@before_b"
