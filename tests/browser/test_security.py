"""In the browser: the content policy is in nobody's way, and text from links stays text."""

from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import button, drawn, wait_for_step

pytestmark = pytest.mark.browser

PAGES = [
    "/inside_the_layer?chapter=2",
    "/inside_the_layer?chapter=3",
    "/covariate_shift",
    "/experiment",
]
PAYLOADS = [
    "![a](http://a.example/x.png)",
    "[a](http://a.example) www.a.example",
    "<img src=http://a.example/x.png> <b>a</b>",
    "$x^2$ $$\\frac{1}{2}$$",
    ":red[a] :material/home: :smile: -> b",
    "**a** *b* `c` http://a.example a@a.example",
]

FORBIDDEN = """() => { document.body.append(Object.assign(document.createElement("img"),
  { src: "http://a.example/x.png" })); }"""


def test_a_breach_of_the_policy_would_be_noticed(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    page.goto(address)
    with page.expect_console_message(lambda said: "Content Security Policy" in said.text):
        page.evaluate(FORBIDDEN)


def test_training_needs_nothing_that_the_policy_forbids(open_page) -> None:
    page = drawn(open_page())
    button(page, "Train").click()
    wait_for_step(page, 5)
    page.locator(".main-svg").first.wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_what_the_policy_forbids(open_page, path: str) -> None:
    page = open_page(path)
    page.locator(".bn-title").wait_for()
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize(
    "payload", [PAYLOADS[0], *(pytest.param(text, marks=pytest.mark.slow) for text in PAYLOADS[1:])]
)
def test_a_link_s_text_is_shown_as_it_is(open_page, payload: str) -> None:
    asked = payload[:40]
    page = open_page(f"/experiment?experiment={quote(asked, safe='')}")
    alert = page.get_by_test_id("stAlert").filter(has_text="There is no experiment")
    alert.wait_for()
    shown = alert.inner_text().replace("\u2060", "")
    assert (
        shown.strip()
        == f"There is no experiment “{asked}”. Here is the one chosen last, or the first."
    )
    inside = alert.get_by_test_id("stMarkdownContainer")
    assert inside.locator("img, a, b, code, em, strong, .katex, [role=img], span").count() == 0
    expect(button(page, "Run")).to_be_visible()
