"""One declaration per setting: default, limits, label, unit and help in one place.

A settings class is a frozen dataclass whose fields are made by the functions below. Validation,
widgets, help texts and links all read the same declaration, so they cannot disagree.
"""

import dataclasses
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["choice", "whole", "number", "log", "switch", "schedule", "wholes"]

LONGEST_VALUE = 700
"""Characters of one value in a link that are read at all."""

MOST_CHANGES = 20
"""Changes of the learning rate that one run may hold."""

MOST_WHOLES = 20
"""Numbers that a setting of several whole numbers may hold, if it does not say fewer."""

MOST_NAMED = 3
"""Unknown parts of a link that are named; of the rest it is said how many there are."""

Schedule = tuple[tuple[int, float], ...]

ReadIf = Callable[[Any], bool]
"""Says of an instance of a settings class whether anything depends on a setting."""


class SettingError(ValueError):
    """A value that a setting does not take; the message says what it takes instead."""


@dataclass(frozen=True)
class Setting:
    """What there is to know about one setting."""

    kind: Kind
    key: str
    label: str
    help: str
    default: Any
    low: float = 0.0
    high: float = 0.0
    unit: str = ""
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    of: "Setting | None" = None
    also: str = ""
    """A regular expression of names that a choice takes besides, though it does not offer them."""
    most: int = MOST_WHOLES
    read_if: ReadIf | None = None
    """Whether settings, as a whole, depend on this one; None: always."""

    def check(self, value: Any) -> Any:
        """Return ``value`` in this setting's type; raise SettingError if it does not fit."""
        match self.kind:
            case "choice":
                return self._check_choice(value)
            case "switch":
                return self._check_switch(value)
            case "schedule":
                return self._check_schedule(value)
            case "wholes":
                return self._check_wholes(value)
            case _:
                return self._check_number(value)

    def read(self, text: str) -> Any:
        """Return the value that ``text``, as found in a link, stands for."""
        if not isinstance(text, str):
            raise SettingError(f"{self.label}: a link holds texts.")
        if len(text) > LONGEST_VALUE:
            raise SettingError(f"{self.label}: the text is too long to be a value.")
        match self.kind:
            case "choice":
                return self.check(text)
            case "switch":
                return self.check({"on": True, "off": False}.get(text, text))
            case "schedule":
                return self.check(self._split_schedule(text))
            case "wholes":
                return self.check(self._split_wholes(text))
            case _:
                return self.check(self._to_float(text))

    def write(self, value: Any) -> str:
        """Return the text that stands for ``value`` in a link; ``read`` undoes it."""
        match self.kind:
            case "switch":
                return "on" if value else "off"
            case "schedule":
                return "_".join(f"{step}:{item!r}" for step, item in value)
            case "wholes":
                return "-".join(map(str, value))
            case _:
                return str(value)

    def _check_choice(self, value: Any) -> str:
        known = isinstance(value, str) and (
            value in self.options or bool(self.also and re.fullmatch(self.also, value))
        )
        if not known:
            raise SettingError(f"{self.label} is one of: {', '.join(self.options)}.")
        return value

    def _check_switch(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise SettingError(f"{self.label} is on or off.")
        return value

    def _check_number(self, value: Any) -> int | float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits or not self.low <= value <= self.high:  # which NaN is not, nor infinity
            raise SettingError(f"{self.label} goes from {self.low:g} to {self.high:g}.")
        if self.kind != "whole":
            return float(value)
        if value != int(value):
            raise SettingError(f"{self.label} is a whole number.")
        return int(value)

    def _check_schedule(self, value: Any) -> Schedule:
        if not isinstance(value, tuple | list) or not all(_is_change(part) for part in value):
            raise SettingError(f"{self.label}: each is a whole step and the value from then on.")
        if len(value) > MOST_CHANGES:
            raise SettingError(f"{self.label}: at most {MOST_CHANGES} changes fit in one run.")
        steps = [step for step, _ in value]
        if steps != sorted(set(steps)) or any(step < 1 or step > self.high for step in steps):
            raise SettingError(f"{self.label}: steps rise from 1 to {self.high:g}.")
        return tuple((step, self._item(Setting.check, item)) for step, item in value)

    def _check_wholes(self, value: Any) -> tuple[int, ...]:
        if not isinstance(value, tuple | list) or not all(type(item) is int for item in value):
            raise SettingError(f"{self.label} are whole numbers.")
        if len(value) > self.most:
            raise SettingError(f"{self.label}: at most {self.most} numbers.")
        if not all(self.low <= item <= self.high for item in value):
            raise SettingError(f"{self.label}: each goes from {self.low:g} to {self.high:g}.")
        return tuple(value)

    def _item(self, take: Callable[["Setting", Any], Any], item: Any) -> Any:
        """Return what the setting this is a schedule of takes ``item`` for."""
        assert self.of is not None, "a schedule declares what it is a schedule of"
        try:
            return take(self.of, item)
        except SettingError as error:
            raise SettingError(f"{self.label}: {error}") from None

    def _split_schedule(self, text: str) -> list[tuple[int, float]]:
        changes = []
        for part in text.split("_"):
            step, _, value = part.partition(":")
            if not step.isascii() or not step.isdigit():
                raise SettingError(f"{self.label} reads like 200:0.01_400:0.001.")
            changes.append((int(step), self._item(Setting.read, value)))
        return changes

    def _split_wholes(self, text: str) -> list[int]:
        parts = text.split("-")
        if not all(part.isascii() and part.isdigit() for part in parts):
            raise SettingError(f"{self.label} are whole numbers joined by dashes, like 12-8-4.")
        return [int(part) for part in parts]

    def _to_float(self, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise SettingError(
                f"{self.label} is a number from {self.low:g} to {self.high:g}."
            ) from None


def _is_change(part: Any) -> bool:
    return isinstance(part, tuple | list) and len(part) == 2 and type(part[0]) is int


def declare(setting: Setting, *, shown: bool = True) -> Any:
    """Return the dataclass field that carries ``setting``; ``repr`` leaves it out unless shown."""
    return dataclasses.field(default=setting.default, repr=shown, metadata={"setting": setting})


def choice(
    default: str,
    options: Mapping[str, str],
    *,
    key: str,
    label: str,
    help: str,
    also: str = "",
    shown: bool = True,
    read_if: ReadIf | None = None,
) -> Any:
    """Declare a setting that is one of a few names; ``options`` maps names to labels."""
    setting = Setting(
        "choice", key, label, help, default, options=options, also=also, read_if=read_if
    )
    return declare(setting, shown=shown)


def whole(
    default: int,
    low: int,
    high: int,
    *,
    key: str,
    label: str,
    help: str,
    unit: str = "",
    shown: bool = True,
    read_if: ReadIf | None = None,
) -> Any:
    """Declare a whole number from ``low`` to ``high``, both included."""
    setting = Setting("whole", key, label, help, default, low, high, unit, read_if=read_if)
    return declare(setting, shown=shown)


def number(
    default: float,
    low: float,
    high: float,
    *,
    key: str,
    label: str,
    help: str,
    unit: str = "",
    shown: bool = True,
    read_if: ReadIf | None = None,
) -> Any:
    """Declare a number from ``low`` to ``high``, both included."""
    setting = Setting("number", key, label, help, default, low, high, unit, read_if=read_if)
    return declare(setting, shown=shown)


def log_number(
    default: float,
    low: float,
    high: float,
    *,
    key: str,
    label: str,
    help: str,
    unit: str = "",
    shown: bool = True,
    read_if: ReadIf | None = None,
) -> Any:
    """Declare a positive number that is best chosen on a logarithmic scale."""
    setting = Setting("log", key, label, help, default, low, high, unit, read_if=read_if)
    return declare(setting, shown=shown)


def switch(
    default: bool,
    *,
    key: str,
    label: str,
    help: str,
    shown: bool = True,
    read_if: ReadIf | None = None,
) -> Any:
    """Declare a setting that is on or off."""
    return declare(Setting("switch", key, label, help, default, read_if=read_if), shown=shown)


def schedule(of: Setting, high: int, *, key: str, label: str, help: str) -> Any:
    """Declare a list of (step, value) pairs: values of the setting ``of``, steps up to ``high``."""
    return declare(Setting("schedule", key, label, help, (), 1, high, of=of))


def wholes(
    low: int,
    high: int,
    *,
    key: str,
    label: str,
    help: str,
    shown: bool = True,
    most: int = MOST_WHOLES,
    read_if: ReadIf | None = None,
) -> Any:
    """Declare at most so many whole numbers from ``low`` to ``high``, none of them by default.

    Without ``shown`` the ``repr`` of the settings leaves them out.
    """
    setting = Setting("wholes", key, label, help, (), low, high, most=most, read_if=read_if)
    return declare(setting, shown=shown)


def settings_of(cls: type) -> dict[str, Setting]:
    """Return the declared settings of a settings class by field name."""
    return {
        field.name: field.metadata["setting"]
        for field in dataclasses.fields(cls)
        if "setting" in field.metadata
    }


def check_all(instance: Any) -> None:
    """Raise SettingError for the first field of ``instance`` outside its limits."""
    for name, setting in settings_of(type(instance)).items():
        object.__setattr__(instance, name, setting.check(getattr(instance, name)))


def to_query(instance: Any) -> dict[str, str]:
    """Return the link parameters of every field that differs from its default."""
    values = {name: getattr(instance, name) for name in settings_of(type(instance))}
    return {
        setting.key: setting.write(values[name])
        for name, setting in settings_of(type(instance)).items()
        if values[name] != setting.default
    }


def from_query(cls: type, query: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return the fields of ``cls`` found in ``query``, and a sentence for each that fell back."""
    found: dict[str, Any] = {}
    complaints: list[str] = []
    for name, setting in settings_of(cls).items():
        if setting.key not in query:
            continue
        try:
            found[name] = setting.read(query[setting.key])
        except SettingError as error:
            complaints.append(f"{error} The link's value is left out.")
    return found, complaints


def unknown_keys(query: Mapping[str, str], known: Collection[str]) -> list[str]:
    """Return one sentence that names what a link has besides the ``known`` keys, if anything."""
    strange = [harmless(key) for key in query if key not in known]
    if not strange:
        return []
    more = f" and {len(strange) - MOST_NAMED} more" if len(strange) > MOST_NAMED else ""
    named = ", ".join(f"“{key}”" for key in strange[:MOST_NAMED])
    return [f"The link also has {named}{more}, which this page does not know and leaves out."]


def harmless(text: str) -> str:
    """Return the first 30 characters of a text from a link, with a dot for each sign.

    On a page signs could turn into links and pictures.
    """
    return re.sub(r"[^\w -]", "·", text[:30])
