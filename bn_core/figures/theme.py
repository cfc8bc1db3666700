"""The one module that knows colours.

Figures name colours ("@before", "@grid/0.5"); ``paint`` turns the names into light or dark
ones. The browser does the same with PALETTES, so the rule stays trivial: a string that matches
COLOUR_NAME as a whole becomes "rgba(<triple of the palette>, <opacity or 1>)".
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bn_core.comparison import ARMS, Arm
from bn_core.figures.tones import tones_of, triple

COLOUR_NAME = re.compile(r"@([a-z_]+)(?:/([0-9.]+))?")

_LIGHT = {
    "text": "#262b33",
    "muted": "#667080",
    "grid": "#e3e7ed",
    "paper": "#ffffff",
    "shade": "#000000",
    "shine": "#ffffff",
    "accent": "#7048b6",
    "warning": "#b3261e",
    # Okabe and Ito's colours, a little darker where they carry text on white.
    "none": "#cc5200",
    "before": "#0072b2",
    "after": "#008a66",
    # Chosen to stay apart from these three and from each other to every kind of colour-blind eye.
    "layer": "#986897",
    "group": "#744402",
    "instance": "#2b3c15",
    "ghost": "#5d1bba",
    "renorm": "#005767",
    "rms": "#df034a",
    "weightnorm": "#9500ff",
    "weightstd": "#50176c",
    "neutral_a": "#000000",
    "neutral_b": "#906cfc",
    "neutral_c": "#a80064",
    "neutral_d": "#8c8c8c",
    "class_zero": "#3f3f00",
    "class_one": "#43207a",
    "signed_a": "#4f4f00",
    "signed_b": "#96962c",
    "signed_c": "#dcdca0",
    "signed_d": "#f6f6f4",
    "signed_e": "#d3c4ee",
    "signed_f": "#9a78d6",
    "signed_g": "#5a2d96",
}
_DARK = {
    "text": "#e8ebf0",
    "muted": "#9aa5b4",
    "grid": "#333a46",
    "paper": "#0e1117",
    "shade": "#000000",
    "shine": "#ffffff",
    "accent": "#b79bf0",
    "warning": "#ff8a80",
    "none": "#ff8f4d",
    "before": "#56b4ff",
    "after": "#2fd3a0",
    "layer": "#e08bbe",
    "group": "#e4d30a",
    "instance": "#c7efcc",
    "ghost": "#827cff",
    "renorm": "#99e7ff",
    "rms": "#cd45b2",
    "weightnorm": "#599e64",
    "weightstd": "#c6d384",
    "neutral_a": "#ffffff",
    "neutral_b": "#8424fc",
    "neutral_c": "#e04848",
    "neutral_d": "#84606c",
    "class_zero": "#f2f2a8",
    "class_one": "#dccbff",
    "signed_a": "#eaea7a",
    "signed_b": "#8c8c2a",
    "signed_c": "#4a4a20",
    "signed_d": "#20242c",
    "signed_e": "#3b2f5c",
    "signed_f": "#7e60c0",
    "signed_g": "#d6c6ff",
}


def _palette(colours: Mapping[str, str], lightest: float, darkest: float) -> dict[str, str]:
    """Return each colour as "red, green, blue" by name, those of arms in further tones too."""
    found = {name: triple(colour) for name, colour in colours.items()}
    for name in ARMS:
        tones = tones_of(colours[name], len(TONES), lightest, darkest)
        found |= {name + tone: colour for tone, colour in zip(TONES, tones, strict=True)}
    return found


TONES = ("_b", "_c", "_d")
"""What follows an arm's name in the names of its further tones."""

PALETTES: dict[str, dict[str, str]] = {
    "light": _palette(_LIGHT, lightest=61, darkest=12),  # 61: contrast 3 with white paper
    "dark": _palette(_DARK, lightest=97, darkest=44),
}
"""Each colour as "red, green, blue" by theme and name."""

SEQUENTIAL = [
    [0.0, "rgb(68, 1, 84)"],
    [0.125, "rgb(71, 44, 122)"],
    [0.25, "rgb(59, 81, 139)"],
    [0.375, "rgb(44, 113, 142)"],
    [0.5, "rgb(33, 144, 141)"],
    [0.625, "rgb(39, 173, 129)"],
    [0.75, "rgb(92, 200, 99)"],
    [0.875, "rgb(170, 220, 50)"],
    [1.0, "rgb(253, 231, 37)"],
]
"""For magnitudes: viridis, even to the eye, to colour-blind eyes and in grey."""

DIVERGING = [[i / 6, f"@signed_{letter}"] for i, letter in enumerate("gfedcba")]
"""For signed values: violet below zero, olive above, the colour of the paper between."""

BOUNDARY = [[i / 4, f"@signed_{letter}"] for i, letter in enumerate("bcdef")]
"""For the share of class 1 (violet) against class 0 (olive), pale enough to show points."""

