"""Two replicas behind HAProxy, as documented: visits stay together, and a class is found from both.

Every visitor is a browser profile of its own; the balancer gives each a replica by a cookie.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.conftest import BEEN_HERE, FLAGS, button, chromium, drawn, wait_for_step
from tests.browser.replicas import Balanced, balanced, haproxy, wait_until
from tests.browser.test_export_in_browser import downloaded, text_of
from tests.browser.test_own_data_in_browser import flowers

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(600),
]

LINK = "/?steps=9000&depth=3&width=32&seeds=2&act=tanh"
SHORT = "/?steps=40&depth=3&width=32&seeds=2"
SECONDS_AWAY = 30_000
"""Milliseconds within which a page whose replica has died stands on the other."""

Visit = Callable[[], BrowserContext]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    """Yield the two replicas and the address of the balancer before them."""
    haproxy()
    chromium()
    with balanced(tmp_path_factory.mktemp("replicas")) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield Chromium without a profile of its own."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium(), args=FLAGS)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Yield what makes a new visitor; afterwards no page's script may have failed."""
    errors: list[str] = []
    opened: list[BrowserContext] = []

    def new() -> BrowserContext:
        context = browser.new_context(ignore_https_errors=True)
        context.set_default_timeout(60_000)
        context.add_init_script(BEEN_HERE)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        opened.append(context)
        return context

    yield new
    for context in opened:
        context.close()
    assert errors == []


def opened(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    return page


def replica_of(context: BrowserContext) -> str:
    """Return the name of the replica that a visitor's cookie names; empty without a cookie."""
    return {one.get("name"): one.get("value", "") for one in context.cookies()}.get(
        "BN_LAB_REPLICA", ""
    )


def visitors_of_both(lab: Balanced, visit: Visit) -> dict[str, tuple[BrowserContext, Page]]:
    """Return a visitor of each replica, by its name, with the Lab open."""
    found: dict[str, tuple[BrowserContext, Page]] = {}
    for _ in range(6):
        context = visit()
        page = drawn(opened(context, lab.address + LINK))
        found.setdefault(replica_of(context), (context, page))
        if len(found) == len(lab.replicas):
            return found
    raise AssertionError("the balancer sends every visitor to the same replica")


def trained_to_the_end(page: Page) -> str:
    """Train the short run and return the exact numbers, as they are handed out."""
    button(page, "Train").click()
    page.wait_for_function("() => window.bnLabStep === 40")
    button(page, "Export").click()
    found = text_of(downloaded(page, "Numbers (CSV)"))
    page.keyboard.press("Escape")
    return found


def test_training_own_files_and_downloads_stay_on_a_visitors_replica(
    lab: Balanced, visit: Visit, tmp_path: Path
) -> None:
    for name, (context, page) in visitors_of_both(lab, visit).items():
        page.goto(f"{lab.address}/your_data")
        page.locator(".bn-upload input").set_input_files(flowers(tmp_path))
        expect(page.locator(".bn-upload-words")).to_have_text("Open: flowers.csv")
        button(page, "Train on these data").click()
        expect(button(page, "Data: flowers.csv")).to_be_visible()
        button(page, "Train").click()
        wait_for_step(page, 20)
        button(page, "Export").click()
        assert "data=own-" in text_of(downloaded(page, "PyTorch script"))
        assert replica_of(context) == name


def test_a_class_is_found_from_every_replica_and_taught_from_another_device(
    lab: Balanced, visit: Visit
) -> None:
    both = visitors_of_both(lab, visit)
    for name, (_, teacher) in both.items():
        teacher.goto(f"{lab.address}/classroom")
        button(teacher, "Open a class").click()
        code = teacher.locator(".bn-code").inner_text()
        assert code[0].lower() == name
        button(teacher, "Ask the class").click()
        devices = [visit(), *(context for context, _ in both.values())]
        for device in devices:
            student = opened(device, f"{lab.address}/join")
            student.locator("#given").fill(code.lower())
            student.locator("#join button").click()
            student.locator("#choices button").first.click()
            expect(student.locator("#said")).to_have_text("Your answer A is counted.")
        expect(teacher.locator(".bn-class-counts")).to_contain_text("3 here")
        expect(teacher.locator(".bn-class-counts")).to_contain_text("3 answered")
        phone = visit()
        phone.request.post(f"{lab.address}/lab-files/class/{code}/students", data="{}")
        assert replica_of(phone) == "", "students' devices are not tied to the teacher's replica"

        button(teacher, "Teach from another device").click()
        link = teacher.locator("code", has_text="key=").inner_text()
        (elsewhere,) = [context for other, (context, _) in both.items() if other != name]
        before = replica_of(elsewhere)
        other = opened(elsewhere, link)
        expect(other.locator(".bn-code")).to_have_text(code)
        assert (before, replica_of(elsewhere)) != (name, before)
        assert replica_of(elsewhere) == name
        elsewhere.clear_cookies(name="BN_LAB_REPLICA")
        both = visitors_of_both(lab, visit)


def test_a_teacher_who_comes_to_the_other_replica_is_led_back_to_the_class(
    lab: Balanced, visit: Visit
) -> None:
    both = visitors_of_both(lab, visit)
    (name, (context, teacher)), (_, (stranger, _)) = both.items()
    teacher.goto(f"{lab.address}/classroom")
    button(teacher, "Open a class").click()
    code = teacher.locator(".bn-code").inner_text()
    context.clear_cookies(name="BN_LAB_REPLICA")
    (cookie,) = [one for one in stranger.cookies() if one.get("name") == "BN_LAB_REPLICA"]
    context.add_cookies([cast(SetCookieParam, cookie)])
    teacher.goto(f"{lab.address}/classroom")
    with context.expect_page() as found:
        teacher.get_by_role("link", name="return to it").click()
    expect(found.value.locator(".bn-code")).to_have_text(code)
    assert code[0].lower() == name


def test_a_replica_that_dies_is_left_with_the_same_settings_and_its_class_waits_for_it(
    lab: Balanced, visit: Visit
) -> None:
    both = visitors_of_both(lab, visit)
    name, (context, page) = next(iter(both.items()))
    button(page, "Train").click()
    wait_for_step(page, 20)
    link = page.url
    numbers = trained_to_the_end(drawn(opened(context, lab.address + SHORT)))
    teacher = opened(context, f"{lab.address}/classroom")
    button(teacher, "Open a class").click()
    code = teacher.locator(".bn-code").inner_text()
    phone = opened(visit(), f"{lab.address}/join?c={code}")
    expect(phone.locator("#state")).to_contain_text("Wait")

    lab.replicas[name].kill()
    page.wait_for_function("() => window.bnLabStep === 0", timeout=SECONDS_AWAY)
    expect(button(page, "Train")).to_be_visible()
    assert page.url == link and replica_of(context) not in ("", name)
    button(page, "Train").click()
    wait_for_step(page, 20)
    assert trained_to_the_end(drawn(opened(context, lab.address + SHORT))) == numbers
    expect(phone.locator("#connection")).to_contain_text("trying again")

    lab.replicas[name].start()
    wait_until(lab.replicas[name].trains)
    expect(phone.locator("#problem")).to_contain_text("There is no class with this code")
