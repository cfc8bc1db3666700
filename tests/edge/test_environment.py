"""Environment variables that cannot be used: a sentence and exit status 2."""

import os
import subprocess
import sys

import pytest

from pages.shared.environment import Environment, EnvironmentProblem, read
from tests.edge.serving import ROOT, free_port


def test_without_variables_the_usual_values_hold() -> None:
    assert read({}) == Environment()
    assert read({"BN_LAB_WORKERS": " ", "BN_LAB_HOSTS": ""}) == Environment()


def test_values_are_read() -> None:
    assert read(
        {
            "BN_LAB_WORKERS": "4",
            "BN_LAB_PLACES": " 8 ",
            "BN_LAB_HOSTS": "lab.example.org, *.school.example,192.168.1.5,[2001:db8::1]",
            "BN_LAB_EMBED_ORIGINS": "https://courses.example.org,http://localhost:8080",
            "BN_LAB_REPLICA": " b ",
        }
    ) == Environment(
        workers=4,
        places=8,
        hosts=("lab.example.org", "*.school.example", "192.168.1.5", "[2001:db8::1]"),
        embed_origins=("https://courses.example.org", "http://localhost:8080"),
        replica="B",
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("BN_LAB_WORKERS", text) for text in ("0", "-1", "x", "1.5", "1e3", "257", "9" * 5000)),
        *(("BN_LAB_PLACES", text) for text in ("0", "-5", "+5", "٣", "100001", "1_0")),
        *(("BN_LAB_REPLICA", text) for text in ("a", "bc", "1", "-", "ß")),
        *(("BN_LAB_DATA", text) for text in ("/no/such/folder", "pyproject.toml/x")),
        *(("BN_LAB_HOSTS", text) for text in ("http://a.org", "a b", "a.org/x", "a;b", "ä.org")),
        *(
            ("BN_LAB_EMBED_ORIGINS", text)
            for text in ("a.org", "*", "https://a.org/x", "https://a.org; script-src *", "'self'")
        ),
    ],
)
def test_a_mistake_is_named_with_what_to_set(name: str, text: str) -> None:
    with pytest.raises(EnvironmentProblem, match=f"^Set {name} to .*, or leave it out.$"):
        read({name: text})


def test_the_app_does_not_start_with_a_mistake() -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    for name, text in (("BN_LAB_WORKERS", "x"), ("BN_LAB_PLACES", "-5")):
        ended = subprocess.run(
            [*command, "--server.port", str(free_port()), "--server.address", "127.0.0.1"],
            cwd=ROOT,
            env=os.environ | {name: text},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.returncode == 2
        assert ended.stderr.startswith(f"Set {name} to a whole number from 1 to ")
        assert "Traceback" not in ended.stderr
