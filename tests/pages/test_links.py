"""Links hold what a page shows: for another visitor, after a reload, and where a page fails."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.lab.url_state import lab_query, link_opened
from pages.shared.tasks import catalogue
from tests.pages.conftest import ROOT, go
from tests.pages.test_walk import choose_lowest, shown

CHAPTERS_WITH_CHOICES = [
    ("inside_the_layer", 1),
    ("inside_the_layer", 2),
    ("inside_the_layer", 3),
    pytest.param(("inside_the_layer", 6), marks=pytest.mark.slow),
    ("training_and_inference", 1),
    ("training_and_inference", 2),
    ("training_and_inference", 5),
    ("covariate_shift", 1),
]


def another_visitor() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def link_of(app: AppTest) -> dict[str, str]:
    """Return the parameters in the address bar, one value each."""
    return {k: v if isinstance(v, str) else v[0] for k, v in app.query_params.items()}


def fail(*_: object, **__: object) -> None:
    raise RuntimeError("A page fails here on purpose.")


@pytest.mark.parametrize("place", CHAPTERS_WITH_CHOICES)
def test_a_chapters_link_brings_its_choices_to_another_visitor(app, place):
    page, number = place
    go(app, page, chapter=str(number))
    chosen = choose_lowest(app)
    link = link_of(app)
    assert link.pop("chapter") == str(number) and link
    other = go(another_visitor(), page, chapter=str(number), **link)
    assert shown(other) == chosen
    assert link_of(other) == link_of(app)


def test_a_typed_table_travels_in_the_link(app):
    rows = "1_20~2_18~7_26"
    go(app, "inside_the_layer", chapter="2", batch="1_20_0~2_18_0.5~7_26_1")
    assert not app.exception
    assert link_of(app)["batch"] == "1_20_0~2_18_0.5~7_26_1"
    go(app, "inside_the_layer", chapter="3")
    assert link_of(app)["batch"] == "1_20_0~2_18_0.5~7_26_1", "the chapters share the batch"
    for broken in (rows, "1_2_x", "~~", "_" * 100, "9" * 800, "nan_nan_nan"):
        go(app, "inside_the_layer", chapter="2", batch=broken)
        assert not app.exception
        assert link_of(app).get("batch") != broken


def test_values_that_no_widget_has_are_left_out_of_the_link(app):
    go(app, "inside_the_layer", chapter="2", gamma="1e9", epsilon="nan", evil="1")
    assert not app.exception
    assert link_of(app) == {"chapter": "2"}
    go(app, "inside_the_layer", chapter="99")
    assert link_of(app) == {"chapter": "2"}, "the chapter is the one that was there"


def test_an_experiments_link_holds_its_seeds_and_the_quick_look(app):
    link = {"experiment": "scale", "seeds": "5", "first_seed": "40", "quick": "on"}
    go(app, "experiment", **link)
    values = {widget.label: widget.value for widget in (*app.slider, *app.number_input)}
    assert (values["Seeds"], values["First seed"], app.toggle[0].value) == (5, 40, True)
    assert link_of(app) == link
    app.number_input[0].set_value(41).run()
    assert link_of(app)["first_seed"] == "41"


def test_a_name_in_a_link_makes_no_markdown(app):
    go(app, "experiment", experiment="![a](http://example.org/a.png)")
    (said,) = [warning.value for warning in app.warning]
    assert not set("![]()/:") & set(said)


def test_where_a_chapter_fails_its_link_keeps_the_settings(app, monkeypatch):
    go(app, "training_and_inference", chapter="5")
    before = choose_lowest(app)
    link = link_of(app)
    with monkeypatch.context() as broken:
        broken.setattr("pages.shared.demo_widgets.compute", fail)
        app.toggle[0].set_value(not app.toggle[0].value).run()
        assert app.exception
    kept = link_of(app)
    assert kept.get("invert") != link.get("invert"), "the newest setting is kept"
    assert set(kept) - {"invert"} == set(link) - {"invert"}
    reloaded = go(another_visitor(), "training_and_inference", **kept)
    assert not reloaded.exception
    key = "training_and_inference.New domain.invert"
    assert shown(reloaded) == before | {key: not before[key]}


def test_where_the_lab_fails_its_link_keeps_the_settings(app, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("pages.shared.lab.toolbar.toolbar", fail)
        depth = next(slider for slider in app.slider if slider.label == "Hidden layers")
        depth.set_value(7).run()
        assert app.exception
    assert link_of(app)["depth"] == "7"


def test_the_lab_reads_its_link_on_arrival_alone(app):
    app.query_params["depth"] = "9"
    app.run()
    depth = next(slider for slider in app.slider if slider.label == "Hidden layers")
    assert depth.value != 9, "this link came late: the page has written another since"
    go(app, "claims")
    go(app, "lab", depth="9")
    depth = next(slider for slider in app.slider if slider.label == "Hidden layers")
    assert depth.value == 9


def test_an_experiments_link_waits_for_the_list_of_experiments(app, monkeypatch):
    link = {"experiment": "scale", "seeds": "5"}
    with monkeypatch.context() as late:
        late.setattr(catalogue, "catalogue", lambda seconds=0.0: {})
        late.setattr("pages.shared.tasks.controls.catalogue", lambda seconds=0.0: {})
        go(app, "experiment", **link)
        assert "experiment" not in app.session_state["session"].link_values
    app.run()
    assert link_of(app) == link
    assert not any("leaves out" in warning.value for warning in app.warning)


def test_a_prediction_travels_in_the_link_of_its_experiment(app):
    go(app, "experiment", experiment="scale", prediction_scale="2")
    assert app.radio[0].value == 2
    assert link_of(app) == {"experiment": "scale", "prediction_scale": "2"}
    app.radio[0].set_value(1).run()
    assert link_of(app)["prediction_scale"] == "1"
    other = go(another_visitor(), "experiment", **link_of(app))
    assert other.radio[0].value == 1
    go(app, "experiment", experiment="scale", prediction_scale="99")
    assert not app.exception
    assert "prediction" in " ".join(warning.value for warning in app.warning)


def test_a_pages_link_names_the_nets_of_the_lab_that_it_computes_with(app):
    go(app, "lab", depth="3", width="16", arms="none~before;batch:8")
    go(app, "covariate_shift")
    app.button_group(key="covariate_shift.chapter").set_value(2).run()
    link = link_of(app)
    assert "batch" in link["nets"] and "depth=3" in link["nets"]
    other = go(another_visitor(), "covariate_shift", **link)
    assert not other.exception and link_of(other) == link
    go(other, "lab")
    assert {slider.label: slider.value for slider in other.slider}["Hidden layers"] == 3
    assert link_of(other)["arms"] == "none~before;batch:8"


@pytest.mark.parametrize(
    "nets", ["%%%", "a=b", "depth=" + "9" * 5000, "&".join(f"k{i}=1" for i in range(500)), "depth"]
)
def test_nets_in_a_link_that_cannot_be_read_change_nothing(app, nets):
    go(app, "covariate_shift", chapter="2", nets=nets)
    assert not app.exception
    assert "nets cannot be read" in " ".join(warning.value for warning in app.warning)
    assert link_of(app) == {"chapter": "2"}


def test_what_a_link_asks_for_in_vain_is_said_until_the_reader_leaves(app):
    go(app, "inside_the_layer", chapter="2", gamma="1e9", batch="1_2_x", evil="1")
    said = " ".join(warning.value for warning in app.warning)
    assert all(name in said for name in ("gamma", "batch", "evil"))
    app.run()
    assert len(app.warning) == 3
    go(app, "claims")
    go(app, "inside_the_layer")
    assert not app.warning


@pytest.mark.parametrize("step", [0, 70])
def test_the_labs_link_holds_the_step_that_is_shown(step):
    event = link_opened({"depth": "3", "at": str(step)})
    assert (event.cursor, event.warnings) == (step, ())
    query = lab_query(event.comparison, event.view, event.cursor)
    assert query == {"depth": "3", "at": str(step)}


@pytest.mark.parametrize("text", ["", "-1", "1e3", "10001", "9" * 30, "²", "<b>"])
def test_a_step_that_no_run_has_is_left_out_of_the_labs_link(text):
    event = link_opened({"at": text})
    assert event.cursor is None
    assert event.warnings == ("The link's step is none from 0 to 10,000; the newest is shown.",)
