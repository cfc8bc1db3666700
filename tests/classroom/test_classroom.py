"""A class: who may answer what when, what is counted, and what is shown to whom."""

import pytest

from bn_core.classroom import (
    Axes,
    ClassError,
    Classes,
    ClassesFull,
    ClassQuestion,
    Classroom,
    Phase,
    QuestionError,
)
from bn_core.classroom.classes import LETTERS, MOST_CLASSES, SECONDS_UNUSED
from bn_core.classroom.classroom import MOST_QUESTIONS, MOST_STUDENTS
from bn_core.classroom.questions import CURVE_POINTS, LONGEST_TEXT

QUESTION = ClassQuestion("Which nets learn?", ("Both", "One", "None"), answer=1)
CURVE = ClassQuestion("Draw the loss.", axes=Axes("step", "loss", 100, 2.5))


@pytest.fixture
def classroom() -> Classroom:
    return Classroom("BCDFGH")


def students(classroom: Classroom, count: int) -> list[str]:
    return [classroom.join() for _ in range(count)]


def test_both_rounds_are_counted_apart_and_a_changed_answer_counts_once(
    classroom: Classroom,
) -> None:
    first, second, third = students(classroom, 3)
    classroom.ask(QUESTION)
    for _ in range(1000):
        classroom.vote(first, 1, 0)
    classroom.vote(second, 1, 0)
    classroom.vote(second, 1, 2)
    classroom.move(1)
    with pytest.raises(ClassError, match="takes no answers"):
        classroom.vote(third, 1, 1)
    classroom.move(1)
    classroom.vote(first, 1, 1)
    assert classroom.shown_to_teacher()["voted"] == [2, 1]
    classroom.move(1)
    assert classroom.shown_to_students()["question"]["results"] == [[1, 0, 1], [0, 1, 0]]
    assert classroom.answers_of(first) == [0, 1] and classroom.answers_of(third) == [None, None]


@pytest.mark.parametrize("phase", [Phase.VOTE, Phase.DISCUSS, Phase.VOTE_AGAIN])
def test_nobody_is_shown_answers_before_the_teacher_shows_them(
    classroom: Classroom, phase: Phase
) -> None:
    (student,) = students(classroom, 1)
    classroom.ask(QUESTION)
    classroom.vote(student, 1, 1)
    classroom.go_to(Phase.REVEAL)
    classroom.go_to(phase)
    for shown in (classroom.shown_to_students(), classroom.shown_to_teacher()):
        assert not {"results", "answer", "truth", "explanation"} & set(shown["question"])
    assert classroom.curves() == []


def test_answers_to_an_earlier_question_or_of_a_stranger_are_refused(
    classroom: Classroom,
) -> None:
    (student,) = students(classroom, 1)
    classroom.ask(QUESTION)
    classroom.ask(QUESTION)
    for token, number in ((student, 1), (student, 3), ("nobody", 2)):
        with pytest.raises(ClassError):
            classroom.vote(token, number, 0)
    assert classroom.shown_to_teacher()["voted"] == [0, 0]


@pytest.mark.parametrize("given", [-1, 3, 1.0, True, None, "1", [1], 10**400])
def test_what_is_no_choice_is_refused(classroom: Classroom, given: object) -> None:
    (student,) = students(classroom, 1)
    classroom.ask(QUESTION)
    with pytest.raises(QuestionError):
        classroom.vote(student, 1, given)


@pytest.mark.parametrize(
    "given",
    [None, 3, [0.5] * (CURVE_POINTS - 1), [float("nan")] * CURVE_POINTS, "a" * CURVE_POINTS],
)
def test_what_is_no_curve_is_refused(classroom: Classroom, given: object) -> None:
    (student,) = students(classroom, 1)
    classroom.ask(CURVE)
    with pytest.raises(QuestionError):
        classroom.vote(student, 1, given)


def test_students_see_quantiles_of_the_curves_and_the_teacher_all_of_them(
    classroom: Classroom,
) -> None:
    classroom.ask(CURVE)
    for student, height in zip(students(classroom, 3), (0.2, 0.4, 7.0), strict=True):
        classroom.vote(student, 1, [height] * CURVE_POINTS)
    classroom.go_to(Phase.REVEAL)
    first, second = classroom.shown_to_students()["question"]["results"]
    assert [band[0] for band in first] == [0.4] and second == []  # of so few the median alone
    heights = [curve[0] for curve in classroom.shown_to_teacher()["curves"][0]]
    assert heights == [0.2, 0.4, 1.0]
    classroom.go_to(Phase.VOTE_AGAIN)
    for place, student in enumerate(students(classroom, 11)):
        classroom.vote(student, 1, [place / 10] * CURVE_POINTS)
    classroom.go_to(Phase.REVEAL)
    _, second = classroom.shown_to_students()["question"]["results"]
    assert [band[0] for band in second] == pytest.approx([0.1, 0.5, 0.9])


def test_a_measured_curve_may_end_where_its_run_stands(classroom: Classroom) -> None:
    classroom.ask(CURVE)
    classroom.go_to(Phase.REVEAL)
    classroom.decide(truth=(0.9, 0.8))
    assert classroom.shown_to_students()["question"]["truth"] == [0.9, 0.8]
    with pytest.raises(QuestionError):
        classroom.decide(truth=(0.5,) * (CURVE_POINTS + 1))


