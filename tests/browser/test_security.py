"""In the browser: the content policy is in nobody's way, and text from links stays text."""

from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.browser

PAGES = [
    "/inside_the_layer",
    "/inside_the_layer?chapter=2",
    "/inside_the_layer?chapter=3",
    "/training_and_inference",
    "/covariate_shift",
    "/claims",
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

RECORD = """window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));"""


@pytest.fixture
def watched_page(context: BrowserContext):
    """Yield a page that records violations of the policy, and the hosts it asked."""
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.add_init_script(RECORD)
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or "127.0.0.1"))
    yield page
    assert page.evaluate("window.violations") == []
    assert hosts == {"127.0.0.1"}


def test_training_needs_nothing_that_the_policy_forbids(watched_page: Page, address: str) -> None:
    watched_page.goto(address)
    watched_page.get_by_role("button", name="Train").click()
    watched_page.get_by_role("button", name="Pause").wait_for()
    watched_page.locator(".main-svg").first.wait_for()
    watched_page.wait_for_timeout(2000)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_what_the_policy_forbids(watched_page: Page, address: str, path: str) -> None:
    watched_page.goto(address + path)
    watched_page.locator(".bn-title").wait_for()
    watched_page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_link_s_text_is_shown_as_it_is(watched_page: Page, address: str, payload: str) -> None:
    asked = payload[:40]
    watched_page.goto(f"{address}/experiment?experiment={quote(asked, safe='')}")
    alert = watched_page.get_by_test_id("stAlert").filter(has_text="There is no experiment")
    alert.wait_for()
    shown = alert.inner_text().replace("\u2060", "")
    assert (
        shown.strip()
        == f"There is no experiment “{asked}”. Here is the one chosen last, or the first."
    )
    inside = alert.get_by_test_id("stMarkdownContainer")
    assert inside.locator("img, a, b, code, em, strong, .katex, [role=img], span").count() == 0
