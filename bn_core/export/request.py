"""What is exported, and what an exporter is."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bn_core.comparison import Comparison
from bn_core.figures.view import View
from bn_core.records import Record


class ExportError(ValueError):
    """What was asked for cannot be exported; the message is one sentence that says what can."""


@dataclass(frozen=True)
class ExportRequest:
    """A comparison with the link that opens it, the reader's view, and its record if it has run."""

    comparison: Comparison
    link: str = ""
    view: View = field(default_factory=View)
    record: Record | None = None
    data_title: str = ""
    """What its visitor calls data of their own."""

    def of_record(self) -> Record:
        """Return the record. Errors: ``ExportError`` if nothing has run."""
        if self.record is None:
            raise ExportError("There are no numbers yet: train the nets first.")
        return self.record


@dataclass(frozen=True)
class Exporter:
    """One kind of file: what it is called, and what makes its bytes.

    ``make`` raises ``ExportError`` for a request that it cannot serve.
    """

    title: str
    help: str
    file_name: str
    media_type: str
    make: Callable[[ExportRequest], bytes]
    needs_record: bool = False
    """Whether it holds numbers of a run; the others hold code, which needs none."""
