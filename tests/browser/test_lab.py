"""The Lab as a reader meets it."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import button, drawn, wait_for_step

pytestmark = pytest.mark.browser

SMALL = "depth=3&width=32&seeds=2"
ENDLESS = "/?steps=9000&" + SMALL
"""Minutes at the usual speed: it never ends by itself while a test looks."""

WATCH_FOR_BLANKS = """() => {
  document.querySelectorAll('.js-plotly-plot').forEach((plot) => { plot.marked = true; });
  window.fewestPlots = Infinity;
  const look = () => {
    const plots = document.querySelectorAll('.js-plotly-plot .main-svg:first-child').length;
    window.fewestPlots = Math.min(window.fewestPlots, plots);
    requestAnimationFrame(look);
  };
  look();
}"""


def step_of(page: Page) -> int:
    return page.evaluate("window.bnLabStep")


def train(page: Page) -> None:
    button(page, "Train").click()
    expect(button(page, "Pause")).to_be_visible()


def train_to_the_end(page: Page, steps: int) -> None:
    train(page)
    page.wait_for_function(f"() => window.bnLabStep === {steps}")
    expect(page.locator(".bn-notice")).to_contain_text("Finished")


def curves(page: Page) -> list:
    """Return all numbers of the loss chart's lines, as plotly holds them."""
    page.wait_for_function("() => document.querySelector('.bn-loss .bn-plot')?._fullData")
    return page.evaluate(
        "document.querySelector('.bn-loss .bn-plot')._fullData"
        ".map(trace => Array.from(trace.y ?? [], String))"
    )


def test_nets_are_on_the_page_before_anything_is_pressed(open_page):
    page = drawn(open_page())
    assert step_of(page) == 0
    expect(page.locator(".bn-panel")).to_have_count(6)
    expect(button(page, "Train")).to_be_visible()
    for plot in page.locator(".bn-plot").all():
        assert len(plot.get_attribute("aria-label") or "") > 40
    # The nets fit one laptop screen, and the charts begin there.
    bottoms = (
        "[...document.querySelectorAll('.bn-lane')].map(p => p.getBoundingClientRect().bottom)"
    )
    assert page.evaluate(f"Math.max(...{bottoms}) <= innerHeight")
    assert page.evaluate(
        "document.querySelector('.bn-plot').getBoundingClientRect().top < innerHeight"
    )


def test_training_moves_the_curves_without_remounting_a_chart(open_page):
    page = drawn(open_page("/?steps=150&" + SMALL))
    page.evaluate(WATCH_FOR_BLANKS)
    before = max(len(line) for line in curves(page))
    train(page)
    wait_for_step(page, 150)
    assert max(len(line) for line in curves(page)) > before
    # Nor at the end, when the buttons and the link change.
    expect(page.locator(".bn-notice")).to_contain_text("Finished")
    expect(button(page, "Step")).to_be_disabled()
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    assert page.evaluate("[...document.querySelectorAll('.js-plotly-plot')].every(p => p.marked)")
    assert page.locator(".js-plotly-plot").count() == 6
    assert page.evaluate("window.fewestPlots") == 6


