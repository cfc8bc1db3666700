"""A file as a session has read it last."""

from collections.abc import Hashable
from dataclasses import dataclass

from bn_core.datasets.reading import Found
from bn_core.datasets.tables import Table


@dataclass
class ReadFile:
    """A file as it was read last, with the choices that it was read with."""

    key: Hashable = None
    table: Table | None = None
    data_key: Hashable = None
    found: Found | None = None
