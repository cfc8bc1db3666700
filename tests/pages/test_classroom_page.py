"""The teacher's page of a class, without a browser."""

from streamlit.testing.v1 import AppTest

from bn_core.classroom import Phase
from pages.shared.classroom.routes import CLASSES
from tests.pages.conftest import go
from tests.pages.test_learning_pages import press
from tests.pages.test_links import link_of


def taught(app: AppTest):
    return app.session_state["session"].classroom


def test_a_class_is_opened_asked_and_ended(app: AppTest) -> None:
    go(app, "classroom")
    press(app, "Open a class")
    classroom = taught(app)
    assert not app.exception and CLASSES.find(classroom.code) is classroom
    assert any("this computer alone" in one.value for one in app.warning)
    assert link_of(app)["class"] == classroom.code and classroom.key not in str(link_of(app))
    press(app, "Ask the class")
    assert classroom.phase is Phase.VOTE and len(classroom.asked) == 1
    app.button_group(key="class.source").set_value("My own").run()
    app.text_area(key="class.text").set_value("Which?").run()
    app.text_area(key="class.choices").set_value("A").run()
    assert any("2 to 8 choices" in info.value for info in app.info)
    app.text_area(key="class.choices").set_value("A\nB").run()
    press(app, "Ask the class")
    assert classroom.asked[-1].question.choices == ("A", "B")
    go(app, "claims")
    go(app, "classroom")
    assert taught(app) is classroom and not app.exception
    press(app, "End it now")
    assert classroom.ended and taught(app) is None and not app.exception
    assert CLASSES.find(classroom.code) is None


def test_a_class_goes_to_another_device_by_its_key_alone(app: AppTest) -> None:
    opened = CLASSES.open()
    go(app, "classroom", **{"class": opened.code, "key": "wrong"})
    assert taught(app) is None and any("no class" in one.value for one in app.warning)
    go(app, "claims")
    go(app, "classroom", **{"class": opened.code, "key": opened.key})
    assert taught(app) is opened and opened.key not in str(link_of(app))
    opened.end()


def test_the_present_state_of_the_lab_is_given_to_all_and_taken_back(app: AppTest) -> None:
    go(app, "lab", depth="3", at="0")
    go(app, "classroom")
    press(app, "Open a class")
    press(app, "Give it to everyone")
    classroom = taught(app)
    given = classroom.shown_to_students()["link"]
    assert given.startswith("?") and "depth=3" in given and not app.exception
    assert "at=" not in given
    press(app, "Begin")  # of the 1,000 steps of the Lab as many as a class may wait for
    pool = classroom.shown_to_students()["pool"]
    assert pool["kind"] == "seeds" and not app.exception
    press(app, "Stop training together")
    press(app, "Take the link back")
    assert "link" not in classroom.shown_to_students()
    press(app, "Show the Lab's run")
    assert not app.exception and any("Train" in one.label for one in app.button)
    press(app, "Stop showing the run")
    classroom.end()


def test_a_visit_that_takes_the_class_over_finds_the_nets_of_its_lab(app: AppTest) -> None:
    opened = CLASSES.open()
    opened.lab = "depth=3"
    go(app, "claims")
    session = app.session_state["session"]
    session.run.close()
    session.run = None  # as in a visit that begins on the class's page
    go(app, "classroom", **{"class": opened.code, "key": opened.key})
    press(app, "Give it to everyone")
    assert "depth=3" in opened.shown_to_students()["link"] and not app.exception
    opened.end()


def test_the_lab_of_a_student_keeps_the_class_in_its_link(app: AppTest) -> None:
    go(app, "lab", **{"class": "bcd fgh", "depth": "3"})
    assert link_of(app)["class"] == "BCDFGH" and not app.warning and not app.exception
    assert app.session_state["session"].follows == "BCDFGH"
    go(app, "claims")
    assert "class" not in link_of(app)
    go(app, "lab", **{"class": "<b>"})
    assert "class" not in link_of(app) and not app.exception
