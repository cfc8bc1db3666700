"""How a reader's own file was read: what finds the same data in it again."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Source:
    """The choices with which data were found in a file; those of other kinds of files are unused.

    ``label`` and ``columns`` count a table's columns from 0; ``inputs`` and ``labels`` are names
    of arrays.
    """

    kind: Literal["table", "npz", "idx"]
    separator: str = ","
    has_header: bool = False
    label: int = 0
    columns: tuple[int, ...] = ()
    fill: bool = False
    inputs: str = ""
    labels: str = ""

    @property
    def files(self) -> int:
        """How many files hold the data."""
        return 2 if self.kind == "idx" else 1
