"""Controls of the rooms beside the Lab: their values stay when the reader goes and comes back."""

from collections.abc import Callable
from typing import Any

from pages.shared.visit import this_visit


def keep(name: str, usual: Any, widget: Callable[[Any, str], Any]) -> Any:
    """Show a control and return its value; ``widget`` is given what it begins with, and its key.

    A control begins with the value held for it and keeps its key while it is shown.
    """
    visit = this_visit()
    first = visit.first_values.setdefault(name, visit.kept.get(name, usual))
    visit.kept[name] = widget(first, f"keep.{name}.{visit.generation}")
    return visit.kept[name]
