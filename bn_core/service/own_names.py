"""Which of a visitor's own data a task needs, from what it is asked to do."""

from collections.abc import Iterable, Mapping
from typing import Any

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.datasets import own


def names_in(arguments: Mapping[str, Any]) -> set[str]:
    """Return the names of own data that the arguments of a task speak of."""
    return {name for value in arguments.values() for name in _names(value)}


def _names(value: Any) -> Iterable[str]:
    config = value.base if isinstance(value, Comparison) else value
    if isinstance(config, Config) and own.is_name(config.data):
        yield config.data
