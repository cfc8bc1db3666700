"""A lesson arranged on the page, and its link as a student opens it: locks, prediction, way out."""

from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Radio

from bn_core.comparison import Comparison
from bn_core.config import SETTINGS, Config
from bn_core.figures.diagram_nets import Chip
from bn_core.lessons.arranged import CONTROLS, LONGEST_LINK
from pages.shared.lab import dashboard
from pages.shared.lab.setting_groups import BAR, PANEL
from pages.shared.lab.url_state import lab_link_values
from pages.shared.lessons.arranged_state import LOCKED
from tests.pages.conftest import go, handed_to_browser
from tests.pages.test_links import link_of

QUESTION = "Which net learns at rate 1?"
BASE = {"depth": "10", "steps": "60", "lr": "1.0"}
QUICK = {"depth": "2", "steps": "20", "seeds": "1", "speed": "full"}
LABEL = {name: setting.label for name, setting in SETTINGS.items()}


def opened(app: AppTest, **values: str) -> AppTest:
    """Open a lesson's link as a student does."""
    go(app, "lab", **{**BASE, "ask": QUESTION, **values})
    assert not app.exception
    return app


def settings_shown(app: AppTest) -> dict[str, bool]:
    """Return the label of each setting's control, and whether the reader may change it."""
    widgets = (*app.slider, *app.select_slider, *app.selectbox, *app.number_input, *app.toggle)
    known = set(LABEL.values())
    return {one.label: not one.disabled for one in widgets if one.label in known}


def button(app: AppTest, key: str) -> bool | None:
    """Return whether a button can be pressed; None if there is none."""
    found = [one for one in app.button if one.key == key]
    return not found[0].disabled if found else None


def answers_of(app: AppTest) -> list[Radio]:
    """Return the answers that the lesson offers."""
    return [one for one in app.radio if str(one.key).startswith("arranged.answer")]


def text(app: AppTest) -> str:
    return " ".join(one.value for one in (*app.markdown, *app.caption, *app.info))


def test_every_setting_of_the_lab_can_be_locked_and_nothing_else():
    in_the_lab = {*BAR, *(name for names in PANEL.values() for name in names), "nets"}
    assert set(CONTROLS) == in_the_lab


def test_a_locked_control_shows_its_value_and_a_hidden_one_is_not_there(app):
    free = settings_shown(go(app, "lab", **BASE))
    assert free[LABEL["learning_rate"]] and free[LABEL["batch_size"]] and free[LABEL["optimizer"]]
    shown = settings_shown(opened(app, lock="lr-opt", hide="batch-decay"))
    assert shown[LABEL["learning_rate"]] is False and shown[LABEL["optimizer"]] is False
    assert LABEL["batch_size"] not in shown and LABEL["weight_decay"] not in shown
    assert shown[LABEL["depth"]] is True
    slider = next(one for one in app.select_slider if one.label == LABEL["learning_rate"])
    assert slider.value == 1 and text(app).count(LOCKED) == 2


def test_locked_nets_are_shown_without_what_changes_them(app):
    chips = [one.key for one in go(app, "lab", **BASE).button if "lab.remove" in str(one.key)]
    assert len(chips) == 2
    opened(app, lock="nets")
    keys = {str(one.key) for one in app.button}
    assert not any(key.startswith(("lab.remove", "lab.offer", "lab.preset")) for key in keys)
    assert "No norm" in text(app) and LOCKED in text(app)
    opened(app, hide="nets")
    assert "BN before" not in text(app)


def test_a_locked_field_is_none_that_a_net_can_differ_in(app):
    opened(app, lock="lr-batch")
    app.session_state["lab.add_net"] = True
    app.run()
    differs = next(one for one in app.selectbox if one.label == "What differs")
    assert LABEL["dropout"] in differs.options
    assert not {LABEL["learning_rate"], LABEL["batch_size"]} & set(differs.options)


def test_locked_seeds_and_steps_bind_the_buttons_that_would_change_them(app):
    assert button(opened(app), "lab.new_seeds") is True
    assert button(opened(app, lock="seed"), "lab.new_seeds") is False
    assert button(opened(app, hide="seed"), "lab.new_seeds") is None


