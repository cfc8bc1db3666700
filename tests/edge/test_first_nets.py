"""The nets that come with the Lab's HTML are those of the link, with nothing measured of them."""

import re

import orjson
import pytest

from bn_core.figures.diagram import unbuilt_diagram
from bn_core.figures.diagram_nets import unbuilt_nets
from bn_core.figures.theme import PALETTES
from pages.shared.first_nets import first_nets
from pages.shared.first_text import page_html
from pages.shared.lab.url_state import link_opened
from tests.edge.test_first_text import STREAMLITS

DEEP = {"depth": "20", "arms": "none-before-after-layer-group-instance-ghost-renorm"}
REFUSED = {
    "own data, which the visitor may not hold": {"data": f"own-{0:032x}"},
    "a warning above the page": {"depth": "9e99"},
    "a setting that is none": {"dpeth": "3"},
    "more than a page should weigh": DEEP,
}


def sent(html: str) -> dict:
    found = re.search(r'<script type="application/json">(.*?)</script>', html)
    assert found is not None
    return orjson.loads(found[1])


@pytest.mark.parametrize(
    "query", [{}, {"depth": "3", "arms": "none-before-after"}, {"arch": "recurrent"}]
)
def test_the_nets_are_those_of_the_link_and_nothing_of_them_is_measured(query: dict) -> None:
    comparison, found = link_opened(query).comparison, sent(first_nets(link_opened(query)))
    shown = {"nets": unbuilt_nets(comparison), "diagram": unbuilt_diagram(comparison)}
    assert found == orjson.loads(orjson.dumps({**shown, "palettes": PALETTES}))
    assert [lane["label"] for lane in found["nets"]["lanes"]] == [
        arm.label for arm in comparison.arms
    ]
    assert {lane["words"] for lane in found["diagram"]["lanes"]} == {"not built yet"}


def test_they_stand_in_the_lab_s_html_before_the_app_and_take_no_keys() -> None:
    html = page_html(STREAMLITS, "/", "big=on")
    assert html.index('<div class="bn-first-nets" inert>') < html.index('<div id="root">')
    assert '<div class="bn-live bn-projector">' in html
    assert "bn-first-nets" not in page_html(STREAMLITS, "/claims", "")


@pytest.mark.parametrize("query", REFUSED.values(), ids=REFUSED)
def test_a_link_comes_without_where_the_app_might_show_something_else(query: dict) -> None:
    assert first_nets(link_opened(query)) == ""


def test_no_setting_of_a_link_can_end_the_element_of_the_nets() -> None:
    html = page_html(STREAMLITS, "/", "arms=</script><script>alert(1)</script>")
    assert "alert(1)" not in html
    assert "<" not in re.sub(r"</?(div|section|script)\b", "", first_nets(link_opened({})))


def test_what_draws_them_is_fetched_before_the_scripts_of_the_app() -> None:
    html = page_html(STREAMLITS, "/", "")
    early = html[: html.index('src="./static/js/')]
    for name in ("first_nets.mjs", "diagram.mjs", "diagram_lane.mjs", "theme.mjs"):
        assert re.search(rf'<link rel="modulepreload" href="\./lab-files/\w+/{name}"', early)
