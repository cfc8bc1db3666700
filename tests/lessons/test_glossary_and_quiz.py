"""Terms are found in texts, answers get a reply, and topics a score."""

import numpy as np
import pytest

from bn_core import lessons
from bn_core.lessons import LessonError
from bn_core.lessons.evidence import Evidence
from bn_core.lessons.glossary import find_terms, read_glossary
from bn_core.lessons.questions import reply
from bn_core.lessons.quiz import read_quiz, scores
from bn_core.results import Metric, Result
from bn_core.training import run
from tests.lessons.test_text_format import QUESTION, TERM
from tests.runs import small

TERMS = read_glossary(
    "a.txt",
    TERM
    + """[term norm]
term: norm
means: One.
see: lab
[term batch-norm]
term: batch norm
also: BN, γ
means: Another.
see: lab
""",
)


def found(text: str, **options) -> list[tuple[str, str]]:
    return [(text[o.begin : o.end], o.term.id) for o in find_terms(text, TERMS, **options)]


def test_the_longest_term_is_found_as_a_whole_word():
    assert found("Batch norm, in nats: γ of BNs.") == [
        ("Batch norm", "batch-norm"),
        ("nats", "nat"),
    ]
    assert found("normal abnorm natural BNx") == []
    assert found("a norm and norms", once=False) == [("norm", "norm"), ("norms", "norm")]
    assert found("") == [] and find_terms("norm", ()) == []


def test_every_term_is_found_in_its_own_name():
    terms = lessons.glossary()
    for term in terms:
        for form in (term.name, *term.also):
            (one,) = find_terms(f"about {form}.", terms)
            assert one.term == term, form


def test_a_word_in_another_sense_is_no_term():
    written = "[term step]\nterm: step\nexcept: time step, steps of stairs\nmeans: One.\nsee: lab\n"
    terms = read_glossary("a.txt", TERM + written)
    text = "Time steps, STEPS OF STAIRS, one step and timed steps."
    found = [text[o.begin : o.end] for o in find_terms(text, terms, once=False)]
    assert found == ["step", "steps"]
    with pytest.raises(LessonError, match="line 8: “stairs” holds no form"):
        read_glossary("a.txt", TERM + written.replace("time step", "stairs"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One is a few units, the other tens of thousands.", []),
        ("It keeps He's scale; the scale of the first weights.", []),
        ("Random shifts, at which chance decides, in every time step.", []),
        ("A learned scale and a learned shift of each unit", ["gamma", "beta", "unit"]),
        ("γ and β, and one step", ["gamma", "beta", "step"]),
        ("Weight norm or weight standardization", ["weight-norm", "weight-standardization"]),
        ("SyncBatchNorm and gradient accumulation", ["sync-batch-norm", "accumulation"]),
    ],
)
def test_the_glossary_knows_the_senses_of_its_words(text: str, expected: list[str]):
    assert [one.term.id for one in find_terms(text, lessons.glossary())] == expected


def test_of_a_long_text_only_the_beginning_is_searched():
    assert found("x " * 50_000 + "norm") == []


def test_a_reply_says_right_or_what_was_right_and_why():
    (one,) = read_quiz("a.txt", QUESTION)
    assert reply(one.question, 0) == "You predicted “This”: right."
    said = reply(one.question, 1, because=one.explanation)
    assert said == "You predicted “That”: not this time. The answer is “This”. So it is."


def test_a_measured_question_is_answered_by_its_run_alone():
    text = QUESTION.replace("* This", "* This {setting(depth) = 3}").replace(
        "- That\nexplain", "- That {otherwise}\nexplain"
    )
    (one,) = read_quiz("a.txt", text + "run: lab?depth=3\n")
    assert "do not decide" in reply(one.question, 0, Evidence())
    assert reply(one.question, 0, said="answered") == "You answered “This”: right."
    shallow = Evidence(run(small(depth=2, steps=2)))
    assert one.question.measured(shallow)[0] == 1, "not what is expected, but what is measured"
    assert "not this time" in reply(one.question, 0, shallow)
    assert "right" in reply(one.question, 1, shallow)


@pytest.mark.parametrize(
    ("ratio", "index", "numbers"),
    [
        (1.5, 0, "“Ratio”: 1.5 (asked for: less than 2)"),
        (50.0, 1, "“Ratio”: 50 (asked for: less than 100)"),
        (1987.6, 2, "“Ratio”: 1,990"),
    ],
)
def test_the_numbers_named_are_those_of_the_answer_that_they_give(ratio, index, numbers):
    one = next(one for one in lessons.quiz() if one.id == "raw-steps")
    metrics = (Metric("invented_raw_ratio", "Ratio", np.array([ratio])),)
    evidence = Evidence(results={"whiten": Result(metrics=metrics)})
    assert one.question.measured(evidence) == (index, numbers)
    assert reply(one.question, index, evidence).endswith(f"right. Measured: {numbers}.")


def test_scores_count_by_topic_and_lead_back_to_what_was_missed():
    questions = lessons.quiz()
    answers = {one.id: one.question.expected for one in questions}
    assert all(one.right == one.answered and not one.pages for one in scores(questions, answers))
    wrong = questions[0]
    answers[wrong.id] = (wrong.question.expected + 1) % len(wrong.question.choices)
    (score,) = [one for one in scores(questions, answers) if one.topic == wrong.topic]
    assert score.right == score.answered - 1 and score.pages == (wrong.page,)
    assert scores(questions, {})[0].answered == 0
