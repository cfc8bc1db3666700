"""Nothing on the Lab's page overlaps or is cut, for one to eight nets on any screen."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import LAPTOP, button, drawn, wait_for_step

pytestmark = pytest.mark.browser

PROJECTOR: ViewportSize = {"width": 1024, "height": 768}
PHONE: ViewportSize = {"width": 390, "height": 844}
ARMS = {
    1: "before",
    2: "none-before",
    5: "none-before-after-layer-group",
    8: "none-before-after-layer-group-instance-ghost-renorm",
}
WORDS = """() => ['.bn-title', '.bn-lead', '.bn-lead b'].flatMap((part) =>
  [...document.querySelector(part).getClientRects()].flatMap((box) =>
    [box.x, box.y, box.width, box.height]))"""
FIRST_NET = """() => {
  const box = document.querySelector('.bn-lane').getBoundingClientRect();
  return [box.x, box.y, box.width];
}"""
WATCH_FOR_HOLES = """(() => {
  let seen = false;
  window.holes = 0;
  const look = () => {
    const shown = Boolean(document.querySelector('.bn-lane')?.checkVisibility());
    if (seen && !shown) window.holes += 1;
    seen ||= shown;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""
PROBLEMS = """() => {
  const found = [];
  const box = (node) => node.getBoundingClientRect();
  const shown = (node) => box(node).width > 0 && box(node).height > 0;
  const words = (node) => (node.textContent || node.className).trim().slice(0, 30);
  const overlap = (a, b) => {
    const [p, q] = [box(a), box(b)];
    const across = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const up = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    return across > 1.5 && up > 1.5;
  };
  const apart = (nodes, where) => {
    nodes.forEach((a, i) => nodes.slice(i + 1).forEach((b) => {
      if (!a.contains(b) && !b.contains(a) && overlap(a, b)) {
        found.push(`${where}: “${words(a)}” lies over “${words(b)}”`);
      }
    }));
  };
  const inside = (nodes, frame, where) => {
    const q = box(frame);
    for (const node of nodes) {
      const p = box(node);
      const out = Math.max(q.left - p.left, p.right - q.right, q.top - p.top, p.bottom - q.bottom);
      if (out > 2) found.push(`${where}: “${words(node)}” is cut by ${Math.round(out)} pixels`);
    }
  };
  const all = (root, selector) => [...root.querySelectorAll(selector)].filter(shown);
  const texts = '.xtick text, .ytick text, .xtitle, .ytitle, .annotation-text, .cbaxis text,'
    + '.infolayer [class$="title"], .textpoint text, .infolayer text';
  for (const panel of all(document, '.bn-live .bn-panel')) {
    const where = panel.className.replace('bn-panel bn-', '');
    const header = all(panel, 'h3, header select, .bn-tools > button, .bn-what');
    apart(header, where);
    inside(header, panel, where);
    const legend = all(panel, '.bn-legend li > *, .bn-heading');
    apart(legend, where);
    inside(legend, panel, where);
    apart(all(panel, 'header, .bn-legend, .bn-frame'), where);
    const plot = panel.querySelector('.bn-plot');
    const labels = [...new Set(all(plot, texts))];
    apart(labels, where);
    inside(labels, plot, where);
    const layers = [...plot.querySelectorAll('.legend, .modebar')].filter(shown);
    if (layers.length) found.push(`${where}: plotly's own legend or tools lie over the plot`);
  }
  const cells = all(document, '.bn-summary th, .bn-summary td');
  apart(cells, 'table');
  const summary = document.querySelector('.bn-summary');
  inside(cells, summary, 'table');
  if (summary.scrollWidth > summary.clientWidth + 1) found.push('the table scrolls');
  apart(all(document, '.bn-summary, .bn-csv, .bn-notice, .bn-time, .bn-grid'), 'page');
  for (const block of all(document, '.bn-block')) {
    inside(all(block, '.bn-chip'), block.querySelector('.bn-chips'), 'a layer');
    const numbers = all(block, '.bn-sigma, .bn-share');
    const inLayer = [...numbers, ...all(block, '.bn-sick-word')];
    inside(inLayer, block.querySelector('.bn-layer'), 'a layer');
    apart(numbers, 'a layer');
  }
  const wide = document.querySelector('[data-testid=stMain]');
  if (wide.scrollWidth > wide.clientWidth + 1) found.push('the page scrolls sideways');
  return found;
}"""


def trained(page: Page) -> Page:
    button(drawn(page), "Train").click()
    wait_for_step(page, 20)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    return page


def problems(page: Page, size: ViewportSize) -> list[str]:
    """Return what overlaps or is cut once the charts have taken a window's size."""
    page.set_viewport_size(size)
    fits = "[...document.querySelectorAll('.bn-plot')].every((plot) =>"
    fits += " plot._fullLayout?.width === plot.clientWidth)"
    page.wait_for_function(f"() => {fits}")
    # Two frames without a change of any box: titles that moved have come to rest.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 150)))")
    return page.evaluate(PROBLEMS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "dark", "big"),
    [
        (1, False, ""),
        (2, True, ""),
        (8, True, ""),
        pytest.param(8, False, "&big=on", marks=pytest.mark.long),
    ],
)
def test_nothing_overlaps_or_is_cut(open_page, count: int, dark: bool, big: str):
    # Two of three seeds and whole nets diverge here: their words must fit too.
    depth = 10 if big else 4  # narrow layers with large letters
    path = f"/?steps=20&speed=full&depth={depth}&lr=3&arms={ARMS[count]}{big}"
    page = trained(open_page(path, dark=dark))
    found = {size["width"]: problems(page, size) for size in (LAPTOP, PROJECTOR, PHONE)}
    assert not any(found.values()), found


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.long)])
def test_nothing_overlaps_in_the_other_charts(open_page, count: int):
    path = "/?steps=20&speed=full&data=moons&dist=percentiles&grad=ratio&axis=seconds&loss=log"
    page = trained(open_page(f"{path}&arms={ARMS[count]}"))
    found = {size["width"]: problems(page, size) for size in (LAPTOP, PROJECTOR, PHONE)}
    assert not any(found.values()), found


