"""A reader's own file in a browser: opened, looked at, trained on, and nobody else's."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser


def flowers(place: Path, name: str = "flowers.csv") -> Path:
    """Write a table with names, a column of text and a missing number."""
    draw = np.random.default_rng(0)
    lines = ["length,width,place,species"]
    for number in range(90):
        kind = number % 3
        row = draw.normal(kind * 3, 1, 2).round(2).tolist()
        lines.append(f"{row[0]},{'NA' if number == 4 else row[1]},Oslo,{'uvw'[kind]}<b>x</b>")
    (place / name).write_text("\n".join(lines))
    return place / name


@pytest.mark.slow
def test_a_file_is_opened_trained_on_and_stays_with_its_reader(open_page: OpenPage, tmp_path: Path):
    page = open_page("/your_data")
    chosen = page.locator(".bn-upload input")
    words = page.locator(".bn-upload-words")
    nothing = tmp_path / "nothing.csv"
    nothing.write_text("one\n1\n")
    chosen.set_input_files(nothing)
    expect(page.get_by_text("This table has one column.")).to_be_visible()
    large = tmp_path / "large.csv"
    large.write_bytes(bytes(5 * 2**20 + 1))
    chosen.set_input_files(large)
    expect(words).to_have_text("That is more than 5 MB, the most here.")

    chosen.set_input_files(flowers(tmp_path))
    expect(words).to_have_text("Open: flowers.csv")
    expect(page.get_by_text("1 rows with missing numbers are left out.")).to_be_visible()
    expect(page.get_by_text("Left out, as they hold text: place (“Oslo”).")).to_be_visible()
    expect(page.get_by_text("89 points of 2 numbers in 3 classes")).to_be_visible()

    page.get_by_role("button", name="Train on these data").focus()
    page.keyboard.press("Enter")
    train = page.get_by_role("button", name="Train", exact=False).first
    expect(page.get_by_role("button", name="Data: flowers.csv")).to_be_visible()
    expect(page.get_by_text("The batch size is now")).to_have_count(0)
    train.click()
    expect(page.locator(".bn-summary")).to_contain_text("accuracy")
    page.get_by_role("button", name="Data: flowers.csv").click()
    expect(page.get_by_role("radio", name="flowers.csv")).to_be_checked()
    link = page.url
    assert "data=own-" in link

    page.reload()
    expect(page.get_by_role("button", name="Data: flowers.csv")).to_be_visible()
    page.get_by_role("button", name="Train").first.wait_for()
    assert page.url == link

    page.evaluate("localStorage.removeItem('bn-lab.own')")
    page.goto("about:blank")
    stranger = open_page("/?" + link.partition("?")[2])
    expect(stranger.get_by_text("Open the same file again with the same choices")).to_be_visible()
    stranger.get_by_role("link", name="Open a file of your own").first.click()
    stranger.locator(".bn-upload input").set_input_files(flowers(tmp_path, "copy.csv"))
    stranger.get_by_role("button", name="Train on these data").click()
    expect(stranger.get_by_role("button", name="Data: copy.csv")).to_be_visible()
    stranger.get_by_role("button", name="Train").first.wait_for()
    assert stranger.url.partition("?")[2] == link.partition("?")[2]


@pytest.mark.slow
def test_points_are_drawn_by_mouse_and_by_keyboard_and_trained_on(open_page: OpenPage):
    page = open_page("/your_data")
    page.get_by_text("Draw points in a plane").click()
    plane, words = page.locator(".bn-draw svg"), page.locator(".bn-draw p")
    marks = plane.locator("path[transform]")
    use = page.get_by_role("button", name="Use these points")
    plane.click(position={"x": 20, "y": 30})
    expect(words).to_have_text("1 point (1 A); 20 of two classes or more are needed")
    for key in ("2", "ArrowRight", "Shift+ArrowDown", " ", "3", "Enter"):
        page.keyboard.press(key)
    expect(words).to_have_text("3 points (1 A, 1 B, 1 C); 20 of two classes or more are needed")
    expect(page.get_by_role("radio", name="C")).to_be_checked()
    first, second, third = (marks.nth(number).get_attribute("transform") for number in range(3))
    assert first != second and second == third
    page.keyboard.press("Backspace")
    expect(marks).to_have_count(2)
    expect(use).to_be_disabled()
    page.get_by_role("checkbox", name="five at a time").check()
    for kind in ("1", "2", "1", "2"):
        plane.press(kind)
        plane.press(" ")
    expect(words).to_have_text("22 points (11 A, 11 B)")
    use.click()
    expect(page.get_by_text("22 points of 2 numbers in 2 classes")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    lines = Path(saved.value.path()).read_text().splitlines()
    assert lines[0] == "x,y,class" and len(lines) == 23 and lines[1].endswith(",A")
    numbers = [float(cell) for line in lines[1:] for cell in line.split(",")[:2]]
    assert max(map(abs, numbers)) <= 1
    page.get_by_role("button", name="Clear").click()
    expect(marks).to_have_count(0)
    page.get_by_role("button", name="Train on these data").click()
    expect(page.get_by_role("button", name="Data: drawn-points.csv")).to_be_visible()
