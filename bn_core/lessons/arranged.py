"""A lesson that a link holds: a question about the Lab's nets, with controls locked or hidden.

A teacher arranges it on the page; nothing is stored on the server. A locked control shows its value
and cannot be changed, a hidden one is not shown. That guides a reader; it protects nothing, since
whoever opens the link can take the lesson out of it.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from bn_core.comparison import Comparison
from bn_core.config import SETTINGS
from bn_core.lessons.asked_predictions import (
    AskedPrediction,
    read_prediction,
    write_prediction,
)
from bn_core.settings import harmless
from bn_core.visible_text import visible_text

ASK, LOCK, HIDE, PREDICT = "ask", "lock", "hide", "predict"
KEYS = (ASK, LOCK, HIDE, PREDICT)
"""What the link of the Lab holds of a lesson."""

NETS = "nets"
"""The control of the nets: the chips above the drawing, and the norms in it."""

LONGEST_QUESTION = 400
LONGEST_LINK = 2000
"""Characters of a link that can be sent by common means; a longer one is not handed out."""

Access = Literal["free", "locked", "hidden"]

_NO_CONTROLS = ("normalization", "placement", "rate_changes")
_KEY_OF: Mapping[str, str] = {
    NETS: NETS,
    **{name: setting.key for name, setting in SETTINGS.items() if name not in _NO_CONTROLS},
}
_OF_KEY = {key: name for name, key in _KEY_OF.items()}
CONTROLS: Collection[str] = _KEY_OF.keys()
"""The controls that can be locked or hidden: the nets, and settings by their field's name."""

_BETWEEN = "-"
_LONGEST = 1000
"""Characters of a list of controls in a link that are read at all."""


@dataclass(frozen=True)
class ArrangedLesson:
    """A question with what is to be predicted, and the controls that are not free."""

    question: str
    locked: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    prediction: AskedPrediction | None = None

    def access(self, control: str) -> Access:
        """Return whether a control is free, locked or hidden."""
        if control in self.hidden:
            return "hidden"
        return "locked" if control in self.locked else "free"

    def query(self) -> dict[str, str]:
        """Return what the link holds of it."""
        values = {
            ASK: self.question,
            LOCK: _names(self.locked - self.hidden),
            HIDE: _names(self.hidden),
            PREDICT: write_prediction(self.prediction) if self.prediction else "",
        }
        return {key: text for key, text in values.items() if text}

    @property
    def id(self) -> str:
        """A name that tells it from other lessons, made of its content."""
        content = repr(sorted(self.query().items())).encode()
        return hashlib.sha256(content).hexdigest()[:12]


def read_arranged(
    query: Mapping[str, str], comparison: Comparison
) -> tuple[ArrangedLesson, list[str]]:
    """Return the lesson of a link that leads to a comparison, and a sentence for what fell back.

    Without a question there is no lesson to show; the rest may still be read.
    """
    question, complaints = _question(query.get(ASK, ""))
    hidden, more = _controls(HIDE, query.get(HIDE, ""))
    locked, others = _controls(LOCK, query.get(LOCK, ""))
    complaints += more + others
    prediction = None
    if text := query.get(PREDICT, ""):
        try:
            prediction = read_prediction(text, comparison)
        except ValueError as problem:
            complaints.append(f"What the link asks to predict {problem} It is left out.")
    return ArrangedLesson(question, locked - hidden, hidden, prediction), complaints


def _question(text: str) -> tuple[str, list[str]]:
    # Characters that cannot be seen are left out, but not so many that it takes long.
    question = visible_text(text[: 4 * LONGEST_QUESTION])
    if len(text) <= 4 * LONGEST_QUESTION and len(question) <= LONGEST_QUESTION:
        return question, []
    return "", [f"The link's question is longer than {LONGEST_QUESTION} characters; left out."]


def _controls(key: str, text: str) -> tuple[frozenset[str], list[str]]:
    if len(text) > _LONGEST:
        return frozenset(), [f"The link's “{key}” is too long to be read; it is left out."]
    keys = text.split(_BETWEEN) if text else []
    strange = [one for one in keys if one not in _OF_KEY]
    known = frozenset(_OF_KEY[one] for one in keys if one in _OF_KEY)
    if not strange:
        return known, []
    return known, [f"The link's “{key}” names no control “{harmless(strange[0])}”; left out."]


def _names(controls: Collection[str]) -> str:
    return _BETWEEN.join(key for name, key in _KEY_OF.items() if name in controls)
