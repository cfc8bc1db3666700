"""The quiz on paper: every question once, the right letters on the answer sheet, nothing active."""

import dataclasses
import re

from bn_core import lessons
from bn_core.export.quiz_sheet import quiz_sheet
from bn_core.lessons.quiz import answer_order
from bn_core.lessons.shuffling import shuffled


def sheet(**options) -> str:
    return quiz_sheet(lessons.quiz(), "A quiz", **options).decode()


def text(html: str) -> str:
    plain = re.sub(r"<[^>]+>", "", html)
    for name, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#x27;", "'")):
        plain = plain.replace(name, sign)
    return plain.replace("&amp;", "&")


def test_every_question_is_asked_once_and_answered_behind():
    for again in (False, True):
        asked, answered = text(sheet(again=again)).split("QuestionAnswerWhy")
        for one in lessons.quiz():
            question = one.again if again else one.question
            assert question.words in asked
            assert question.choices[question.expected].words in answered


def test_the_answer_sheet_names_the_letter_of_the_right_choice():
    html = sheet(seed="class 3")
    rows = re.findall(r'<th scope="row">(\d+)</th><td>([A-F]): (.*?)</td>', html)
    assert len(rows) == len(lessons.quiz())
    for number, letter, words in rows:
        question = html.split(f"<b>{number}.</b>")[1].split("</ul>")[0]
        assert f"<b>{letter}</b> {words}</li>" in question


def test_numbers_go_up_on_the_sheet_also_where_topics_alternate():
    mixed = sorted(lessons.quiz(), key=lambda one: one.id)
    for questions in (lessons.quiz(), mixed):
        html = quiz_sheet(questions, "A quiz").decode()
        numbers = [int(one) for one in re.findall(r"<b>(\d+)\.</b>", html)]
        assert numbers == list(range(1, len(questions) + 1))
        headings = re.findall("<h2>(.*?)</h2>", html)
        assert len(headings) == len(set(headings)), "each topic stands in one place"


def test_answers_stand_as_on_the_page_and_nothing_else_is_to_be_filled_in_but_a_name():
    one = lessons.quiz()[0]
    html = sheet(seed="visitor")
    order = answer_order(one, "visitor", again=False)
    places = [text(html).index(one.question.choices[index].words) for index in order]
    assert places == sorted(places)
    assert "Name:" in html and "<textarea" not in html and "<input" not in html


def test_another_seed_is_another_order_and_the_same_seed_the_same():
    assert sheet(seed="a") == sheet(seed="a") != sheet(seed="b")
    assert sorted(shuffled("x", 5, "s")) == list(range(5))
    firsts = [shuffled(str(n), 3, "s")[0] for n in range(300)]
    assert all(60 < firsts.count(place) < 140 for place in range(3))


def test_words_are_never_markup():
    (first, *_) = lessons.quiz()
    evil = dataclasses.replace(first, topic="<script>alert(1)</script>")
    html = quiz_sheet([evil], "<b>title</b>").decode()
    assert "<script>alert" not in html and "<b>title" not in html