def test_a_run_decides_what_the_teacher_left_open(classroom: Classroom) -> None:
    classroom.ask(ClassQuestion("Who wins?", ("A", "B")))
    classroom.go_to(Phase.REVEAL)
    assert classroom.shown_to_students()["question"]["answer"] is None
    classroom.decide(1, explanation="It reached 97 %.")
    shown = classroom.shown_to_students()["question"]
    assert (shown["answer"], shown["explanation"]) == (1, "It reached 97 %.")
    with pytest.raises(QuestionError):
        classroom.decide(2)


def test_a_device_that_returns_is_the_same_student(classroom: Classroom) -> None:
    (student,) = students(classroom, 1)
    assert classroom.join(student) == student
    with classroom.connected(student), classroom.connected(student):
        shown = classroom.shown_to_teacher()
        assert (shown["joined"], shown["present"]) == (1, 1)
    assert classroom.shown_to_teacher()["present"] == 0


def test_a_full_class_makes_room_only_where_nobody_is(classroom: Classroom) -> None:
    tokens = students(classroom, MOST_STUDENTS)
    classroom.ask(QUESTION)
    classroom.vote(tokens[0], 1, 0)
    with classroom.connected(tokens[1]):
        newcomer = classroom.join()
        assert newcomer not in tokens
        assert classroom.is_student(tokens[0]) and classroom.is_student(tokens[1])
        assert not classroom.is_student(tokens[2])
    classroom.close_to_newcomers(True)
    with pytest.raises(ClassError, match="closed"):
        classroom.join()


def test_the_saved_answers_name_nobody_and_keep_no_order(classroom: Classroom) -> None:
    tokens = students(classroom, 3)
    classroom.ask(QUESTION)
    for token, choice in zip(tokens, (2, 0, 1), strict=True):
        classroom.vote(token, 1, choice)
    classroom.go_to(Phase.VOTE_AGAIN)
    classroom.vote(tokens[0], 1, 1)
    classroom.decide(0)
    rows = classroom.votes()
    assert rows == [
        [1, QUESTION.text, *row, "A", QUESTION.choices[0]]
        for row in (["A", "Both", "", ""], ["B", "One", "", ""], ["C", "None", "B", "One"])
    ]


def test_whoever_listens_is_told_of_each_change(classroom: Classroom) -> None:
    versions: list[int] = []
    classroom.on_change.append(lambda: versions.append(classroom.version))
    classroom.ask(QUESTION)
    classroom.move(1)
    classroom.announce(link="?depth=5")
    classroom.end()
    assert versions == [2, 3, 4, 5]
    assert classroom.shown_to_students()["ended"]


def test_questions_are_bounded(classroom: Classroom) -> None:
    for _ in range(MOST_QUESTIONS):
        classroom.ask(QUESTION)
    with pytest.raises(ClassError):
        classroom.ask(QUESTION)
    for text, choices in [("", ("a", "b")), ("x" * (LONGEST_TEXT + 1), ("a", "b")),
                          ("x", ("a",)), ("x", ("a", "a")), ("x", ("a", " "))]:  # fmt: skip
        with pytest.raises(QuestionError):
            ClassQuestion(text, choices)
    for end in (0.0, float("inf"), float("nan")):
        with pytest.raises(QuestionError):
            Axes("step", "loss", 10, end)


def test_codes_of_a_replica_begin_with_its_letter() -> None:
    replica, alone = Classes(), Classes()
    replica.replica = "K"
    opened = [replica.open() for _ in range(20)]
    assert all(one.code[0] == "K" and len(one.code) == 6 for one in opened)
    assert len({one.code[1] for one in opened}) > 1
    assert replica.find(opened[0].code.lower()) is opened[0]
    assert not replica.is_elsewhere(f" {opened[0].code.lower()}") and replica.is_elsewhere("BCDFGH")
    assert not alone.is_elsewhere("BCDFGH")


def test_a_class_is_found_by_its_code_and_taught_with_its_key() -> None:
    classes = Classes()
    opened, other = classes.open(), classes.open()
    assert set(opened.code) <= set(LETTERS) and opened.code != other.code
    typed = f" {opened.code[:3].lower()} {opened.code[3:]} "
    assert classes.find(typed) is opened and classes.find(opened.code + "X") is None
    assert classes.find_for_teacher(opened.code, opened.key) is opened
    for key in (other.key, "", "ä"):
        assert classes.find_for_teacher(opened.code, key) is None


def test_classes_are_bounded_and_forgotten_when_unused() -> None:
    now = [0.0]
    classes = Classes(lambda: now[0])
    first = classes.open()
    for _ in range(MOST_CLASSES - 1):
        classes.open()
    with pytest.raises(ClassesFull):
        classes.open()
    now[0] = SECONDS_UNUSED - 1
    assert classes.find_for_teacher(first.code, first.key)
    now[0] = SECONDS_UNUSED + 1
    assert classes.find(first.code) is first and not first.ended
    for _ in range(MOST_CLASSES - 1):
        classes.open()
    now[0] = 3 * SECONDS_UNUSED
    assert classes.find(first.code) is None and first.ended
