"""The pages beside the Lab, and the ways between all of them."""

import re
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from bn_core.claims import CLAIMS
from bn_core.results import VERDICT_WORDS
from pages.shared.tasks.verdicts import ICONS
from tests.browser.conftest import button

pytestmark = pytest.mark.browser

PAGES = {
    "/": "The Lab",
    "/inside_the_layer": "Inside the layer",
    "/training_and_inference": "Training and inference",
    "/covariate_shift": "Internal covariate shift",
    "/claims": "Claims",
    "/experiment?experiment=scale": "Experiment",
    "/stability_map": "Stability map",
    "/runs": "Runs",
}
PHONE: ViewportSize = {"width": 390, "height": 844}
LAPTOP: ViewportSize = {"width": 1440, "height": 900}
RESTS = "[data-testid=stApp][data-test-script-state=notRunning]"
BRIGHTNESS = """() => getComputedStyle(document.querySelector('[data-testid=stApp]'))
  .backgroundColor.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part) / 3, 0)"""
SIDEWAYS = """() => Math.max(...[document.documentElement,
  document.querySelector('[data-testid=stMain]')].map(e => e.scrollWidth - e.clientWidth))"""
TOKENS = "performance.getEntriesByType('resource').map(e => e.name.match(/feed.([^?]+)/)?.[1])"


def rest(page: Page) -> Page:
    """Wait until the page's script has come to its end, and return the page."""
    page.wait_for_selector(RESTS)
    return page


def go(page: Page, name: str) -> None:
    """Go to another page by the navigation at the top."""
    page.get_by_test_id("stTopNavLink").filter(has_text=re.compile(rf"^\s*{name}\s*$")).click()
    expect(page.locator("h1")).to_have_text(name)
    rest(page)


def chapter(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).click()


def plots(page: Page, count: int) -> None:
    """Wait until so many charts are drawn."""
    page.wait_for_function(
        f"() => document.querySelectorAll('.bn-plot .main-svg:first-child').length === {count}"
    )


def slide(page: Page, name: str, key: str) -> None:
    page.get_by_role("slider", name=name).focus()
    page.keyboard.press(key)


def measured(page: Page) -> dict[str, str]:
    """Return the table of results as it stands."""
    rows: list[list[str]] = page.locator(".bn-summary tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )
    return {name: "\t".join(words) for name, *words in rows}


@pytest.mark.slow
def test_pages_open_by_their_links_on_a_dark_phone_and_a_bright_laptop(open_page, address):
    page = open_page(size=PHONE, dark=True)
    for path, name in PAGES.items():
        page.set_viewport_size(PHONE)
        page.emulate_media(color_scheme="dark")
        page.goto(address + path)  # another visit: only what the browser caches is shared
        expect(page.locator("h1")).to_have_text(name)
        rest(page)
        assert page.evaluate(BRIGHTNESS) < 60, name
        assert page.evaluate(SIDEWAYS) <= 0, name
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(LAPTOP)
        expect(page.get_by_test_id("stTopNavLink")).to_have_text(list(PAGES.values()))
        assert page.evaluate(BRIGHTNESS) > 200, name


@pytest.mark.slow
def test_a_link_into_a_page_works_right_after_the_server_has_started(new_address, open_page):
    page = open_page(new_address + "/claims")
    expect(page.locator("h1")).to_have_text("Claims")
    expect(page.get_by_test_id("stTopNavLink")).to_have_text(list(PAGES.values()))
    expect(button(page, "Run them all")).to_be_visible(timeout=60_000)


@pytest.mark.slow
def test_each_chart_of_the_first_explanation_fills_its_place(open_page):
    page = open_page("/covariate_shift")
    plots(page, 3)
    expect(page.get_by_role("heading", name="Six held-out digits")).to_be_visible()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.bn-plot')].every(plot => "
        "[...plot.querySelectorAll('.main-svg')].every(svg => "
        "Math.abs(svg.getBoundingClientRect().width - plot.clientWidth) < 2))"
    )


