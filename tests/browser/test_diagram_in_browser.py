"""The diagram of the nets above the charts, and what a reader changes in it."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from bn_core.figures.diagram import unbuilt_diagram
from bn_core.figures.diagram_nets import unbuilt_nets
from tests.browser.conftest import button, wait_for_step
from tests.runs import small

pytestmark = pytest.mark.browser

SMALL = "/?depth=3&width=16&seeds=1&steps=3000"
PHONE = {"width": 390, "height": 844}


def drawn(page: Page, times: int = 1) -> Page:
    """Wait until the diagram has been drawn so often."""
    page.wait_for_function(f"() => window.bnDiagramSequence >= {times}", timeout=60_000)
    return page


def lane(page: Page, number: int) -> Locator:
    """Return the lane of a net, counted from 1."""
    return page.locator(".bn-lane").nth(number - 1)


def norm(page: Page, net: int, layer: int) -> Locator:
    return lane(page, net).locator(f".bn-block[data-layer='{layer}'] .bn-chip-norm")


def expect_chips(page: Page, net: int, layer: int, *texts: str) -> None:
    """Wait until a layer has these chips, in this order."""
    chips = lane(page, net).locator(f".bn-block[data-layer='{layer}'] .bn-chip")
    expect(chips).to_have_text(list(texts), timeout=60_000)


def settle(page: Page) -> None:
    """Wait until the page's script has run to its end."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


@pytest.mark.slow
def test_norms_are_removed_added_and_moved_with_the_mouse(open_page):
    page = drawn(open_page(SMALL))
    expect_chips(page, 1, 2, "W", "+BN", "ReLU")
    expect_chips(page, 2, 2, "W", "BN", "ReLU")
    expect_chips(page, 2, 0, "W")
    norm(page, 2, 2).click()
    expect_chips(page, 2, 2, "W", "+BN", "ReLU")
    expect_chips(page, 2, 1, "W", "BN", "ReLU")
    page.wait_for_url(re.compile(r"normed"))
    settle(page)
    moved, activation = norm(page, 2, 1), lane(page, 2).locator(".bn-chip-activation").first
    begin, end = moved.bounding_box(), activation.bounding_box()
    assert begin is not None and end is not None
    page.mouse.move(begin["x"] + begin["width"] / 2, begin["y"] + begin["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"], end["y"] + 5, steps=5)
    page.mouse.up()
    expect_chips(page, 2, 1, "W", "ReLU", "BN")
    page.wait_for_url(re.compile(r"moved"))
    settle(page)
    link = page.url
    other = drawn(open_page(link[link.index("/?") :]))
    for layer, chips in ((1, ["W", "ReLU", "BN"]), (2, ["W", "+BN", "ReLU"])):
        expect_chips(other, 2, layer, *chips)
    # With all layers, a norm that is missing is added everywhere: those that are there stay.
    page.get_by_label("Change all layers at once").check()
    norm(page, 2, 2).click()
    expect_chips(page, 2, 2, "W", "BN", "ReLU")
    expect_chips(page, 2, 1, "W", "ReLU", "BN")
    settle(page)
    lane(page, 1).get_by_role("button", name="Remove the net").click()
    expect(page.locator(".bn-lane")).to_have_count(1)
    settle(page)
    norm(page, 1, 1).click()  # and one that is there is removed everywhere
    for layer in (1, 2, 3):
        expect_chips(page, 1, layer, "W", "+BN", "ReLU")
    settle(page)
    button(page, r"\+ BN after").click()
    expect(page.locator(".bn-lane")).to_have_count(2)
    settle(page)
    norm(page, 2, 1).focus()
    page.keyboard.press("ArrowLeft")  # the switch holds for a net that came later
    for layer in (1, 2, 3):
        expect_chips(page, 2, layer, "W", "BN", "ReLU")
    settle(page)
    lane(page, 2).get_by_role("button", name="Remove the net").click()
    expect(page.locator(".bn-lane")).to_have_count(1)
    expect(lane(page, 1).get_by_role("button", name="Remove the net")).to_be_disabled()


