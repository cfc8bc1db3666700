"""One crosshair, one zoom, and the tools of each chart, in a real browser."""

import csv
import io
import re
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import button, drawn, wait_for_step

pytestmark = pytest.mark.browser

OVER_STEPS = ("loss", "accuracy", "gradients")
RANGES = """() => Object.fromEntries(['loss', 'accuracy', 'gradients'].map((id) =>
  [id, document.querySelector(`.bn-${id} .bn-plot`)._fullLayout.xaxis.range.map(Math.round)]))"""
PLACES = """() => Object.fromEntries(['loss', 'accuracy', 'gradients'].map((id) => {
  const plot = document.querySelector(`.bn-${id} .bn-plot`), axis = plot._fullLayout.xaxis;
  const line = plot.parentElement.querySelector('i');
  if (line.hidden) return [id, null];
  const x = line.getBoundingClientRect().left - plot.getBoundingClientRect().left;
  return [id, Math.round(axis.p2d(x - axis._offset))];
}))"""
SHOWN = "document.querySelector('.bn-%s .bn-legend').innerText"


def point_at(page: Page, chart: str, share: float) -> None:
    """Move the mouse to a share of the width of a chart's plot."""
    area = page.locator(f".bn-{chart} .nsewdrag").first
    area.evaluate("node => node.scrollIntoView({ block: 'center' })")
    box = area.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.4 * box["height"], steps=3)


def finished(page: Page, steps: int) -> Page:
    # The key of a button also works where a slider has the focus.
    drawn(page).get_by_role("slider", name="Hidden layers").press("t")
    wait_for_step(page, steps)
    expect(page.locator(".bn-notice")).to_contain_text("Finished")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    return page


@pytest.mark.slow
def test_a_crosshair_a_zoom_and_the_files_of_a_finished_run(open_page):
    page = finished(open_page("/?steps=100&speed=full&depth=3&width=32&seeds=2"), 100)
    point_at(page, "loss", 0.5)
    page.wait_for_function(f"() => ({PLACES})().loss > 0")
    places = page.evaluate(PLACES)
    assert set(places.values()) == {places["loss"]} and 40 < places["loss"] < 60
    for chart in OVER_STEPS:
        found = re.search(r"step (\d+)", page.evaluate(SHOWN % chart))
        assert found and abs(int(found[1]) - places["loss"]) < 8, chart
    numbers = page.evaluate(SHOWN % "loss")
    point_at(page, "loss", 0.9)
    page.wait_for_function(f"() => {SHOWN % 'loss'} !== {numbers!r}")
    page.mouse.move(5, 5)
    page.wait_for_function(f"() => ({PLACES})().loss === null")

    plot = page.locator(".bn-accuracy .bn-plot")
    plot.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    said = page.locator(".bn-said")
    expect(said).to_have_text(re.compile(r"Accuracy, step [1-9]\d* · .*No norm \d.*BN before \d"))
    page.keyboard.press("End")
    expect(said).to_contain_text("step 100")

    page.keyboard.press("+")
    page.wait_for_function(f"() => ({RANGES})().gradients[0] > 20")
    zoomed = page.evaluate(RANGES)
    assert zoomed["loss"] == zoomed["accuracy"] == zoomed["gradients"]
    reset = page.locator(".bn-loss .bn-reset")
    expect(reset).to_be_visible()
    reset.click()
    page.wait_for_function(f"() => ({RANGES})().gradients[0] <= 0")
    expect(reset).to_be_hidden()

    slider, shown = page.locator(".bn-time input"), page.locator(".bn-time output")
    newest = int(slider.get_attribute("max") or 0)
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    expect(slider).to_have_value(str(newest - 5))
    expect(shown).to_have_text(re.compile(r"back at step \d+ of 100"))
    # The line comes to where the words say, once the last of the keys has been followed.
    page.wait_for_function(
        f"() => ({PLACES})().loss === Number("
        "document.querySelector('.bn-time output').textContent.match(/step (\\d+)/)[1])"
    )
    check_files(page)


def check_files(page: Page) -> None:
    page.locator(".bn-loss .bn-save").press("Enter")
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG", exact=True).press("Enter")
    assert download.value.suggested_filename == "batch-norm-lab-loss.svg"
    root = ElementTree.parse(download.value.path()).getroot()
    words = [part.text or "" for part in root.iter("{http://www.w3.org/2000/svg}text")]
    for expected in ("Loss", "No norm", "BN before"):
        assert expected in words
    line = "".join(words)
    assert "Learning rate: 0.1" in line and "steps=100" in line
    lines: dict[str, list[tuple[float, float]]] = {}
    for part in root.findall("{http://www.w3.org/2000/svg}text"):
        begin = float(part.attrib["x"])
        span = begin, begin + float(part.attrib["textLength"])
        lines.setdefault(part.attrib["y"], []).append(span)
    assert max(len(spans) for spans in lines.values()) >= 2, "the legend's words share a line"
    for spans in lines.values():
        edges = [edge for span in sorted(spans) for edge in span]
        assert edges == sorted(edges) and edges[-1] <= float(root.attrib["width"])
    page.locator(".bn-loss .bn-save").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG", exact=True).click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    page.locator(".bn-loss .bn-save").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    assert download.value.suggested_filename == "batch-norm-lab-loss.csv"
    table = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    drawn_last = page.evaluate(
        "(() => { const plot = document.querySelector('.bn-loss .bn-plot');"
        "const trace = plot._fullData.find((t) => t.name === 'BN before, validation');"
        "return trace.y[trace.y.length - 1]; })()"
    )
    (loss,) = [name for name in table[0] if name.startswith("cross entropy")]
    last = [row for row in table if row["curve"] == "BN before, validation"][-1]
    assert float(last[loss]) == pytest.approx(drawn_last, rel=1e-6)


@pytest.mark.slow
def test_the_crosshair_and_the_zoom_survive_while_the_nets_train(open_page):
    page = drawn(open_page("/?steps=4000&depth=3&width=32&seeds=2"))
    button(page, "Train").click()
    # The accuracy is measured more seldom than the charts are drawn.
    page.wait_for_function(
        "() => document.querySelector('.bn-accuracy .bn-plot')?._fullData?.[1]?.x.at(-1) > 100"
    )
    page.locator(".bn-accuracy .bn-plot").focus()
    page.keyboard.press("End")
    page.keyboard.press("+")
    page.wait_for_function(f"() => ({PLACES})().loss > 0")
    before = page.evaluate(RANGES), page.evaluate(SHOWN % "accuracy")
    step = page.evaluate("window.bnLabStep")
    wait_for_step(page, step + 100)
    assert (page.evaluate(RANGES), page.evaluate(SHOWN % "accuracy")) == before
    # The axis may move by a pixel when its labels take more room.
    assert all(place is not None for place in page.evaluate(PLACES).values())
