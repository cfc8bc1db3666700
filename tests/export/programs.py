"""Exported programs as tests use them: made from a link, and executed without their last lines."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from bn_core.comparison import Comparison, comparison_from_query
from bn_core.export import EXPORTS, ExportRequest


def comparison_of(link: str) -> Comparison:
    """Return what a query trains; nothing of it may have fallen back."""
    comparison, problems = comparison_from_query(dict(parse_qsl(link)))
    assert not problems, problems
    return comparison


def exported(kind: str, link: str) -> str:
    """Return the file of a query as text."""
    made = EXPORTS[kind].make(ExportRequest(comparison_of(link), f"/?{link}"))
    return made.decode()


def definitions(kind: str, link: str) -> dict[str, Any]:
    """Return what a program defines, without training anything."""
    names: dict[str, Any] = {"__name__": "exported"}
    exec(compile(exported(kind, link), f"{kind}.py", "exec"), names)
    return names


def printed_by(text: str, place: Path, **environment: str) -> str:
    """Return what a program prints when it runs as it is, in a fresh process."""
    file = place / "program.py"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=place,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