@pytest.mark.slow
def test_everything_can_be_done_by_keyboard(open_page):
    page = drawn(open_page(SMALL + "&arms=none-after"))
    said = page.locator(".bn-nets-said")
    norm(page, 2, 1).focus()
    page.keyboard.press("ArrowDown")
    expect(norm(page, 2, 2)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect_chips(page, 2, 2, "W", "BN", "ReLU")
    expect(norm(page, 2, 2)).to_be_focused()
    expect(said).to_contain_text("Batch norm now stands before the activation in layer 2 of")
    settle(page)
    page.keyboard.press("Enter")
    expect_chips(page, 2, 2, "W", "ReLU", "+BN")
    expect(norm(page, 2, 2)).to_be_focused()
    settle(page)
    page.keyboard.press("Shift+ArrowLeft")  # in all layers
    for layer in (1, 3):
        expect_chips(page, 2, layer, "W", "BN", "ReLU")
    settle(page)
    # Without its last norm it would be the net beside it, so this is refused, and nothing is said.
    heard = said.inner_text()
    page.keyboard.press("ArrowUp")
    expect(norm(page, 2, 1)).to_be_focused()
    page.keyboard.press("Shift+Enter")
    expect(page.get_by_test_id("stAlert").first).to_be_visible()
    settle(page)
    expect_chips(page, 2, 1, "W", "BN", "ReLU")
    assert said.inner_text() == heard
    # The layers: one stop of the Tab key, and arrows from one to the next.
    layers = lane(page, 1).locator(".bn-layer")
    assert [one.get_attribute("tabindex") for one in layers.all()].count("0") == 1
    layers.nth(0).focus()
    page.keyboard.press("ArrowRight")
    expect(layers.nth(1)).to_be_focused()
    expect(layers.nth(1)).to_have_attribute(
        "aria-label",
        re.compile(r"^layer 2 of No norm, 16 units, standard deviation [\d.e-]+, .*gradient 10 to"),
    )
    page.keyboard.press("Enter")
    large = page.locator(".bn-enlarged")
    expect(large).to_be_visible()
    expect(large.locator("h3")).to_contain_text("Layer 2")
    expect(layers.nth(1)).to_have_attribute("aria-expanded", "true")
    expect(layers.nth(0)).to_have_attribute("aria-expanded", "false")
    page.wait_for_url(re.compile("layer=2"))
    large.get_by_role("button", name="Close").click()
    expect(large).to_be_hidden()


def test_the_nets_move_in_place_while_they_train(open_page):
    page = drawn(open_page(SMALL))
    page.evaluate(
        "document.querySelectorAll('.bn-nets *').forEach(node => { node.marked = true; })"
    )
    hills = "[...document.querySelectorAll('.bn-hill path')].map(path => path.getAttribute('d'))"
    before = page.evaluate(hills)
    button(page, "Train").click()
    page.wait_for_function("() => window.bnDiagramStep >= 50", timeout=60_000)
    assert page.evaluate(hills) != before
    words = lane(page, 2).locator(".bn-lane-state")
    expect(words).to_have_text(re.compile("learning|finished"))
    expect(lane(page, 2).locator("b")).to_have_text(re.compile(r"\d+ %"))
    assert page.evaluate(
        "[...document.querySelectorAll('.bn-lane, .bn-block, .bn-hill, .bn-arrow')]"
        ".every(node => node.marked)"
    )
    examples = lane(page, 1).locator(".bn-examples")
    first = examples.get_attribute("aria-label")
    examples.focus()
    page.keyboard.press("Enter")
    expect(examples).not_to_have_attribute("aria-label", first or "")


@pytest.mark.slow
def test_a_layer_of_a_convolutional_net_shows_large_maps(open_page):
    page = drawn(open_page("/?arch=conv&seeds=1&arms=before&layer=2"))
    large = page.locator(".bn-enlarged")
    expect(large.get_by_text("first 4 of 32 channels")).to_be_visible()
    small = lane(page, 1).locator(".bn-block[data-layer='2'] canvas")
    big = large.locator("canvas")
    heights = [one.evaluate("node => node.clientHeight") for one in (small, big)]
    assert heights[1] > 2 * heights[0]
    pixels = "n => n.getContext('2d').getImageData(0, 0, n.width, n.height).data.join()"
    assert big.evaluate(pixels) == small.evaluate(pixels)


@pytest.mark.slow
def test_blocks_of_convolutions_train_and_their_norms_are_moved_and_removed(open_page):
    changes = "arch=conv_residual&channels=4-4-8&seeds=1&steps=60"
    page = drawn(open_page(f"/?{changes}&arms=before~before;arch:inception;channels:4-8"))
    expect_chips(page, 1, 2, "BN", "ReLU", "conv", "+x", "pool")
    expect_chips(page, 1, 0, "BN", "ReLU", "mean", "W")
    expect_chips(page, 2, 2, "1+3+5", "BN", "ReLU", "pool")
    button(page, "Train").click()
    wait_for_step(page, 60)
    maps = lane(page, 1).locator(".bn-block[data-layer='3'] canvas")
    colours = "n => new Set(n.getContext('2d').getImageData(0, 0, n.width, n.height).data).size"
    assert maps.evaluate(colours) > 2
    norm(page, 1, 2).click()
    expect_chips(page, 1, 2, "+BN", "ReLU", "conv", "+x", "pool")
    expect_chips(page, 1, 3, "BN", "ReLU", "conv", "+x")
    page.wait_for_url(re.compile(r"normed"))


@pytest.mark.slow
def test_the_diagram_is_drawn_without_waiting_for_the_charts(open_page):
    page = open_page("/covariate_shift")
    page.route("**/plotly.min.js", lambda route: None)  # it never comes
    page.goto(page.url.split("/covariate_shift")[0] + SMALL)
    drawn(page)
    expect(page.locator(".bn-lane")).to_have_count(2)
    assert page.evaluate("window.bnLabSequence") is None


@pytest.mark.slow
def test_twenty_layers_scroll_inside_their_lane_on_a_phone(open_page):
    page = drawn(open_page("/?depth=20&width=8&seeds=1", size=PHONE))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    strips = page.locator(".bn-lane-net")
    assert strips.nth(0).evaluate("node => node.scrollWidth > 3 * node.clientWidth")
    later, earlier = lane(page, 1).locator(".bn-later-layers"), ".bn-earlier-layers"
    expect(lane(page, 1).locator(earlier)).to_be_hidden()
    later.click()
    expect(lane(page, 1).locator(earlier)).to_be_visible()
    strips.nth(0).evaluate("node => node.scrollTo(900, 0)")
    page.wait_for_function("() => document.querySelectorAll('.bn-lane-net')[1].scrollLeft === 900")
    for number in (1, 2):
        box = lane(page, number).locator("b").bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390


PARTS = ".bn-lane, .bn-block, .bn-chip, .bn-layer, .bn-examples"
MARK = (
    f"""() => document.querySelectorAll("{PARTS}").forEach((node) => {{ node.marked = true; }})"""
)
UNMARKED = (
    f"""() => [...document.querySelectorAll("{PARTS}")].filter((node) => !node.marked).length"""
)
PLACES = """() => [...document.querySelectorAll(".bn-lane, .bn-block")]
  .map((node) => node.getBoundingClientRect()).map((box) => [box.left, box.width, box.height])"""


@pytest.mark.slow
def test_nets_are_drawn_before_they_are_built_and_are_then_filled_in_place(open_page, context):
    comparison = small(depth=3, width=16, replicas=1, steps=3000)
    unbuilt = {"notice": "Building", "nets": unbuilt_nets(comparison), "charts": [], "order": []}
    unbuilt |= {"diagram": unbuilt_diagram(comparison), "number": 0, "rest": False, "pause": 0}
    asked: list[Route] = []
    released: list[bool] = []

    def answer(route: Route) -> None:
        """Answer the first request as if no worker had started; hold the others until released."""
        asked.append(route)
        if released:
            route.continue_()
        elif len(asked) == 1:
            route.fulfill(json={"state": route.fetch().json()["state"], **unbuilt})

    context.route("**/lab-files/feed/*", answer)
    page = open_page(SMALL)
    page.wait_for_function("() => document.querySelector('#root .bn-lane-state')?.textContent")
    expect(page.locator(".bn-first-nets")).to_have_count(0)
    assert page.locator(".bn-lane-state").all_inner_texts() == ["not built yet"] * 2
    expect_chips(page, 2, 2, "W", "BN", "ReLU")
    assert page.locator(".bn-examples").first.is_disabled()
    assert page.evaluate("() => window.bnDiagramSequence === undefined")
    page.evaluate(MARK)
    before = page.evaluate(PLACES)
    released.append(True)
    for route in asked[1:]:
        route.continue_()
    drawn(page)
    assert page.evaluate(UNMARKED) == 0
    assert page.evaluate(PLACES) == before, "nothing moves when the numbers come"
    assert page.locator(".bn-examples").first.is_enabled()
    expect(page.locator(".bn-lane-state").first).to_have_text("not trained yet")
    context.unroute_all(behavior="ignoreErrors")
