"""The live view's payload: what Python sends and what the browser's code reads is declared once."""

import re
import time
import types
from pathlib import Path
from typing import Any, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

import orjson
from streamlit import dataframe_util

from pages.shared.live import schema
from pages.shared.live.feed import Feed
from tests.pages.conftest import go, handed_to_browser

BROWSER = Path(schema.__file__).parent / "browser"
READERS = [
    "live",
    "fetching",
    "drawing",
    "panels",
    "legend",
    "crosshair",
    "readings",
    "zoom",
    "tools",
    "save",
    "table",
    "time_slider",
]
READERS += ["diagram", "diagram_lane", "diagram_parts", "diagram_examples", "diagram_control"]
READERS += ["diagram_enlarged", "diagram_drag", "diagram_legend", "diagram_maps"]
"""The modules that read the payload."""


def problems(value: Any, declared: Any, at: str) -> list[str]:
    """Return where a value out of JSON is not as declared."""
    origin, inner = get_origin(declared), get_args(declared)
    if declared is Any:
        return []
    if is_typeddict(declared):
        return problems_of_dict(value, declared, at)
    if origin is NotRequired:
        return problems(value, inner[0], at)
    if origin in (Union, types.UnionType):
        found = [problems(value, one, at) for one in inner]
        return [] if [] in found else found[0]
    if origin is list:
        items = value if isinstance(value, list) else [None]
        return [
            bad for i, item in enumerate(items) for bad in problems(item, inner[0], f"{at}[{i}]")
        ]
    if origin is tuple:  # in JSON a list
        fits = isinstance(value, list) and len(value) == len(inner)
        return [] if fits else [f"{at} is {value!r}"]
    kind = (int, float) if declared is float else (origin or declared)
    flag = isinstance(value, bool) and declared is not bool
    return [] if isinstance(value, kind) and not flag else [f"{at} is {value!r}, not {declared}"]


def problems_of_dict(value: Any, declared: Any, at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at} is {value!r}"]
    hints = get_type_hints(declared)
    strange = [f"{at}.{key} is not declared" for key in value if key not in hints]
    missing = [f"{at}.{key} is missing" for key in declared.__required_keys__ - set(value)]
    wrong = [
        bad
        for key in value
        if key in hints
        for bad in problems(value[key], hints[key], f"{at}.{key}")
    ]
    return strange + missing + wrong


def update_of(feed: Feed) -> dict[str, Any]:
    """Return a feed's update once it has charts."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        update = orjson.loads(feed.update(0))
        if update["charts"]:
            return update
        feed.renew_lease()
        time.sleep(0.05)
    raise AssertionError("there were no charts within a minute")


def test_the_check_itself_sees_what_is_wrong():
    good = {"cells": ["a"], "colour": "", "dash": "", "symbol": ""}
    assert problems(good, schema.Row, "row") == []
    for bad in (
        {**good, "cells": [1]},
        {**good, "extra": 1},
        {"cells": []},
        {**good, "dash": None},
    ):
        assert problems(bad, schema.Row, "row"), bad
    assert problems({"state": "", "rest": 1, "pause": 0.0}, schema.Status, "status")


def test_what_the_lab_sends_is_as_declared(app):
    feed = app.session_state["session"].feeds["lab"]
    update = update_of(feed)
    assert len(update["charts"]) == 6 and any(chart["choices"] for chart in update["charts"])
    assert problems(update, schema.Update, "update") == []
    feed.show_step(0)
    assert problems(orjson.loads(feed.update(0)), schema.Update, "update") == []
    status = orjson.loads(orjson.dumps(feed.status()))
    assert problems(status, schema.Status, "status") == []


def test_what_a_computation_sends_is_as_declared(app):
    go(app, "inside_the_layer", chapter="5")
    (feed,) = [
        feed for key, feed in app.session_state["session"].feeds.items() if "elatives" in key
    ]
    update = update_of(feed)
    assert update["computation"] and problems(update, schema.Update, "update") == []


def test_what_a_live_view_is_handed_is_as_declared(app):
    (data,) = [part for part in handed_to_browser(app) if "feed" in part]
    assert problems(data, schema.ViewData, "data") == []


def test_what_is_handed_over_is_never_taken_for_a_data_frame(app, monkeypatch):
    def ask(value: object) -> None:
        raise AssertionError(f"pandas would be imported to look at {value!r}")

    monkeypatch.setattr(dataframe_util, "determine_data_format", ask)
    for page in ("claims", "lab"):
        assert not go(app, page).exception and handed_to_browser(app)


def read_by_the_browser() -> set[tuple[str, str]]:
    """Return what the browser's code reads of the payload: the name that holds it, and the key."""
    code = "\n".join((BROWSER / f"{name}.mjs").read_text() for name in READERS)
    code = re.sub(r"^\s*(//|import ).*$", "", code, flags=re.MULTILINE)
    names = "|".join(schema.READ_AS)
    found = set(re.findall(rf"(?<!\w)({names})\??\.(\w+)", code))
    (handed,) = re.findall(r"wake\(\{([^}]*)\}\) \{", code)
    return found | {("data", key.strip()) for key in handed.split(",")}


def test_the_browser_reads_nothing_that_is_not_declared():
    for name, key in read_by_the_browser():
        assert key in get_type_hints(schema.READ_AS[name]), f"{name}.{key} is not in the schema"


def test_everything_declared_is_read_by_the_browser():
    read = read_by_the_browser()
    for declared in {*schema.READ_AS.values()}:
        names = {name for name, held in schema.READ_AS.items() if held is declared}
        keys = {key for name, key in read if name in names}
        unread = set(get_type_hints(declared)) - keys - {"shown"}  # that only wakes the view
        assert not unread, f"{declared.__name__}: {unread}"
