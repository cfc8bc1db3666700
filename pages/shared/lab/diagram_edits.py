"""What the browser says was done in the drawing of the nets: read, and bounded."""

from collections.abc import Mapping
from typing import Any, cast, get_args

from bn_core.figures.view import View
from bn_core.settings import settings_of
from pages.shared.lab.arm_edits import DiagramEdited, EditKind, Place

_LAST_LAYER = int(settings_of(View)["layer"].high)


def diagram_edit(asked: Any) -> DiagramEdited | None:
    """Return the edit that a message of the browser asks for; None for any other message.

    ``asked`` has a kind, the name of a net, a layer counted from 1 (0 is all) and a place.
    """
    if not isinstance(asked, Mapping):
        return None
    kind, place = asked.get("kind"), asked.get("place", "before")
    arm, layer = asked.get("arm"), asked.get("layer", 0)
    if kind not in get_args(EditKind) or place not in get_args(Place) or not isinstance(arm, str):
        return None
    if type(layer) is not int or not 0 <= layer <= _LAST_LAYER:
        return None
    return DiagramEdited(cast(EditKind, kind), arm, layer, place)