def test_two_nets_overlap_nowhere_before_they_are_trained(open_page):
    page = drawn(open_page("/"))
    assert problems(page, LAPTOP) == []


@pytest.mark.slow
@pytest.mark.parametrize("arms", ["none-before", "none-before-after"])
def test_half_of_the_loss_chart_is_seen_without_scrolling(open_page, arms):
    box = drawn(open_page(f"/?arms={arms}")).locator(".bn-loss").bounding_box()
    assert box is not None and box["y"] + box["height"] / 2 <= LAPTOP["height"]


@pytest.mark.parametrize("size", [LAPTOP, PHONE])
def test_first_words_and_nets_stand_where_the_app_shows_them_and_then_go(open_page, address, size):
    page = open_page("/claims", size=size)
    page.add_init_script(WATCH_FOR_HOLES)
    page.route("**/static/js/index.*.js", lambda route: route.abort())
    page.goto(address)
    page.evaluate("() => document.fonts.ready")
    page.wait_for_selector(".bn-lane")
    assert set(page.locator(".bn-lane-state").all_inner_texts()) == {"not built yet"}
    first, nets = page.evaluate(WORDS), page.evaluate(FIRST_NET)
    page.unroute_all()
    page.goto(address)
    page.wait_for_selector(".st-key-lab_words h1")
    expect(page.locator(".bn-first-words")).to_have_count(0)
    expect(page.locator(".bn-first-nets")).to_have_count(0)
    drawn(page)
    assert page.evaluate(FIRST_NET) == pytest.approx(nets, abs=1)
    assert page.evaluate("() => window.holes") == 0, "a frame was without nets"
    assert page.evaluate(WORDS) == pytest.approx(first, abs=1)
    assert "--bn-words" not in (page.locator("html").get_attribute("style") or "")
