"""The printed table."""

import numpy as np


def spread(values):
    """Return the median over the seeds with the lowest and the highest value."""
    return f"{np.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def print_table(results):
    """Print one line for each net; ``results`` holds the three numbers of each seed by label."""
    lines = [("net", "train loss", "validation loss", "validation accuracy")]
    for label, rows in results.items():
        lines.append((label, *(spread(column) for column in zip(*rows, strict=True))))
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join(cells).rstrip())