CLASSES = (("@class_zero", "circle"), ("@class_one", "diamond"))
"""Colour and marker of the two classes of points in a plane."""


@dataclass(frozen=True)
class ArmStyle:
    """How one arm is drawn everywhere: never by colour alone."""

    colour: str
    dash: str
    symbol: str

    def faint(self, opacity: float) -> str:
        """Return the arm's colour, see-through."""
        return f"{self.colour}/{opacity}"


ARM_STYLES = {
    "none": ArmStyle("@none", "solid", "circle"),
    "before": ArmStyle("@before", "9px,3px", "square"),
    "after": ArmStyle("@after", "3px,2px", "triangle-up"),
    "layer": ArmStyle("@layer", "9px,2px,2px,2px", "diamond"),
    "group": ArmStyle("@group", "14px,3px", "cross"),
    "instance": ArmStyle("@instance", "2px,5px", "triangle-left"),
    "ghost": ArmStyle("@ghost", "6px,2px,2px,2px", "hourglass"),
    "renorm": ArmStyle("@renorm", "5px,3px", "star"),
    "rms": ArmStyle("@rms", "11px,2px,2px,2px,2px,2px", "triangle-right"),
    "weightnorm": ArmStyle("@weightnorm", "16px,2px,3px,2px", "star-triangle-up"),
    "weightstd": ArmStyle("@weightstd", "4px,2px,4px,6px", "star-diamond"),
}
CURVE_STYLES = {
    **ARM_STYLES,
    "neutral-1": ArmStyle("@neutral_a", "12px,2px,3px,2px", "pentagon"),
    "neutral-2": ArmStyle("@neutral_b", "20px,2px", "triangle-down"),
    "neutral-3": ArmStyle("@neutral_c", "7px,2px", "hexagram"),
    "neutral-4": ArmStyle("@neutral_d", "8px,5px", "bowtie"),
}
"""What ``Curve.colour`` may name: an arm's style, or one that stands for no arm."""
SPARE_STYLES = tuple(style for name, style in CURVE_STYLES.items() if name not in ARM_STYLES)


def arm_styles(arms: Iterable[Arm | str]) -> list[ArmStyle]:
    """Return the style of each arm, given as it is or by name.

    A variant has the hue of the registered arm that it is derived from, in a lightness, a dash and
    a symbol of its own. Names without a style share the spare ones out. No two of up to twelve
    arms have one dash or one symbol.
    """
    names = [arm if isinstance(arm, str) else arm.name for arm in arms]
    taken = {ARM_STYLES[name].dash for name in names if name in ARM_STYLES}
    seen: dict[str, int] = {name: 1 for name in names if name in ARM_STYLES}
    styles = []
    for name in names:
        style = ARM_STYLES.get(name)
        if style is None:
            hue = name.partition(";")[0]
            look = _free_look(hue, taken)
            style = _variant(ARM_STYLES[hue], look, seen.get(hue, 0)) if hue in ARM_STYLES else look
            seen[hue] = seen.get(hue, 0) + 1
            taken.add(look.dash)
        styles.append(style)
    return styles


def _free_look(hue: str, taken: Collection[str]) -> ArmStyle:
    """Return the first style whose dash is free: the hue's own, spare ones, those of other arms."""
    own = [ARM_STYLES[hue]] if hue in ARM_STYLES else []
    looks = [*own, *SPARE_STYLES, *reversed(ARM_STYLES.values())]
    return next((look for look in looks if look.dash not in taken), looks[len(taken) % len(looks)])


def _variant(style: ArmStyle, look: ArmStyle, number: int) -> ArmStyle:
    """Return a hue's style number 0, 1, ... with the dash and symbol of another."""
    colour = style.colour + ("", *TONES)[number % (len(TONES) + 1)]
    return ArmStyle(colour, look.dash, look.symbol)


def curve_style(colour: str, arm: str, tone: int) -> ArmStyle:
    """Return the style that ``colour`` names; else the arm's, else a spare one.

    Errors: ``ValueError`` for a colour that does not exist.
    """
    if colour:
        if colour not in CURVE_STYLES:
            raise ValueError(f"“{colour}” is no colour of a curve: {', '.join(CURVE_STYLES)}.")
        return CURVE_STYLES[colour]
    return ARM_STYLES.get(arm) or SPARE_STYLES[tone % len(SPARE_STYLES)]


def paint(figure: Any, theme_name: str) -> Any:
    """Return the figure with every colour name replaced; ``theme_name`` is "light" or "dark"."""
    return _painted(figure, PALETTES[theme_name])


def _painted(part: Any, palette: dict[str, str]) -> Any:
    if isinstance(part, str):
        match = COLOUR_NAME.fullmatch(part)
        return f"rgba({palette[match[1]]}, {match[2] or 1})" if match else part
    if isinstance(part, dict):
        return {key: _painted(value, palette) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_painted(value, palette) for value in part]
    return part