def test_a_student_predicts_before_training_and_the_run_decides(app):
    opened(app, predict="best:accuracy", **QUICK)
    assert button(app, "lab.train") is False and button(app, "lab.step") is False
    assert "Predict first" in app.button(key="lab.train").help
    (answers,) = answers_of(app)
    answers.set_value(1).run()
    assert button(app, "lab.train") is True and "You predicted" not in text(app)
    app.button(key="lab.train").click().run()
    assert app.session_state["session"].run.wait(60)
    app.run()
    (answers,) = answers_of(app)
    assert answers.disabled, "the run has begun"
    assert "You predicted “BN before”" in unescape(text(app)) and "Measured" in text(app)


def test_a_link_without_a_question_opens_without_a_lesson_and_says_so(app):
    go(app, "lab", **BASE, lock="lr")
    assert settings_shown(app)[LABEL["learning_rate"]] is True
    assert any("no question" in one.value for one in app.warning)


def test_the_words_of_a_link_make_no_markup_and_are_said_to_be_its_authors(app):
    opened(app, ask="<img src=x> **b** [a](http://example.org)", predict="own:<b>x</b>~:smile:")
    headings = [one.proto.body for one in app.get("html") if "bn-step" in one.proto.body]
    assert len(headings) == 1 and "&lt;img" in headings[0] and "<img" not in headings[0]
    assert "words of this lesson come from whoever made the link" in text(app)
    (answers,) = answers_of(app)
    assert not any("<b>" in option or ":smile:" in option for option in answers.options)


def test_without_the_lesson_the_same_lab_is_open_and_free(app):
    opened(app, lock="lr-nets-opt", hide="batch-data")
    held = app.session_state["session"].lab.comparison
    app.button(key="arranged.close").click().run()
    assert app.session_state["session"].lab.comparison == held
    assert all(settings_shown(app).values()) and LOCKED not in text(app)
    assert link_of(app) == BASE
    assert button(app, "lab.remove.0") is True


def test_the_lessons_state_is_offered_only_where_the_lab_differs_from_it(app):
    assert button(opened(app), "arranged.set") is None
    next(one for one in app.slider if one.label == LABEL["depth"]).set_value(4).run()
    assert button(app, "arranged.set") is True
    app.button(key="arranged.set").click().run()
    assert button(app, "arranged.set") is None
    assert next(one for one in app.slider if one.label == LABEL["depth"]).value == 10


def test_another_link_of_the_lab_leaves_the_lesson_and_the_navigation_does_not(app):
    opened(app, lock="lr")
    go(app, "claims")
    assert "ask" not in link_of(app) and not any("lesson" in fold.label for fold in app.expander)
    go(app, "lab")
    assert settings_shown(app)[LABEL["learning_rate"]] is False and link_of(app)["ask"] == QUESTION
    go(app, "lab", depth="3")
    assert settings_shown(app)[LABEL["learning_rate"]] is True and "ask" not in link_of(app)


def handed_out(app: AppTest) -> dict[str, str]:
    """Return the parameters of the link that the author is given; none while it is not whole."""
    links = [part["link"] for part in handed_to_browser(app) if "link" in part]
    assert len(links) == 1 and len(links[0]) <= LONGEST_LINK
    return dict(parse_qsl(urlsplit(links[0]).query))


def choose(app: AppTest, controls: str, access: str) -> None:
    """Make controls free, locked or hidden; a setting of the Lab may go by the same name."""
    rows = [one for one in app.selectbox if str(one.key).startswith("arranging.access")]
    next(one for one in rows if one.label == controls).set_value(access).run()


