"""Reports hold what was measured, stand alone, and run nothing but their own drawing."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from bn_core import experiments
from bn_core.comparison import Arm, Comparison
from bn_core.conclusion import conclude
from bn_core.export import EXPORTS, ExportError, ExportRequest
from bn_core.export.page_style import SYMBOLS, legend_line
from bn_core.export.report_experiment import ExperimentRequest, report_of_experiment
from bn_core.export.report_runs import report_of_runs
from bn_core.figures.chart import LegendEntry
from bn_core.figures.dashboard import IDS
from bn_core.figures.summary import rows
from bn_core.figures.theme import CURVE_STYLES
from bn_core.kept_runs import summarize
from bn_core.records import Record
from bn_core.results import Metric, Result
from bn_core.training import run
from tests.export.programs import comparison_of

LINK = (
    "data=xor&depth=2&width=8&steps=30&seeds=2&seed=7&lr=0.5&then=10:0.2&arms=none~before;batch:4"
)
HOSTILE = "<img src=x onerror=alert(1)>&\"'</script>"


class Reader(HTMLParser):
    """Collects the tags, the attributes and the texts of a page, but those of scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside != "style":
            self.texts.append(data.strip())


def read(page: bytes) -> Reader:
    reader = Reader()
    reader.feed(page.decode())
    return reader


@pytest.fixture(scope="module")
def record() -> Record:
    return run(comparison_of(LINK))


@pytest.fixture(scope="module")
def page(record) -> Reader:
    request = ExportRequest(record.comparison, f"http://lab.example/?{LINK}", record=record)
    return read(EXPORTS["report"].make(request))


def test_it_says_the_conclusion_the_numbers_the_settings_and_where_it_comes_from(page, record):
    text = "\n".join(page.texts)
    assert conclude(record) in text
    for row in rows(record):
        for said in (row.label, row.validation_accuracy.words(".1%"), row.state):
            assert said in page.texts
    for said in ("0.2 after step 10", "Four blobs (XOR)", "torch 2", record.fingerprint()):
        assert said in text
    assert re.search(r"report of \d+ \w+ 20\d\d", text)
    assert ("a", f"http://lab.example/?{LINK}") in [(tag, a.get("href")) for tag, a in page.tags]


def test_it_holds_every_seed(page, record):
    last = record.snapshots[-1].arms[1]
    assert last is not None
    for seed, loss in zip((7, 8), last.validation_loss, strict=True):
        found = page.texts.index(str(seed), page.texts.index("Each seed"))
        assert found > 0 and f"{loss:.4f}" in page.texts


def test_its_charts_are_those_of_the_lab_with_room_for_an_answer(page):
    (drawn,) = [json.loads(one) for one in page.scripts if one.startswith("[{")]
    assert len(drawn) == len(IDS) and all(figure["data"] for figure in drawn)
    assert not re.search(r'"@\w', json.dumps(drawn)), "a colour without a value"
    plots = [attributes for _, attributes in page.tags if attributes.get("class") == "plot"]
    assert len(plots) == len(IDS) and all(plot.get("aria-label") for plot in plots)
    assert [tag for tag, _ in page.tags if tag in ("input", "textarea")] == ["input", "textarea"]


def test_every_marker_of_the_theme_has_a_sample_in_the_legend():
    assert {style.symbol for style in CURVE_STYLES.values()} | {"x"} <= set(SYMBOLS)
    lines = [legend_line(LegendEntry("a", symbol=symbol)) for symbol in SYMBOLS]
    assert len(set(lines)) == len(SYMBOLS)


def test_it_stands_alone_and_prints_on_a4(page):
    sources = [value for _, a in page.tags for key, value in a.items() if key in ("src", "srcset")]
    assert sources == []
    assert sum("plotly.js (cartesian" in script[:100] for script in page.scripts) == 1
    assert not [a for tag, a in page.tags if tag == "link"]


def policy_of(reader: Reader) -> str:
    found = [a["content"] for _, a in reader.tags if a.get("http-equiv")]
    assert len(found) == 1 and found[0] is not None
    return found[0]