@pytest.mark.slow
def test_a_zoom_survives_while_the_nets_train(open_page):
    page = drawn(open_page(ENDLESS))
    train(page)
    wait_for_step(page, 20)
    box = page.locator(".bn-loss .nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=5)
    page.mouse.up()
    layout = "document.querySelector('.bn-loss .bn-plot')._fullLayout"
    page.wait_for_function(f"() => {layout}.xaxis.range[0] > 50")
    zoomed = page.evaluate(f"{layout}.xaxis.range")
    seen = page.evaluate("window.bnLabSequence")
    page.wait_for_function(f"() => window.bnLabSequence > {seen + 3}")
    assert page.evaluate(f"{layout}.xaxis.range") == zoomed


def test_pause_rests_step_takes_one_and_reset_returns_to_the_same_weights(open_page):
    page = drawn(open_page(ENDLESS))
    summary = page.locator(".bn-summary tbody")
    expect(summary).to_contain_text("%")
    beginning = summary.inner_text()
    train(page)
    wait_for_step(page, 10)
    button(page, "Pause").click()
    expect(button(page, "Train")).to_be_visible()
    expect(button(page, "Step")).to_be_enabled()
    page.wait_for_load_state("networkidle")
    resting = settled_step(page)
    button(page, "Step").click()
    page.wait_for_function(f"() => window.bnLabStep === {resting + 1}")
    button(page, "Reset").click()
    page.wait_for_function("() => window.bnLabStep === 0")
    page.wait_for_function(
        "told => document.querySelector('.bn-summary tbody').innerText === told", arg=beginning
    )


def settled_step(page: Page) -> int:
    """Return the step beside the time slider once it has stayed the same for a second."""
    shown = page.locator(".bn-time output")
    last, since = shown.inner_text(), time.monotonic()
    while time.monotonic() - since < 1.0:
        page.wait_for_timeout(50)
        if shown.inner_text() != last:
            last, since = shown.inner_text(), time.monotonic()
    return int(last.split()[1].replace(",", ""))


def press(page: Page, key: str) -> None:
    """Press a key once the page has answered the last one."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.keyboard.press(key)


def test_the_keys_work(open_page):
    page = drawn(open_page(ENDLESS))
    page.locator("h1").click()
    press(page, "s")
    page.wait_for_function("() => window.bnLabStep === 1")
    press(page, "t")
    wait_for_step(page, 5)
    press(page, "p")
    expect(button(page, "Train")).to_be_visible()
    press(page, "x")
    page.wait_for_function("() => window.bnLabStep === 0")
    press(page, "n")
    page.wait_for_url(re.compile(r"seed=2"))


@pytest.mark.slow
def test_the_time_slider_shows_an_earlier_step_everywhere(open_page):
    page = drawn(open_page("/?steps=24&speed=full&" + SMALL))
    train_to_the_end(page, 24)  # so few that each step is looked at
    slider = page.locator(".bn-time input")
    slider.focus()
    for _ in range(14):
        page.keyboard.press("ArrowLeft")
    expect(page.locator(".bn-time output")).to_have_text("back at step 10 of 24")
    label = page.locator(".bn-depth .bn-plot")
    expect(label).to_have_attribute("aria-label", re.compile("after 10 steps"))
    page.keyboard.press("End")
    expect(page.locator(".bn-time output")).to_have_text("step 24 of 24")


@pytest.mark.slow
def test_the_rate_changes_while_the_nets_train_and_the_link_repeats_it(open_page):
    page = drawn(open_page("/?steps=600&" + SMALL))
    train(page)
    wait_for_step(page, 20)
    page.get_by_role("slider", name="Learning rate").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile("then="))
    changed_at = int(page.url.split("then=")[1].split(":")[0].split("%")[0])
    assert changed_at >= 20
    wait_for_step(page, changed_at + 30)  # it went on instead of starting again
    expect(page.locator(".bn-notice")).to_contain_text("steps")
    page.wait_for_function("() => window.bnLabStep === 600", timeout=60_000)
    other = drawn(open_page(page.url[page.url.index("/?") :]))
    train(other)
    slider = other.get_by_role("slider", name="Learning rate")
    slider.focus()
    other.wait_for_function("() => window.bnLabStep === 600", timeout=60_000)
    expect(slider).to_be_focused()  # though the rate that was planned has come meanwhile
    assert curves(other) == curves(page)


@pytest.mark.slow
def test_quick_keys_on_the_rate_keep_the_run(open_page):
    page = drawn(open_page(ENDLESS))
    train(page)
    wait_for_step(page, 20)
    button(page, "Pause").click()
    expect(button(page, "Train")).to_be_visible()
    resting = settled_step(page)
    slider = page.get_by_role("slider", name="Learning rate")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft", delay=40)
        page.wait_for_timeout(110)
    page.wait_for_url(re.compile("then=[^&]*0.02(&|$)"))
    expect(slider).to_be_focused()  # a slider made anew would have lost the keys that follow
    button(page, "Train").click()
    wait_for_step(page, resting + 5)  # it went on from where it was
    expect(slider).to_have_attribute("aria-valuetext", "0.02")


@pytest.mark.slow
def test_a_link_gives_the_same_curves_in_another_browser(open_page):
    link = "/?data=moons&steps=128&speed=full&arms=none-before-after&act=tanh&seed=7&" + SMALL
    one, other = drawn(open_page(link)), drawn(open_page(link))
    train_to_the_end(one, 128)
    train_to_the_end(other, 128)
    assert one.url == other.url
    assert curves(one) == curves(other)
    assert max(len(line) for line in curves(one)) > 20


def test_a_hostile_link_falls_back_and_says_so(open_page):
    page = drawn(open_page("/?depth=900&lr=nan&arms=drop-table&width=32&evil=1"))
    words = " ".join(page.get_by_test_id("stAlert").all_inner_texts())
    for part in ("Hidden layers", "Learning rate", "Arms", "evil"):
        assert part in words
    page.wait_for_url(re.compile(r"\?width=32$"))


@pytest.mark.slow
def test_going_back_in_the_browser_brings_the_settings_back(open_page):
    page = drawn(open_page("/?" + SMALL))
    page.get_by_role("slider", name="Hidden layers").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("depth=4"))
    page.go_back()
    shown = (
        "Array.from(document.querySelectorAll('input[aria-label=\"Hidden layers\"]'), i => i.value)"
    )
    page.wait_for_function(f"() => {shown}.join() === '3'")  # the one that showed 4 is gone
    assert "depth=3" in page.url


def test_a_data_set_is_chosen_by_its_picture_with_the_keyboard(open_page):
    page = drawn(open_page("/?" + SMALL))
    button(page, "Data").focus()
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="Handwritten digits").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("data=moons"))
    expect(page.locator(".bn-moment h3")).to_have_text("Decision boundary")
    painted = page.evaluate(
        "[...document.querySelectorAll('.bn-data canvas')].map(c => "
        "c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0))"
    )
    assert painted == [True] * 5


def test_what_a_chart_shows_is_explained_and_chosen_above_it_and_kept_in_the_link(open_page):
    page = drawn(open_page("/?" + SMALL))
    page.get_by_role("button", name="What “Loss” shows").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".bn-loss .bn-help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".bn-loss .bn-help")).to_be_hidden()
    page.get_by_label("Loss axis").select_option("log")
    page.wait_for_url(re.compile("loss=log"))
    page.wait_for_function(
        "() => document.querySelector('.bn-loss .bn-plot')._fullLayout.yaxis.type === 'log'"
    )
    page.get_by_role("combobox", name="Distributions", exact=True).select_option("percentiles")
    expect(page.get_by_label("Layer for percentiles")).to_be_visible()
    assert step_of(page) == 0


@pytest.mark.slow
def test_a_diverging_arm_is_named_and_the_other_goes_on(open_page):
    page = drawn(open_page("/"))
    button(page, "Examples").click()
    button(page, "Learning rate 1").click()
    page.wait_for_url(re.compile("lr=1"))
    page.wait_for_function("() => window.bnLabStep === 0")
    train(page)
    expect(page.locator(".bn-notice")).to_contain_text(
        re.compile(r"No norm: .*seeds? .*diverged at step.*; layer \d+ .*went non-finite first")
    )
    wait_for_step(page, 60)
    expect(page.locator(".bn-summary tbody tr").nth(1)).to_contain_text("training")


@pytest.mark.slow
def test_a_batch_of_one_is_explained(open_page):
    page = drawn(open_page("/?batch=1&" + SMALL))
    expect(page.get_by_text("A batch of one has nothing to normalize by")).to_be_visible()
    train(page)
    wait_for_step(page, 5)


@pytest.mark.slow
def test_a_batch_larger_than_the_data_is_refused_with_the_limit(open_page):
    page = open_page("/?data=moons&points=100&batch=64")
    drawn(page)
    page.get_by_role("slider", name="Batch size").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("this data set has 100 training examples")).to_be_visible()


@pytest.mark.slow
def test_a_phone_shows_everything_without_sideways_scrolling(open_page):
    page = drawn(open_page("/", size={"width": 390, "height": 844}))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for panel in page.locator(".bn-panel").all():
        box = panel.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
    train(page)
    wait_for_step(page, 20)
