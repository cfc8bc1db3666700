"""Lessons that a link holds: what is written is read back, and what is hostile is left out."""

import random
import string
from urllib.parse import parse_qsl, urlencode

import pytest

from bn_core.arms import arm_named
from bn_core.comparison import Comparison, comparison_to_query
from bn_core.config import Config
from bn_core.lessons.arranged import (
    CONTROLS,
    KEYS,
    LONGEST_LINK,
    LONGEST_QUESTION,
    ArrangedLesson,
    read_arranged,
)
from bn_core.lessons.asked_predictions import (
    BEST_BY,
    LONGEST_ANSWER,
    MOST_ANSWERS,
    MOST_BOUNDS,
    RANGED,
    AskedPrediction,
    BestNet,
    OwnAnswers,
    Ranges,
    is_share,
)
from bn_core.lessons.guided import DRAWN, Drawing
from bn_core.visible_text import visible_text

NETS = ("none", "before", "before;batch:4", "layer;normed:1-2;lr:0.5")
COMPARISON = Comparison(Config(depth=5), tuple(map(arm_named, NETS)))
SIGNS = string.printable + "γβσ→“”é漢字😀"


def some_text(draw: random.Random, longest: int) -> str:
    signs = "".join(draw.choices(SIGNS, k=draw.randint(1, longest)))
    return visible_text(signs) or "?"


def some_prediction(draw: random.Random) -> AskedPrediction | None:
    net = draw.choice(NETS)
    match draw.randrange(5):
        case 0:
            return BestNet(draw.choice(list(BEST_BY)))
        case 1:
            quantity = draw.choice(RANGED)
            most = 1 if is_share(quantity) else 1e6
            numbers = {draw.uniform(1e-9, most) for _ in range(draw.randint(1, MOST_BOUNDS))}
            return Ranges(quantity, net, tuple(sorted(numbers)))
        case 2:
            return Drawing(draw.choice(DRAWN), net)
        case 3:
            texts = (some_text(draw, LONGEST_ANSWER).replace("~", "-") for _ in range(MOST_ANSWERS))
            answers = tuple(dict.fromkeys(filter(None, map(visible_text, texts))))
            return OwnAnswers(answers) if len(answers) > 1 else None
    return None


def some_lesson(seed: int) -> ArrangedLesson:
    draw = random.Random(seed)
    names = list(CONTROLS)
    locked = frozenset(draw.sample(names, draw.randint(0, len(names))))
    hidden = frozenset(draw.sample(names, draw.randint(0, len(names))))
    question = some_text(draw, LONGEST_QUESTION)
    return ArrangedLesson(question, locked - hidden, hidden, some_prediction(draw))


@pytest.mark.parametrize("seed", range(60))
def test_a_lesson_comes_back_from_its_link(seed):
    lesson = some_lesson(seed)
    link = urlencode(comparison_to_query(COMPARISON) | lesson.query())
    back, complaints = read_arranged(dict(parse_qsl(link)), COMPARISON)
    assert (back, complaints) == (lesson, [])
    assert back.id == lesson.id and back.query() == lesson.query()
    assert set(lesson.query()) <= set(KEYS)


def test_everything_locked_with_a_question_of_two_sentences_fits_into_a_link():
    lesson = ArrangedLesson("x " * 150, frozenset(CONTROLS), prediction=BestNet("accuracy"))
    assert len(urlencode(comparison_to_query(COMPARISON) | lesson.query())) < LONGEST_LINK / 2


@pytest.mark.parametrize(
    "query",
    [
        {"ask": "x" * (LONGEST_QUESTION + 1)},
        {"ask": "\u202e" * 1_000_000},
        {"lock": "lr-evil"},
        {"lock": "norm"},
        {"lock": "then-lr"},
        {"hide": "<script>"},
        {"hide": "-" * 2000},
        {"lock": "lr," * 100_000},
        {"predict": "own:one"},
        {"predict": "own:same~same"},
        {"predict": "own:" + "~".join("abcdefgh")},
        {"predict": f"own:{'x' * (LONGEST_ANSWER + 1)}~y"},
        {"predict": "x" * 100_000},
        {"predict": "best:"},
        {"predict": "best:page"},
        {"predict": "draw:training_loss:layer"},
        {"predict": "draw:__class__:none"},
        {"predict": "range:accuracy:none"},
        {"predict": "range:setting:1:none"},
        {"predict": "range:accuracy:nan:none"},
        {"predict": "range:accuracy:0.9_0.5:none"},
        {"predict": "range:accuracy:0.5_inf:none"},
        {"predict": "range:accuracy:-1:none"},
        {"predict": "range:accuracy:50:none"},
        {"predict": "range:training_loss:1_2_3_4_5:none"},
    ],
    ids=lambda query: "-".join(f"{key}{len(text)}" for key, text in query.items()),
)
def test_what_does_not_fit_is_left_out_and_said_in_a_sentence(query):
    lesson, complaints = read_arranged({"ask": "Which?", **query}, COMPARISON)
    assert len(complaints) == 1 and len(complaints[0]) < 250
    assert lesson.prediction is None
    assert lesson.locked | lesson.hidden <= {"learning_rate"}
    assert lesson.question == ("" if "ask" in query else "Which?")


def test_a_control_that_is_locked_and_hidden_is_hidden():
    lesson, _ = read_arranged({"ask": "?", "lock": "lr-depth", "hide": "lr"}, COMPARISON)
    found = [lesson.access(name) for name in ("learning_rate", "depth", "batch_size")]
    assert found == ["hidden", "locked", "free"]


def test_what_cannot_be_seen_is_no_part_of_a_question():
    lesson, _ = read_arranged({"ask": " a\u202e\u0000b\n\tc\u200b "}, COMPARISON)
    assert lesson.question == "ab c"
