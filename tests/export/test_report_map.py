"""The report of a map stands alone and says what the page says."""

import json

from bn_core.export.report_map import report_of_map
from bn_core.figures.stability_cells import EXPLANATIONS
from bn_core.sweeps.axis import Axis
from bn_core.sweeps.findings import findings
from bn_core.sweeps.stability_map import LEARNED, StabilityMap
from bn_core.sweeps.sweep import Sweep
from tests.export.test_report import read

LINK = "https://lab.example.org/stability_map?size=8"


def text_and_charts(found, address=LINK):
    page = read(report_of_map(found, address))
    held = next(json.loads(script) for script in page.scripts if script.startswith("["))
    places = [attrs for tag, attrs in page.tags if tag == "div" and attrs.get("class") == "plot"]
    assert [place["id"] for place in places] == [f"plot-{n}" for n in range(len(held))]
    return " ".join(page.texts), held


def test_a_report_has_findings_charts_and_settings():
    found = StabilityMap.empty(Sweep(y=Axis("depth", 1, 4), size=8))
    found.fate[:] = LEARNED
    found.learned_at[:], found.loss[:], found.accuracy[:] = 30, 0.5, 0.9
    text, charts = text_and_charts(found)
    first, *others = findings(found)
    assert f"So: {first}" in text and all(one in text for one in others)
    assert all(words in text for words in EXPLANATIONS.values())
    assert "0.003 to 30.0, 8 values" in text and LINK in text
    assert len(charts) == 3 + 3 + 2
    assert text.count("Learning rate 0") == 1, "an axis has no one value among the settings"


def test_a_map_of_which_nothing_is_measured_says_so():
    text, _ = text_and_charts(StabilityMap.empty(Sweep(size=8)), "")
    assert "nothing is concluded" in text and "So:" not in text


def test_the_two_layer_net_says_what_it_is_and_what_is_not_known():
    sweep = Sweep(x=Axis.usual("rate_1"), y=Axis.usual("rate_2"), size=24)
    found = StabilityMap.empty(sweep)
    found.fate[..., :10] = LEARNED
    text, charts = text_and_charts(found)
    assert "16-16-1 units" in text and "is not known" in text and "2402.06184" in text
    assert len(charts) == 3 and "Batch size" not in text