def test_only_its_own_scripts_may_run(page):
    policy = policy_of(page)
    assert "default-src 'none'" in policy
    assert len(re.findall(r"'sha256-[A-Za-z0-9+/]{43}='", policy)) == 2
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert not [key for _, a in page.tags for key in a if key.startswith("on")]


def test_labels_and_links_stay_text(record):
    arms = (Arm("none", HOSTILE, (("normalization", "none"),)), record.comparison.arms[1])
    strange = Record(
        Comparison(record.comparison.base, arms),
        record.summary,
        record.snapshots,
        record.train_loss,
    )
    request = ExportRequest(strange.comparison, f"javascript:alert(1){HOSTILE}", record=strange)
    reader = read(EXPORTS["report"].make(request))
    assert HOSTILE in reader.texts
    tags = [tag for tag, _ in reader.tags]
    assert "img" not in tags and tags.count("script") == 3 and "a" not in tags


def test_a_run_without_a_step_has_a_report_and_one_without_a_record_is_refused(record):
    fresh = Record(record.comparison, record.summary, record.snapshots[:1])
    reader = read(EXPORTS["report"].make(ExportRequest(fresh.comparison, record=fresh)))
    assert "not trained yet" in reader.texts
    with pytest.raises(ExportError, match="train the nets first"):
        EXPORTS["report"].make(ExportRequest(record.comparison))


def test_a_diverged_run_is_said_to_have_diverged():
    diverging = run(comparison_of("data=xor&depth=3&width=8&steps=20&seeds=1&lr=30&gain=100"))
    assert diverging.divergences
    request = ExportRequest(diverging.comparison, record=diverging)
    assert "diverged" in read(EXPORTS["report"].make(request)).texts


@pytest.fixture(scope="module")
def experiment() -> ExperimentRequest:
    result, verdict = experiments.run("lag", seeds=2, first_seed=3, quick=True)
    spec = experiments.spec_of("lag")
    return ExperimentRequest(
        spec, result, verdict, 2, 3, True, "http://lab.example/experiment", spec.answers[0]
    )


def test_the_report_of_an_experiment_holds_claim_verdict_numbers_and_prediction(experiment):
    text = "\n".join(read(report_of_experiment(experiment)).texts)
    verdict = experiment.verdict
    assert verdict is not None
    for said in (
        experiment.spec.claim,
        f"{verdict.headline}. {verdict.words}",
        f"Predicted: {experiment.spec.answers[0]}.",
        "3 to 4",
        "a quick look",
        experiment.spec.paper_found,
        *(f"{metric.label}\n{metric.words()}" for metric in experiment.result.metrics),
    ):
        assert said in text, said


def test_an_experiment_that_has_not_ended_has_no_verdict(experiment):
    metric = Metric(HOSTILE, HOSTILE, np.array([1.0]))
    unfinished = ExperimentRequest(experiment.spec, Result((), (metric,)), None, 2)
    reader = read(report_of_experiment(unfinished))
    assert "The run has not ended." in reader.texts and HOSTILE in reader.texts
    assert "script-src 'none'" in policy_of(reader)


def test_the_report_of_kept_runs_compares_them_and_keeps_the_notes_as_text(record):
    first = summarize(record, LINK, 1_790_000_000).renamed(HOSTILE[:50])
    second = run(comparison_of(LINK.replace("lr=0.5", "lr=0.01")))
    other = summarize(second, LINK.replace("lr=0.5", "lr=0.01"), 1_790_000_100).noted(HOSTILE)
    reader = read(report_of_runs([first, other], [], "http://lab.example/"))
    text = "\n".join(reader.texts)
    for said in (
        "2 runs",
        "Learning rate",
        first.conclusion,
        f"Note: {HOSTILE}",
        HOSTILE[:50],
        f"http://lab.example/?{LINK}",
    ):
        assert said in text, said
    assert "img" not in [tag for tag, _ in reader.tags]
