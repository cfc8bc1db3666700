"""Lighter and darker tones of one colour."""

APART = 11.0
"""Lightness between two tones, of 100: told apart side by side without effort."""


def triple(colour: str) -> str:
    """Return a colour, # and six hexadecimal digits, as "red, green, blue" of 0 to 255."""
    return ", ".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))


def tones_of(colour: str, count: int, lightest: float, darkest: float) -> list[str]:
    """Return so many tones of a colour as "red, green, blue", from the most useful on.

    They lie APART, in CIE L* from ``darkest`` to ``lightest``, and mix the colour's linear light
    with white or with black: the hue stays about the same.
    """
    light = [_linear(int(part)) for part in triple(colour).split(",")]
    luminance = _luminance(light)
    own = 116 * luminance ** (1 / 3) - 16
    # The first tones stand out most, since few nets have more than two variants.
    steps = (sign * APART * n for n in (2, 1, *range(3, 10)) for sign in (-1, 1))
    wanted = [own + step for step in steps if darkest <= own + step <= lightest]
    return [_mixed(light, luminance, ((tone + 16) / 116) ** 3) for tone in wanted[:count]]


def _mixed(light: list[float], luminance: float, wanted: float) -> str:
    if wanted <= luminance:
        mixed = [part * wanted / luminance for part in light]
    else:
        white = (wanted - luminance) / (1 - luminance)
        mixed = [part + white * (1 - part) for part in light]
    return ", ".join(str(round(255 * _encoded(part))) for part in mixed)


def _luminance(light: list[float]) -> float:
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), light, strict=True))


def _linear(value: int) -> float:
    """Return a value of sRGB, 0 to 255, as linear light from 0 to 1 (IEC 61966-2-1)."""
    share = value / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def _encoded(light: float) -> float:
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
