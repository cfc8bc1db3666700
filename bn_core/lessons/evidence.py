"""What a condition may look at: a run, experiments, and what the page shows. Plain data only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bn_core.comparison import Comparison
from bn_core.records import Record
from bn_core.results import Result, Verdict


@dataclass(frozen=True)
class Evidence:
    """What has been done and measured so far.

    ``results`` holds experiments by slug and a page's computations by name; ``choices`` what the
    page's controls show, and the link holds. ``comparison`` is what the Lab is set to, which counts
    until a step of it is trained.
    """

    record: Record | None = None
    comparison: Comparison | None = None
    page: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, Result] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)

    @property
    def trained(self) -> Record | None:
        """The record if at least one step of it was trained."""
        return self.record if self.record is not None and self.record.step else None

    @property
    def set_up(self) -> Comparison | None:
        """What was trained; before the first step, what the Lab is set to."""
        if self.trained is not None:
            return self.trained.comparison
        held = self.record.comparison if self.record is not None else None
        return self.comparison or held
