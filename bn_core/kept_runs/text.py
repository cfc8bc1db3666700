"""Kept runs as text: JSON that is read strictly, since a browser or a file may hold anything."""

import dataclasses
import json
import math
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from bn_core.config import MOST_STEPS
from bn_core.kept_runs.run import (
    LONGEST_CONCLUSION,
    LONGEST_LABEL,
    LONGEST_LINK,
    LONGEST_NOTE,
    LONGEST_STATE,
    LONGEST_TITLE,
    MOST_ARMS,
    MOST_POINTS,
    MOST_RUNS,
    KeptArm,
    KeptRun,
    clean,
)

Array = np.ndarray

VERSION = 1
LONGEST_RUN = 16_000
"""Characters of one run's text."""
LONGEST_FILE = MOST_RUNS * (LONGEST_RUN + 2) + 200
_FORMAT = "batch-norm-lab-runs"
_ENDINGS = ("", "finished", "stopped", "diverged", "cancelled", "failed")
_LATEST = 10**11
"""Seconds since 1970: beyond the year 5000 no date is shown."""
_LINK = re.compile(r"[A-Za-z0-9_.~%+=&:;,*-]*")
_ARM = re.compile(r"[a-zA-Z0-9_.~:;,+-]{1,700}")
_LARGEST = float(np.finfo(np.float32).max)


class KeptRunError(ValueError):
    """A text that holds no kept run; the message says what is wrong with it."""


