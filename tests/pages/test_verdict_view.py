"""A verdict's lines on a page: one for each effect, and none of them lost."""

import numpy as np
import pytest

from bn_core.experiments.effects import Effect
from bn_core.experiments.verdicts import decide
from pages.shared.tasks.verdicts import ICONS, verdict_lines

CLEAR = np.array([2.0, 2.1, 2.2])
ABSENT = np.array([0.0, 0.01, -0.01])


def effect(key: str, part: str = "") -> Effect:
    return Effect(
        key=key,
        label=f"Effect {key}",
        scale="difference",
        direction="above",
        reference=0.0,
        matters_from=1.0,
        why="",
        part=part,
    )


def lines(effects: list[Effect], **values: np.ndarray) -> list[str]:
    return verdict_lines(decide(effects, [], values)).splitlines()


def test_each_effect_has_a_line_with_its_sign_and_its_interval():
    found = lines([effect("a"), effect("b")], a=CLEAR, b=ABSENT)
    assert [line[:16] for line in found] == [
        f"- {ICONS['holds']} **Effect a**",
        f"- {ICONS['fails']} **Effect b**",
    ]
    assert all("95\N{NO-BREAK SPACE}% interval" in line for line in found)


def test_parts_are_named_and_several_effects_stand_under_theirs():
    effects = [effect("a", "one"), effect("b", "two"), effect("c", "two")]
    found = lines(effects, a=CLEAR, b=CLEAR, c=ABSENT)
    assert found[0].startswith(f"- {ICONS['holds']} **one**: Effect a: 2.1 (median of 3 seeds")
    assert found[1] == f"- {ICONS['depends']} **two**"
    assert [line.startswith("    - ") for line in found[2:]] == [True, True]


@pytest.mark.parametrize(("parts", "count"), [(("",), 0), (("one", "two"), 2)])
def test_the_summary_names_the_parts_if_there_are_several(parts, count):
    effects = [effect(f"e{place}", part) for place, part in enumerate(parts)]
    verdict = decide(effects, [], {one.key: CLEAR for one in effects})
    assert sum(part in verdict.summary for part in parts if part) == count
    assert verdict.words.startswith(verdict.summary)
