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

    stranger = open_page("/?" + link.partition("?")[2])
    expect(stranger.get_by_text("Open the same file again with the same choices")).to_be_visible()
    stranger.get_by_role("link", name="Open a file of your own").first.click()
    stranger.locator(".bn-upload input").set_input_files(flowers(tmp_path, "copy.csv"))
    stranger.get_by_role("button", name="Train on these data").click()
    expect(stranger.get_by_role("button", name="Data: copy.csv")).to_be_visible()
    stranger.get_by_role("button", name="Train").first.wait_for()
    assert stranger.url.partition("?")[2] == link.partition("?")[2]