def serialize(run: KeptRun) -> str:
    """Return a run as one line of JSON; ``parse`` undoes it."""
    return json.dumps(_as_json(run), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def parse(text: str) -> KeptRun:
    """Return the run that ``text`` holds. Errors: ``KeptRunError`` for anything else."""
    if not isinstance(text, str) or len(text) > LONGEST_RUN:
        raise KeptRunError(f"A kept run is a text of at most {LONGEST_RUN:,} characters.")
    return _run(_loaded(text))


def serialize_file(runs: Iterable[KeptRun]) -> str:
    """Return several runs as the text of a file; ``parse_file`` undoes it."""
    texts = ",\n".join(serialize(run) for run in runs)
    return f'{{"format":"{_FORMAT}","version":{VERSION},"runs":[\n{texts}\n]}}\n'


def parse_file(text: str) -> tuple[list[KeptRun], list[str]]:
    """Return the runs of a file, and a sentence for each that cannot be read.

    Errors: ``KeptRunError`` if the text is no such file.
    """
    if not isinstance(text, str) or len(text) > LONGEST_FILE:
        raise KeptRunError(f"A file of runs has at most {LONGEST_FILE // 1000} kB.")
    file = _loaded(text)
    if not isinstance(file, dict) or file.get("format") != _FORMAT:
        raise KeptRunError("This is no file of runs. Choose one that “Download JSON” has made.")
    parts = file.get("runs")
    if not isinstance(parts, list) or len(parts) > MOST_RUNS:
        raise KeptRunError(f"A file of runs holds a list of at most {MOST_RUNS} runs.")
    runs, complaints = [], []
    for number, part in enumerate(parts, 1):
        try:
            runs.append(_run(part))
        except KeptRunError as error:
            complaints.append(f"Run {number} of the file is left out. {error}")
    return runs, complaints


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise KeptRunError("The text is no JSON, or only a part of it.") from None


def _no_number(_name: str) -> None:
    raise ValueError


def _as_json(run: KeptRun) -> dict[str, Any]:
    return {
        "version": VERSION,
        "link": run.link,
        "kept_at": run.kept_at,
        "steps": run.steps,
        "ending": run.ending,
        "title": run.title,
        "note": run.note,
        "conclusion": run.conclusion,
        "train_steps": run.train_steps.tolist(),
        "measured_steps": run.measured_steps.tolist(),
        "arms": [
            {
                "name": arm.name,
                "label": arm.label,
                "state": arm.state,
                "train_loss": _numbers_out(arm.train_loss),
                "validation_loss": [_numbers_out(row) for row in arm.validation_loss],
                "accuracy": [_numbers_out(row) for row in arm.accuracy],
            }
            for arm in run.arms
        ],
    }


def _numbers_out(values: Array) -> list[float | str | None]:
    return [_number_out(value) for value in values.tolist()]


def _number_out(value: float) -> float | str | None:
    """Return a number of four digits; JSON has none for what is infinite or missing."""
    if not math.isfinite(value):
        return None if math.isnan(value) else "inf"
    short = float(f"{value:.3e}")
    return int(short) if short == int(short) and abs(short) < 1e6 else short


def _run(value: Any) -> KeptRun:
    _fields(value, "A kept run", _RUN_FIELDS)
    if value["version"] != VERSION:
        raise KeptRunError("The run was kept by another version of this app, which is not read.")
    trained = _steps(value["train_steps"], "train_steps")
    measured = _steps(value["measured_steps"], "measured_steps")
    arms = value["arms"]
    if not isinstance(arms, list) or not 1 <= len(arms) <= MOST_ARMS:
        raise KeptRunError(f"A kept run has 1 to {MOST_ARMS} nets.")
    return KeptRun(
        link=_matching(value["link"], _LINK, LONGEST_LINK, "link"),
        kept_at=_whole(value["kept_at"], _LATEST, "kept_at"),
        steps=_whole(value["steps"], MOST_STEPS, "steps"),
        ending=_ending(value["ending"]),
        title=_words(value["title"], LONGEST_TITLE, "title"),
        note=_words(value["note"], LONGEST_NOTE, "note"),
        conclusion=_words(value["conclusion"], LONGEST_CONCLUSION, "conclusion"),
        arms=_arms(arms, len(trained), len(measured)),
        train_steps=trained,
        measured_steps=measured,
    )


def _arms(values: list[Any], trained: int, measured: int) -> tuple[KeptArm, ...]:
    arms = tuple(_arm(value, trained, measured) for value in values)
    if len({arm.name for arm in arms}) < len(arms):
        raise KeptRunError("Each net of a kept run has a name of its own.")
    return arms


def _arm(value: Any, trained: int, measured: int) -> KeptArm:
    _fields(value, "A net of a kept run", _ARM_FIELDS)
    return KeptArm(
        name=_matching(value["name"], _ARM, 700, "name"),
        label=_words(value["label"], LONGEST_LABEL, "label"),
        state=_words(value["state"], LONGEST_STATE, "state"),
        train_loss=_numbers(value["train_loss"], trained, "train_loss"),
        validation_loss=_three(value["validation_loss"], measured, "validation_loss"),
        accuracy=_three(value["accuracy"], measured, "accuracy", high=1.0),
    )


_RUN_FIELDS = {field.name for field in dataclasses.fields(KeptRun)} | {"version"}
_ARM_FIELDS = {field.name for field in dataclasses.fields(KeptArm)}


def _fields(value: Any, what: str, names: set[str]) -> None:
    if not isinstance(value, dict) or set(value) != names:
        raise KeptRunError(f"{what} has exactly these fields: {', '.join(sorted(names))}.")


def _matching(value: Any, pattern: re.Pattern[str], most: int, name: str) -> str:
    if not isinstance(value, str) or len(value) > most or not pattern.fullmatch(value):
        raise KeptRunError(f"“{name}” is a text of at most {most} plain signs.")
    return value


def _words(value: Any, most: int, name: str) -> str:
    if not isinstance(value, str) or len(value) > most or clean(value, most) != value:
        raise KeptRunError(f"“{name}” is one line of at most {most} visible characters.")
    return value


def _whole(value: Any, high: int, name: str) -> int:
    if type(value) is not int or not 0 <= value <= high:
        raise KeptRunError(f"“{name}” is a whole number from 0 to {high:,}.")
    return value


def _ending(value: Any) -> str:
    if not isinstance(value, str) or value not in _ENDINGS:
        raise KeptRunError(f"“ending” is one of: {', '.join(_ENDINGS[1:])}; or empty.")
    return value


def _steps(value: Any, name: str) -> Array:
    fits = isinstance(value, list) and len(value) <= MOST_POINTS
    if not fits or not all(type(step) is int and 0 <= step <= MOST_STEPS for step in value):
        raise KeptRunError(f"“{name}” are at most {MOST_POINTS} steps from 0 to {MOST_STEPS:,}.")
    if any(late <= early for early, late in pairwise(value)):
        raise KeptRunError(f"“{name}” rise from one to the next.")
    return np.array(value, int)


def _three(value: Any, count: int, name: str, high: float = _LARGEST) -> Array:
    if not isinstance(value, list) or len(value) != 3:
        raise KeptRunError(f"“{name}” are three rows: median, lowest and highest.")
    rows = np.array([_numbers(row, count, name, high) for row in value], np.float32)
    median, low, top = rows
    with np.errstate(invalid="ignore"):
        ordered = ~((low > median) | (median > top))
    if not ordered.all():
        raise KeptRunError(f"“{name}”: a median lies between the lowest and the highest value.")
    return rows


def _numbers(value: Any, count: int, name: str, high: float = _LARGEST) -> Array:
    if not isinstance(value, list) or len(value) != count:
        raise KeptRunError(f"“{name}” has one number for each of its steps.")
    return np.array([_number(one, name, high) for one in value], np.float32)


def _number(value: Any, name: str, high: float) -> float:
    if value is None:
        return math.nan
    if isinstance(value, str) and value == "inf" and high > 1:
        return math.inf
    low = 0.0 if high == 1 else -_LARGEST
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise KeptRunError(f"“{name}” holds numbers, null where nothing was measured, or “inf”.")
    return float(value)
