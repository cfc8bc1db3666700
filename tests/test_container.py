"""The container file: linted everywhere, built and started where a builder works.

``BN_LAB_BUILDER`` names another builder (``buildah --root /somewhere``), ``BN_LAB_BUILD_OPTIONS``
what it is told besides (``--build-arg BASE=localhost/python``), as without a way to a registry.
"""

import os
import re
import shlex
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.edge.serving import ROOT, free_port, wait_until_it_answers

FILE = ROOT / "Containerfile"
SECONDS_TO_START = 90.0
ISOLATION = ["--isolation", "chroot", "--network", "host"]
"""What buildah needs where nothing may be nested."""


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the last stage, lines that are continued joined."""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", FILE.read_text("utf-8"), flags=re.M))
    found = [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]
    last = max(index for index, (name, _) in enumerate(found) if name == "FROM")
    return [(name, value) for name, value in found[last:]]


def test_the_linter_has_no_objection() -> None:
    linter = shutil.which("hadolint")
    if linter is None:
        pytest.skip("There is no hadolint on the path.")
    ended = subprocess.run([linter, "--no-color", str(FILE)], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_the_app_runs_without_rights_and_says_how_it_is() -> None:
    final = instructions()
    users = [value for name, value in final if name == "USER"]
    assert users[-1].isdigit() and int(users[-1]) > 0, "Kubernetes asks for a number"
    (check,) = [value for name, value in final if name == "HEALTHCHECK"]
    assert "/lab-files/health" in check
    (command,) = [value for name, value in final if name == "CMD"]
    assert command.startswith("["), "a shell would not pass on the signal to end"


def test_what_the_image_takes_is_there_and_nothing_else_goes_in() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    taken = [rule[1:] for rule in rules if rule.startswith("!")]
    assert [name for name in taken if not (ROOT / name).exists()] == []
    assert not {"tests", "docs", ".git", ".ci"} & set(taken)


def builder() -> list[str]:
    """Return the command of a builder that works; without one, skip."""
    named = shlex.split(os.environ.get("BN_LAB_BUILDER", ""))
    for command in [named] if named else [["podman"], ["docker"], ["buildah"]]:
        if shutil.which(command[0]) is None:
            continue
        if subprocess.run([*command, "info"], capture_output=True).returncode == 0:
            return command
    pytest.skip("No podman, docker or buildah works here: the container file is linted only.")


@pytest.fixture(scope="module")
def image() -> Iterator[tuple[list[str], str]]:
    """Yield a builder and the name of the image that it has built."""
    command, name = builder(), f"batch-norm-lab-{uuid.uuid4().hex[:8]}"
    options = shlex.split(os.environ.get("BN_LAB_BUILD_OPTIONS", ""))
    if command[0] == "buildah":
        options += ISOLATION
    if command[0] != "docker":
        options += ["--format", "docker"]
    build = [*command, "bud" if command[0] == "buildah" else "build", "--layers", *options]
    if command[0] == "docker":
        build.remove("--layers")
    ended = subprocess.run(
        [*build, "-t", name, "-f", str(FILE), str(ROOT)], capture_output=True, text=True
    )
    if ended.returncode and re.search(r"pull|registry|resolve|lookup", ended.stderr[-2000:]):
        pytest.skip("The builder gets no base image: the container file is linted only.")
    assert ended.returncode == 0, ended.stderr[-2000:]
    yield command, name
    subprocess.run([*command, "rmi", "-f", name], capture_output=True)


@contextmanager
def started(command: list[str], image: str, port: int) -> Iterator[str]:
    """Run a container of an image; yield its user and how a write ended; end it afterwards."""
    name = f"{image}-1"
    if command[0] == "buildah":
        subprocess.run([*command, "from", "--name", name, image], check=True, capture_output=True)
        (start,) = [value for kind, value in instructions() if kind == "CMD"]
        program = [part.replace("8501", str(port)) for part in re.findall(r'"([^"]+)"', start)]
        running = subprocess.Popen([*command, "run", *ISOLATION, name, "--", *program])
        inside = [*command, "run", *ISOLATION, name, "--", "sh", "-c"]
    else:
        bounds = ["--memory", "1g", "--cap-drop", "ALL", "--read-only", "--tmpfs", "/tmp"]
        published = ["-p", f"127.0.0.1:{port}:8501"]
        running = subprocess.Popen([*command, "run", "--name", name, *bounds, *published, image])
        inside = [*command, "exec", name, "sh", "-c"]
    try:
        health = f"http://127.0.0.1:{port}/lab-files/health"
        wait_until_it_answers(health, running, SECONDS_TO_START)
        yield subprocess.run(
            [*inside, "id -u; touch /app/new 2>&1 || true"], capture_output=True, text=True
        ).stdout
    finally:
        running.terminate()
        running.wait(30)
        subprocess.run([*command, "rm", name], capture_output=True)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_image_is_built_and_serves_without_rights(image: tuple[list[str], str]) -> None:
    command, name = image
    with started(command, name, free_port()) as said:
        user, refusal = said.split("\n", 1)
        assert int(user) > 0
        assert "denied" in refusal.lower() or "read-only" in refusal.lower()
