"""Text from links: what Markdown would make something of does not reach it as markup."""

import html
import re

import pytest

from pages.shared.plain_text import plain_text

PAYLOADS = [
    "![a](http://a.example/x.png)",
    "[a](http://a.example) <http://a.example> http://a.example www.a.example a@a.example",
    "[a]: http://a.example",
    '<img src="http://a.example/x.png" onerror="alert(1)">',
    "<script>alert(1)</script> &lt;b&gt; &#42;",
    "$x^2$ $$\\frac{1}{2}$$ \\(x\\) \\[x\\]",
    ":red[a] :red-background[a] :material/home: :smile: :streamlit: ::a{b}",
    "**a** *b* _c_ ~~d~~ `e` \\*f\\*",
    "# a",
    "- a",
    "1. a",
    "> a",
    "| a | b | |---|---|",
    "``` a ```",
    "a -> b <- c -- d >= e <= f ~= g <-> h",
]


def shown(text: str) -> str:
    """Return what a browser shows of escaped text, without characters that have no width."""
    return html.unescape(text).replace("\u2060", "")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_all_of_it_is_shown_and_nothing_of_it_is_markup(payload: str) -> None:
    escaped = plain_text(payload)
    assert shown(escaped) == payload
    assert re.fullmatch(r"(&#\d+;|[\w\u2060 ])*", escaped)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_is_recognized_in_the_parsed_text(payload: str) -> None:
    parsed = html.unescape(plain_text(payload))
    for pattern in (
        r":[\w/+-]+:",
        r"https?://",
        r"(?i)www\.",
        r"\S@\w",
        r"(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)",
    ):
        assert not re.search(pattern, parsed)


def test_lines_and_invisible_characters_go() -> None:
    assert plain_text("  a\r\n\n    b\u2028c\t ") == "a b c"
    assert plain_text("a\u202eb\u200bc\x00d\ufeff") == "abcd"


def test_words_and_letters_of_all_languages_stay() -> None:
    assert plain_text("x̂ = γ für 日本 “n”").replace("&#61;", "=") == "x̂ = γ für 日本 “n”"
    assert "\u2060" not in plain_text("Lower it: steps 1-5, at a rate of 0.1.")
