"""The page Stability map: a sweep asked for, computed, and each cell on its way to the Lab."""

import time
from urllib.parse import parse_qsl

from streamlit.testing.v1 import AppTest

from bn_core.comparison import comparison_from_query
from bn_core.figures.stability_cells import EXPLANATIONS
from bn_core.sweeps.link import sweep_from_query
from bn_core.sweeps.sweep import Sweep
from pages.shared.export_menu import report_file_name
from pages.shared.session import Session
from pages.shared.tasks.sweeps import SweepRun
from tests.pages.conftest import go, handed_to_browser

LINK = {
    "data": "moons",
    "points": "60",
    "width": "4",
    "steps": "3",
    "batch": "8",
    "y": "depth",
    "yr": "1.0:2.0",
    "size": "8",
}


def session_of(app: AppTest) -> Session:
    return app.session_state["session"]


def completed(app: AppTest) -> SweepRun:
    """Press Run and watch the map as a browser does until it is there."""
    app.button("stability_map.run").click().run()
    run = finished(app)
    app.run()
    assert not app.exception
    return run


def test_a_map_from_a_link_is_computed_and_its_cells_lead_to_the_lab(app: AppTest):
    go(app, "stability_map", **LINK)
    assert not app.exception and not app.warning
    asked, complaints = sweep_from_query(LINK)
    assert not complaints
    assert {key: session_of(app).link_values[key] for key in LINK} == LINK
    run = completed(app)
    assert run.sweep == asked and (run.map.fate > 0).all()
    assert handed_to_browser(app), "the map is shown"
    feed = session_of(app).feeds["stability_map"]
    assert list(feed.charts()) == ["map_0", "map_1", "map_difference"]
    shown = feed.update(0).decode()
    assert "So: " in shown and "BN before against No norm" in shown
    links = [part.proto for part in app.get("page_link")]
    query = dict(parse_qsl(links[-1].query_string))
    comparison, warnings = comparison_from_query(query)
    assert not warnings and comparison == asked.comparison((4, 1))


def asked_for(app: AppTest) -> Sweep:
    """Return the sweep that the page has put into the link."""
    sweep, complaints = sweep_from_query(
        {k: v for k, v in session_of(app).link_values.items() if v is not None}
    )
    assert not complaints
    return sweep


def finished(app: AppTest) -> SweepRun:
    """Watch the map under way as a browser does until it is there."""
    run = session_of(app).computations["stability_map"]
    assert isinstance(run, SweepRun)
    while not run.done:  # the test's own time limit ends what never comes
        run.renew_lease()
        time.sleep(0.02)
    assert not run.failure and not app.exception
    return run


def test_zooming_in_runs_a_part_anew_and_back_finds_the_whole(app: AppTest):
    go(app, "stability_map", **LINK)
    whole = completed(app)
    values = whole.sweep.x_values
    app.select_slider[0].set_value((2, 4)).run()
    next(one for one in app.button if one.label == "Train this part").click().run()
    part = finished(app)
    assert part is not whole and part.sweep == asked_for(app)
    assert (part.sweep.x.low, part.sweep.x.high) == (values[2], values[4])
    assert (part.map.fate > 0).all()
    session = session_of(app)
    session.widget_values["stability_map"] = whole.sweep  # as Back sets it by the link
    session.revisions["stability_map"] += 1
    app.run()
    assert not app.exception and session.computations["stability_map"] is whole


def test_a_dragged_rectangle_runs_anew(app: AppTest):
    go(app, "stability_map", **LINK)
    whole = completed(app)
    session = session_of(app)
    session.widget_values["stability_map.picked"] = ("rectangle", "1.5:3.25:-0.5:1.5")
    app.run()
    part = finished(app)
    low, high = (part.sweep.x.low, part.sweep.x.high)
    values = whole.sweep.x_values
    assert values[1] < low < values[2] and values[3] < high < values[4]
    assert part.sweep.y == whole.sweep.y and not part.sweep.double
    for nonsense in ("1:2", "1e9:2:3:4:5", "<b>", "nan:nan:nan:nan"):
        session.widget_values["stability_map.picked"] = ("rectangle", nonsense)
        app.run()
        assert not app.exception


def test_colours_show_what_is_chosen_and_say_what_it_means(app: AppTest):
    go(app, "stability_map", **LINK)
    completed(app)
    feed = session_of(app).feeds["stability_map"]
    before = feed.update(0)
    for kind in ("accuracy", "sick"):
        app.segmented_control("stability_map.shows").set_value(kind).run()
        assert not app.exception
        assert any(EXPLANATIONS[kind] in caption.value for caption in app.caption)
        assert feed.update(0) != before


def test_the_file_of_a_report_is_named_by_words():
    name = report_file_name("map Learning rate and batch size / ../<b>")
    assert name == "batch_norm_lab_map_learning_rate_and_batch_size_b.html"


def test_hostile_ends_and_links_are_refused_in_a_sentence(app: AppTest):
    go(app, "stability_map", x="<img>", xr="1:0", size="9999", seeds="10")
    assert not app.exception and len(app.warning) >= 3
    app.text_input[0].set_value("nan").run()
    assert not app.exception and app.error
