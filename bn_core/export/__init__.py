"""What can be taken along from a comparison or a run: one file each, one line here."""

from collections.abc import Mapping

from bn_core.export.csv_file import CSV
from bn_core.export.keras import KERAS
from bn_core.export.notebook import NOTEBOOK
from bn_core.export.pytorch import PYTORCH
from bn_core.export.report import REPORT
from bn_core.export.request import Exporter, ExportError, ExportRequest

__all__ = ["EXPORTS", "ExportError", "ExportRequest", "Exporter"]

EXPORTS: Mapping[str, Exporter] = {
    "pytorch": PYTORCH,
    "keras": KERAS,
    "notebook": NOTEBOOK,
    "csv": CSV,
    "report": REPORT,
}
"""Every kind of file by the name that the command line takes."""