def test_what_a_teacher_arranges_is_what_a_student_opens(app):
    go(app, "lab", **BASE)
    app.button(key="export.lesson").click().run()
    assert handed_out(app) == {} and "Write a question" in text(app)
    app.text_area(key="arranging.question").set_value(QUESTION).run()
    choose(app, "All of them", "Locked")
    choose(app, "Batch size", "Hidden")
    choose(app, "Learning rate", "Free")
    app.selectbox(key="arranging.kind").set_value("range").run()
    app.text_input(key="arranging.bounds").set_value("50, 90 %").run()
    link = handed_out(app)
    assert link["predict"] == "range:accuracy:0.5_0.9:none" and link["ask"] == QUESTION
    assert {**link_of(app)} == {**link, "arrange": "on"}, "a reload goes on with the draft"
    session = app.session_state["session"]
    given = lab_link_values(session, session.lab.comparison)
    assert given == link, "a class that is given the Lab gets the lesson, not the draft"
    go(app, "lab", **link)
    shown = settings_shown(app)
    assert shown.pop(LABEL["learning_rate"]) is True and not any(shown.values())
    assert LABEL["batch_size"] not in shown and button(app, "lab.train") is False
    app.button(key="arranged.change").click().run()
    assert handed_out(app) == link, "a student's link can be arranged again"


def test_the_list_of_lessons_leads_to_the_lab_as_it_stands(app):
    go(app, "lab", **BASE)
    held = app.session_state["session"].lab.comparison
    go(app, "lessons")
    app.button(key="lessons.arrange").click().run()
    assert app.session_state["session"].page == "lab"
    assert app.session_state["session"].lab.comparison == held
    assert handed_out(app) == {} and link_of(app) == {**BASE, "arrange": "on"}


@pytest.mark.parametrize(
    ("kind", "key", "typed", "words"),
    [
        ("range", "bounds", "90, 50", "numbers above zero that rise"),
        ("range", "bounds", "a half", "needs numbers such as"),
        ("own", "answers", "only one", "two answers or more"),
    ],
)
def test_a_prediction_that_is_not_whole_is_said_and_no_link_is_handed_out(
    app, kind, key, typed, words
):
    go(app, "lab", **BASE, ask=QUESTION, arrange="on")
    assert handed_out(app)
    app.selectbox(key="arranging.kind").set_value(kind).run()
    places = {"bounds": app.text_input, "answers": app.text_area}
    places[key](key=f"arranging.{key}").set_value(typed).run()
    assert handed_out(app) == {} and words in text(app)


def chips(*, fixed: bool) -> list[Chip]:
    """Return what the drawing shows of a plain net and one with batch norm, ten layers each."""
    chart = dashboard.unbuilt_nets(Comparison(Config(depth=10)), 1, fixed=fixed)
    assert chart is not None
    blocks = [block for lane in chart[1]()["lanes"] for block in lane["blocks"]]
    return [chip for block in blocks for chip in block["chips"]]


def test_the_drawing_of_locked_nets_shows_their_norms_and_offers_none():
    free, fixed = chips(fixed=False), chips(fixed=True)
    assert sum(chip["kind"] == "norm" for chip in free) == 20
    assert not any(chip["kind"] == "norm" or not chip["present"] for chip in fixed)
    assert sum(chip["kind"] == "fixed_norm" for chip in fixed) == 10
    assert chips(fixed=False) == free


def test_once_a_run_has_begun_nothing_can_be_predicted_before_a_reset(app):
    go(app, "lab", **QUICK)
    app.button(key="lab.train").click().run()
    assert app.session_state["session"].run.wait(60)
    held = link_of(app)
    go(app, "lab", **held, ask=QUESTION, predict="own:yes~no")
    (answers,) = answers_of(app)
    assert answers.disabled and "lets you predict first" in said(app)
    app.button(key="lab.reset").click().run()
    (answers,) = answers_of(app)
    assert not answers.disabled and "Predict first" in said(app)


def said(app: AppTest) -> str:
    """Return the line that says what comes next."""
    lines = [one.proto.body for one in app.get("html") if "bn-look" in one.proto.body]
    return unescape(" ".join(lines))


def test_the_address_holds_a_prediction_as_soon_as_its_kind_is_chosen(app):
    go(app, "lab", **BASE, ask=QUESTION, arrange="on")
    app.selectbox(key="arranging.kind").set_value("draw").run()
    assert link_of(app)["predict"] == handed_out(app)["predict"] == "draw:training_loss:none"
