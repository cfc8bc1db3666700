"""Links of maps: only what differs from the usual map is written."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from bn_core.comparison import ARMS_KEY, Comparison, arms_from_query, comparison_to_query
from bn_core.config import SETTINGS, Config
from bn_core.settings import SettingError, harmless
from bn_core.sweeps.axis import AXES, RATES_OF_LAYERS, Axis
from bn_core.sweeps.sweep import MOST_SWEPT_ARMS, Sweep, usual_base

X, Y, X_RANGE, Y_RANGE, SIZE, DOUBLE = "x", "y", "xr", "yr", "size", "f64"
OWN_KEYS = (X, Y, X_RANGE, Y_RANGE, SIZE, DOUBLE, ARMS_KEY)
SWEEP_KEYS = frozenset(OWN_KEYS) | {setting.key for setting in SETTINGS.values()}
"""Every parameter that a map's link may have."""

_USUAL_SECOND = {"learning_rate": "batch_size", "rate_1": "rate_2", "rate_2": "rate_1"}
_LONGEST_RANGE = 60


def sweep_to_query(sweep: Sweep) -> dict[str, str]:
    """Return the link parameters of a sweep; ``sweep_from_query`` undoes it."""
    usual, plain = usual_base(), Sweep()
    query = {
        setting.key: setting.write(getattr(sweep.base, name))
        for name, setting in SETTINGS.items()
        if getattr(sweep.base, name) != getattr(usual, name)
    }
    for key, range_key, axis in ((X, X_RANGE, sweep.x), (Y, Y_RANGE, sweep.y)):
        if axis.name != (plain.x if key == X else plain.y).name:
            query[key] = axis.name
        if axis != Axis.usual(axis.name):
            query[range_key] = f"{axis.low!r}:{axis.high!r}"
    if sweep.size != plain.size:
        query[SIZE] = str(sweep.size)
    if sweep.double:
        query[DOUBLE] = "on"
    arms = comparison_to_query(Comparison(Config(), sweep.arms)).get(ARMS_KEY)
    return query | ({ARMS_KEY: arms} if arms else {})


def map_link(sweep: Sweep) -> str:
    """Return the link of a sweep's map, without the server."""
    return "/stability_map?" + urlencode(sweep_to_query(sweep), safe=":")


def sweep_from_query(query: Mapping[str, str]) -> tuple[Sweep, list[str]]:
    """Return the sweep a link asks for, and a sentence for each part that fell back."""
    base, complaints = _base(query)
    arms, said = arms_from_query(query.get(ARMS_KEY))
    complaints += said
    if len(arms) > MOST_SWEPT_ARMS:
        arms = arms[:MOST_SWEPT_ARMS]
        complaints.append(f"A map has at most {MOST_SWEPT_ARMS} nets; the first ones are kept.")
    x, y = _axes(query, complaints)
    size = query.get(SIZE, "24")
    if size not in ("8", "24", "72"):
        complaints.append("The size of a map is 8, 24 or 72. The link's value is left out.")
        size = "24"
    double = query.get(DOUBLE, "off")
    if double not in ("on", "off"):
        complaints.append("f64 is on or off. The link's value is left out.")
    try:
        return Sweep(base, x, y, arms, int(size), double == "on"), complaints
    except SettingError as error:
        complaints.append(f"{error} The nets of the link are left out.")
        return Sweep(base, x, y, size=int(size), double=double == "on"), complaints


def _base(query: Mapping[str, str]) -> tuple[Config, list[str]]:
    found, complaints = dict[str, object](), list[str]()
    for name, setting in SETTINGS.items():
        if setting.key in query:
            try:
                found[name] = setting.read(query[setting.key])
            except SettingError as error:
                complaints.append(f"{error} The link's value is left out.")
    try:
        return usual_base().changed(found), complaints
    except SettingError as error:
        return usual_base(), [*complaints, f"{error} The link's settings are left out."]


def _axes(query: Mapping[str, str], complaints: list[str]) -> tuple[Axis, Axis]:
    """Return both axes; names that do not go together fall back, and so does a range."""
    names = []
    for key, usual in ((X, "learning_rate"), (Y, None)):
        first = names[0] if names else ""
        usual = usual or _USUAL_SECOND.get(first, "learning_rate")
        name = query.get(key, usual)
        if name not in AXES or name == first or _mixed(first, name):
            complaints.append(
                f"“{harmless(name)}” cannot be the {key} axis here. It is {usual} instead."
            )
            name = usual
        names.append(name)
    axes = []
    for name, key in zip(names, (X_RANGE, Y_RANGE), strict=True):
        try:
            axes.append(_axis(name, query.get(key)))
        except SettingError as error:
            complaints.append(f"{error} The usual range is used.")
            axes.append(Axis.usual(name))
    return axes[0], axes[1]


def _mixed(first: str, second: str) -> bool:
    return bool(first) and (first in RATES_OF_LAYERS) != (second in RATES_OF_LAYERS)


def _axis(name: str, text: str | None) -> Axis:
    if text is None:
        return Axis.usual(name)
    found = re.fullmatch(r"([0-9.e+-]+):([0-9.e+-]+)", text[: _LONGEST_RANGE + 1])
    try:
        low, high = (float(part) for part in found.groups()) if found else (0.0, 0.0)
    except ValueError:
        low = high = 0.0
    if low == high:
        raise SettingError(f"{AXES[name].label}: a range reads like 0.01:10.")
    return Axis(name, low, high)