@pytest.mark.slow
def test_descent_is_drawn_for_three_scalings_in_the_colours_of_the_page(open_page):
    page = open_page("/inside_the_layer", dark=True)
    plots(page, 3)
    # Two columns of rows, for which the browser alone would no longer tell of a table.
    results = page.locator(".bn-summary [role=table]")
    expect(results.locator("[role=rowgroup]:last-child > [role=row]")).to_have_count(3)
    drawn = page.evaluate(
        "[...document.querySelectorAll('.bn-plot')].map(p => p._fullData.map(t => t.type))"
    )
    assert all("contour" in kinds for kinds in drawn)
    ink = "[...document.querySelectorAll('.bn-plot')].map(p => p._fullLayout.font.color)"
    dark = page.evaluate(ink)
    assert len(set(dark)) == 1
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"() => {ink}.every(colour => colour !== '{dark[0]}')")


def test_a_value_of_the_forward_pass_lights_its_terms_and_fills_the_formula(open_page):
    page = open_page("/inside_the_layer?chapter=2")
    lines, chosen = page.locator(".bn-lines"), page.locator("td.bn-chosen")
    expect(lines).to_contain_text("μ = (1 + 2 + 4 + 3 + 5) / 5 = 3")
    page.locator("[data-stage=x] td").filter(has_text="26").hover()
    expect(lines).to_contain_text("x̂ = (26 - 20)")
    expect(chosen).to_have_text(["26", "20", "13.2", "1.651", "2.977"])
    page.locator("[data-stage=y] td[tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-stage=y] td:focus")).to_have_text("-0.5607")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-stage=y] td:focus")).to_have_text("-0.3257")
    expect(lines).to_contain_text("μ = (20 + 18 + 26 + 21 + 15) / 5 = 20")
    expect(lines).to_contain_text("y = γ x̂ + β = 1.5 · (-0.5505) + 0.5 = -0.3257")
    slide(page, "γ (scale)", "ArrowRight")
    expect(page.locator("[data-stage=y] td").first).to_have_text("-2.328")


def cell(page: Page, row: int, column: int) -> None:
    """Click a cell of the editable table; the grid is a canvas of rows 35 pixels high."""
    rest(page)
    page.locator(".stDataFrameGlideDataEditor").first.click(
        position={"x": 34 + 78 * (column - 0.5), "y": 35 * (row + 0.5)}
    )


def overwrite(page: Page, text: str) -> None:
    """Write something else into the cell that is chosen."""
    page.keyboard.press("Enter")
    page.locator("#portal :is(input, textarea)").fill(text)
    page.keyboard.press("Enter")


@pytest.mark.slow
def test_what_is_typed_into_the_table_is_computed_or_answered_by_a_sentence(open_page):
    page = open_page("/inside_the_layer?chapter=2")
    expect(page.locator(".bn-lines")).to_contain_text("y = ")
    rest(page)
    sentence = page.get_by_test_id("stAlert")
    cell(page, 2, 1)
    page.keyboard.press("Delete")
    expect(sentence).to_contain_text("Row 2, column unit 1 is empty.")
    expect(page.locator(".bn-lines")).to_have_count(0)
    overwrite(page, "5000000")
    expect(sentence).to_contain_text("Row 2, column unit 1 is 5e+06")
    for typed, words in (("many", "holds “many”, which is not a number"), ("inf", "is infinite")):
        cell(page, 2, 1)
        overwrite(page, typed)
        expect(sentence).to_contain_text(f"Row 2, column unit 1 {words}")
    cell(page, 2, 1)
    overwrite(page, "7")
    expect(page.locator(".bn-lines")).to_contain_text("μ = (1 + 7 + 4 + 3 + 5) / 5 = 4")
    expect(sentence).to_have_count(0)
    # What was typed stays while the reader looks at another chapter or page.
    chapter(page, "The code")
    expect(page.get_by_text("What each argument does")).to_be_visible()
    chapter(page, "Forward")
    expect(page.locator(".bn-lines")).to_contain_text("μ = (1 + 7 + 4 + 3 + 5) / 5 = 4")
    go(page, "The Lab")
    go(page, "Inside the layer")
    expect(page.locator(".bn-lines")).to_contain_text("μ = (1 + 7 + 4 + 3 + 5) / 5 = 4")


