"""Findings as tests want them."""

import dataclasses

import numpy as np

from bn_core.findings import Finding


def with_values(finding: Finding, values: dict[str, float]) -> Finding:
    """Return the finding with other numbers in some measures."""
    changed = [
        dataclasses.replace(one, values=np.full_like(one.values, values[one.key]))
        if one.key in values
        else one
        for one in finding.measures
    ]
    return dataclasses.replace(finding, measures=tuple(changed))
