"""The lock file holds what is required, each package with its hashes."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)(.*?)(?=^\S|\Z)", re.M | re.S)
LEFT_OUT = set(re.findall(r"^# ([a-z0-9-]+)$", LOCK, re.M))
"""Packages of torch's CUDA build, named in comments."""


def pins(text: str) -> dict[str, str]:
    """Return each pinned package with its version."""
    return {name.lower(): version for name, version, _ in PINNED.findall(text)}


def test_the_lock_pins_the_versions_that_are_required():
    required = pins((ROOT / "requirements.txt").read_text())
    assert required and required.items() <= pins(LOCK).items()


def test_every_locked_package_has_a_hash_and_nothing_else_is_in_the_lock():
    locked = PINNED.findall(LOCK)
    assert len(locked) > 20
    assert [name for name, _, rest in locked if "--hash=sha256:" not in rest] == []
    lines = [line for line in LOCK.splitlines() if line and not line.startswith(("#", " "))]
    assert len(lines) == len(locked)


def test_what_is_left_out_of_the_lock_is_torchs_cuda_build():
    assert LEFT_OUT and not LEFT_OUT & pins(LOCK).keys()
    cuda = re.compile(r"nvidia-.*|triton|cuda-.*")
    assert [name for name in LEFT_OUT if not cuda.fullmatch(name)] == []