@pytest.mark.slow
def test_the_backward_pass_agrees_with_autograd_in_front_of_the_reader(open_page):
    page = open_page("/inside_the_layer?chapter=3")
    expect(page.locator(".bn-summary").first).to_contain_text("largest difference from autograd")
    found = measured(page)
    off = [float(found[name]) for name in ("dx", "dγ", "dβ")]
    assert max(off) < 1e-10


MEANS = "document.querySelector('.bn-mean .bn-plot')"


def followed(page: Page, momentum: float) -> list:
    """Wait until the running averages with a momentum are drawn to the end; return them."""
    page.wait_for_function(
        f"() => ({MEANS}?._fullLayout?.uirevision ?? '').includes(\"('momentum', {momentum})\")"
        f" && {MEANS}._fullData[0].x.at(-1) === 200"
    )
    plots(page, 4)
    return page.evaluate(f"{MEANS}._fullData.map(trace => Array.from(trace.y))")


@pytest.mark.slow
def test_the_running_averages_are_drawn_and_drawn_anew_for_another_momentum(open_page):
    page = open_page("/training_and_inference")
    before = followed(page, 0.1)
    slide(page, "Momentum", "ArrowLeft")
    assert followed(page, 0.03) != before


@pytest.mark.slow
def test_without_eval_sorted_batches_cost_accuracy(open_page):
    page = open_page("/training_and_inference?chapter=2")
    chapter(page, "sorted")
    for size in (25, 50):
        slide(page, "Batch size", "ArrowRight")
        expect(page.locator(".bn-summary")).to_contain_text(f"sorted, batches of {size}")
    found = {name: float(words.split("%")[0]) for name, words in measured(page).items()}
    forgotten = found["Accuracy in training mode, sorted, batches of 50"]
    assert forgotten < found["Accuracy with eval()"] - 10


NOTE_PROGRESS = """() => {
  window.progress = [];
  const note = () => window.progress.push(document.querySelector('.bn-notice')?.textContent ?? '');
  new MutationObserver(note).observe(document.body, {childList: true, subtree: true});
}"""


def test_an_experiment_runs_to_its_verdict_which_the_claims_then_show(open_page):
    page = open_page("/experiment?experiment=scale")
    page.get_by_text("Quick look").click()
    page.get_by_text("It falls to a tenth").click()
    rest(page)
    page.evaluate(NOTE_PROGRESS)  # it may be over before anybody could look
    button(page, "Run").click()
    expect(page.get_by_text("Measured just now in a quick look with 3 seeds.")).to_be_visible()
    assert any("%: " in words for words in page.evaluate("window.progress"))
    expect(page.get_by_role("heading", name="Holds here")).to_be_visible()
    expect(page.get_by_text("You predicted “It falls to a tenth”")).to_be_visible()
    expect(button(page, "Cancel")).to_have_count(0)
    expect(button(page, "Run")).to_be_enabled()
    go(page, "Claims")
    expect(page.get_by_text("✔ Holds here")).to_have_count(2)  # it tests two claims
    go(page, "Experiment")
    expect(page.get_by_text("Measured just now")).to_be_visible()
    expect(page.get_by_text("You predicted “It falls to a tenth”")).to_be_visible()


@pytest.mark.slow
def test_an_experiment_is_cancelled_and_its_configuration_opened_in_the_lab(open_page):
    page = open_page("/experiment?experiment=rate")
    rest(page)
    button(page, "Run").click()
    button(page, "Cancel").click()
    expect(page.locator(".bn-notice")).to_contain_text("cancelled")
    expect(button(page, "Cancel")).to_have_count(0)
    expect(page.get_by_text("Measured just now")).to_have_count(0)
    page.get_by_role("link", name="Open in the Lab").click()
    expect(page.locator("h1")).to_have_text("The Lab")
    page.wait_for_function("() => window.bnLabSequence >= 1")
    query = parse_qs(urlsplit(page.url).query)
    assert (query["init"], query["steps"], float(query["lr"][0])) == (["he"], ["400"], 1.0)


