"""The load of a class on this machine, as tables in Markdown for ``docs/serving.md``.

Run as ``python -m tests.benchmarks.load`` on a machine that does nothing else: 30, 60 and 100
visitors who all train, 300 phones that vote, and what one worker takes. It takes about ten minutes;
``--part visitors``, ``phones`` or ``memory`` measures one of the three.
"""

import argparse
import importlib.metadata
import os
import platform
import statistics
import sys
from pathlib import Path

from tests.benchmarks import classroom, phones

VISITORS = (30, 60, 100)
PHONES = 300
PARTS = ("visitors", "phones", "memory")


def say(words: str) -> None:
    """Write to stderr, so that stdout holds the tables alone."""
    print(words, file=sys.stderr, flush=True)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown, numbers to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def machine(workers: int) -> str:
    """Return what was measured on, in a sentence."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("torch", "streamlit")
    )
    return (
        f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, "
        f"{memory:.0f} GB; {platform.system()} {platform.release().partition('-')[0]}, Python "
        f"{platform.python_version()}, {versions}; {workers} workers; the clients run on the same "
        f"machine; load average at the start {os.getloadavg()[0]:.1f}."
    )


def visitors(workers: int, seconds: float) -> str:
    """Return the table of visitors who all train."""
    found = []
    for count in VISITORS:
        say(f"{count} visitors …")
        given = ["--visitors", str(count), "--workers", str(workers), "--seconds", str(seconds)]
        found.append(classroom.run(classroom.options().parse_args(given)))
    rows = {
        "all have opened the page and train after, s": [f"{one.opened:.1f}" for one in found],
        "updates per second of the slowest visitor": [f"{one.updates[0]:.1f}" for one in found],
        "updates per second, median": [f"{statistics.median(one.updates):.1f}" for one in found],
        "training steps in all, per second": [f"{one.steps_per_second:,.0f}" for one in found],
        "steps of the slowest visitor, of the median": [f"{one.share:.2f}" for one in found],
        "health route answers within, p95, ms": [f"{one.health_p95:.0f}" for one in found],
        "training stops after all have left, s": [f"{one.stopped:.0f}" for one in found],
        "most memory, server and workers, MB": [f"{one.peak:.0f}" for one in found],
    }
    head = ["", *(f"{count} visitors" for count in VISITORS)]
    return table(head, [[words, *cells] for words, cells in rows.items()])


def votes(workers: int) -> str:
    """Return the table of phones that vote beside a run in training."""
    say(f"{PHONES} phones …")
    given = ["--phones", str(PHONES), "--workers", str(workers)]
    found = phones.run(phones.options().parse_args(given))
    rows = [
        ["all have joined and see the question after, s", f"{found.joined:.1f}"],
        ["an answer is confirmed within, all in 10 s, p95, ms", f"{found.p95[0]:.0f}"],
        ["an answer is confirmed within, all in 1 s, p95, ms", f"{found.p95[1]:.0f}"],
        ["the teacher's counter is complete after, s", f"{found.shown:.2f}"],
        ["a fifth lost the network: all see the next phase after, s", f"{found.told:.1f}"],
        ["training steps beside it, per second", f"{found.steps_per_second:,.0f}"],
        ["the server grew by, MB", f"{found.gained:.1f}"],
        ["most memory, server and workers, MB", f"{found.peak:.0f}"],
    ]
    return table(["", f"{PHONES} phones"], rows)


def one_worker(seconds: float) -> str:
    """Return the table of what a server with one worker takes."""
    rows = []
    for count in (1, 10):
        say(f"{count} visitors, one worker …")
        given = ["--visitors", str(count), "--workers", "1", "--seconds", str(seconds)]
        found = classroom.run(classroom.options().parse_args(given))
        if not rows:
            rows.append(["nobody", f"{sum(found.memory['idle'].values()):.0f}", ""])
        speed = f"{found.steps_per_second:,.0f}"
        name = "1 visitor trains" if count == 1 else f"{count} visitors train"
        rows.append([name, f"{found.peak:.0f}", speed])
    say(f"{PHONES} phones, one worker …")
    given = ["--phones", str(PHONES), "--workers", "1"]
    voted = phones.run(phones.options().parse_args(given))
    rows.append([f"{PHONES} phones, one run", f"{voted.peak:.0f}", f"{voted.steps_per_second:.0f}"])
    return table(["one worker", "most memory, MB", "steps per second"], rows)


def main() -> int:
    """Measure what is asked for and print the tables."""
    parser = argparse.ArgumentParser(description="The load of a class, as tables in Markdown.")
    parser.add_argument("--part", choices=PARTS, action="append", help="leave out the others")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    parts = asked.part or PARTS
    print(f"Measured on: {machine(asked.workers)}\n", flush=True)
    if "visitors" in parts:
        print(visitors(asked.workers, asked.seconds), end="\n\n", flush=True)
    if "phones" in parts:
        print(votes(asked.workers), end="\n\n", flush=True)
    if "memory" in parts:
        print(one_worker(asked.seconds), end="\n\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
