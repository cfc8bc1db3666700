"""Terms of the glossary within texts: marked once, quoted, and nowhere they do not belong."""

import html
import re

from bn_core import lessons
from pages.shared.widgets.terms import plain_with_terms, with_terms

LOGIT = next(term for term in lessons.glossary() if term.name == "logit")


def marked(markdown: str) -> list[str]:
    return re.findall(r"<span class='bn-term'[^>]*>([^<]*)</span>", markdown)


def test_a_term_carries_its_meaning_at_its_first_place():
    text = with_terms("A logit, and another logit.")
    assert marked(text) == ["logit"] and text.endswith("another logit.")
    (said,) = re.findall("data-help='([^']*)'", text)
    assert html.unescape(said) == LOGIT.meaning and "tabindex='0'" in text


def test_code_formulas_links_and_headings_stay_as_they_are():
    for text in (
        "`logit`",
        "$logit$",
        "[logit](http://a.example)",
        "# The logit",
        "```\nlogit\n```",
    ):
        assert with_terms(text) == text


def test_markdown_around_terms_stays_markdown():
    assert with_terms("**A logit** is *it*.").startswith("**A <span")
    assert with_terms("**A logit** is *it*.").endswith("</span>** is *it*.")


def test_a_plain_text_stays_plain_beside_its_terms():
    shown = plain_with_terms("The <b>logit</b> of *x*")
    assert marked(shown) == ["logit"]
    rest = re.sub("</?span[^>]*>", "", shown)
    assert not set("<>*") & set(rest) and html.unescape(rest).replace("\u2060", "") == (
        "The <b>logit</b> of *x*"
    )


def test_meanings_are_quoted_so_that_none_ends_the_attribute():
    for term in lessons.glossary():
        (said,) = re.findall("data-help='([^']*)' *>", with_terms(term.name))[:1]
        assert html.unescape(said) == term.meaning, term.name