@pytest.mark.slow
def test_no_claim_is_decided_before_it_is_run_and_running_all_can_be_cancelled(open_page):
    page = rest(open_page("/claims"))
    main = page.get_by_test_id("stMain")
    expect(page.get_by_text("not run yet").first).to_be_visible()
    assert len(CLAIMS) == 16
    for claim in CLAIMS:
        expect(main.get_by_text(claim.title, exact=True).first).to_be_visible()
    for kind, words in VERDICT_WORDS.items():
        expect(main.get_by_text(f"{ICONS[kind]} {words}")).to_have_count(0)
    button(page, "Run them all").click()
    expect(page.locator(".bn-notice")).to_contain_text(re.compile(r"^\d+ of \d+, .*%"))
    button(page, "Cancel").click()
    expect(page.locator(".bn-notice")).to_contain_text("Cancelled: 0 of")
    expect(button(page, "Run them all")).to_be_enabled()
    expect(page.get_by_text("It was cancelled.")).not_to_have_count(0)


@pytest.mark.slow
def test_visitors_have_feeds_and_settings_of_their_own(open_page, address):
    one, other = (open_page("/?depth=3&width=32&seeds=2") for _ in range(2))
    tokens = []
    for page in (one, other):
        page.wait_for_function("() => window.bnLabSequence >= 1")
        tokens.append({token for token in page.evaluate(TOKENS) if token})
    assert all(tokens) and not tokens[0] & tokens[1]
    one.get_by_role("slider", name="Hidden layers").focus()
    one.keyboard.press("ArrowRight")
    one.wait_for_url(re.compile("depth=4"))
    other.get_by_label("Loss axis").select_option("log")
    other.wait_for_url(re.compile("loss=log"))
    assert "depth=3" in other.url and "loss=log" not in one.url
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(address + "/lab-files/feed/AAAAAAAAAAAAAAAAAAAAAA?have=0")


@pytest.mark.slow
def test_the_lab_keeps_its_settings_and_its_finished_run_while_the_reader_is_away(open_page):
    page = open_page("/?steps=24&speed=full&depth=3&width=32&seeds=2")
    page.wait_for_function("() => window.bnLabSequence >= 1")
    button(page, "Train").click()
    expect(page.locator(".bn-notice")).to_contain_text("Finished")
    rest(page)
    before = page.locator(".bn-summary tbody").inner_text()
    settings = parse_qs(urlsplit(page.url).query)
    go(page, "Inside the layer")
    plots(page, 3)
    go(page, "The Lab")
    plots(page, 6)
    expect(page.locator(".bn-notice")).to_contain_text("Finished")
    assert page.evaluate("window.bnLabStep") == 24
    assert page.locator(".bn-summary tbody").inner_text() == before
    assert parse_qs(urlsplit(page.url).query) == settings


def first_y(page: Page, value: str) -> None:
    """Wait until the forward pass's first output is a value."""
    expect(page.locator("[data-stage=y] td").first).to_have_text(value)


@pytest.mark.slow
def test_a_chapters_settings_survive_back_reload_and_a_second_tab(open_page):
    page = open_page("/inside_the_layer?chapter=2")
    first_y(page, "-1.621")
    slide(page, "γ (scale)", "ArrowRight")
    page.wait_for_url(re.compile("gamma=2"))
    first_y(page, "-2.328")
    go(page, "Training and inference")
    page.wait_for_url(re.compile("training_and_inference.*chapter=1"))
    page.go_back()  # one press: the page's own address is no entry beside the way to it
    expect(page.locator("h1")).to_have_text("Inside the layer")
    first_y(page, "-2.328")
    page.reload()
    first_y(page, "-2.328")
    other = page.context.new_page()
    other.goto(page.url)
    first_y(other, "-2.328")
    slide(other, "γ (scale)", "ArrowLeft")
    first_y(other, "-1.621")
    first_y(page, "-2.328")
    page.go_back()  # to where the slider had not been moved
    expect(page.locator("h1")).to_have_text("Inside the layer")
    first_y(page, "-1.621")
