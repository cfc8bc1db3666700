"""The report of an experiment: its claim, its verdict, and the numbers that decided."""

from dataclasses import dataclass

from bn_core.export.page import answers, chart_places, page, paragraph, section, table
from bn_core.export.report import ending, heading
from bn_core.figures.result import chart
from bn_core.figures.view import View
from bn_core.results import EffectOutcome, ExperimentSpec, Result, Verdict


@dataclass(frozen=True)
class ExperimentRequest:
    """An experiment's result with the seeds that it was run with, and what the reader expected."""

    spec: ExperimentSpec
    result: Result
    verdict: Verdict | None
    seeds: int
    first_seed: int = 0
    quick: bool = False
    link: str = ""
    prediction: str = ""


def report_of_experiment(request: ExperimentRequest) -> bytes:
    """Return the report of an experiment as HTML; without a verdict it says what is missing."""
    spec, verdict = request.spec, request.verdict
    drawn = [chart(part, View()) for part in request.result.panels]
    predicted = f"Predicted: {request.prediction}." if request.prediction else ""
    headline = f"{verdict.headline}. {verdict.words}" if verdict else "The run has not ended."
    parts = [
        heading(f"Experiment: {spec.title}", spec.claim, request.link),
        paragraph(headline, "conclusion"),
        paragraph(predicted) if predicted else "",
        section("What was measured", *(_effects(verdict) if verdict else ())),
        section("Charts", chart_places(drawn)),
        section(
            "Numbers",
            table(("Number", "Median (lowest to highest)"), _metric_rows(request.result)),
        ),
        section("How it was tested", paragraph(spec.method), _settings(request)),
        section("What was found before", paragraph(spec.paper_found), paragraph(spec.disagreement)),
        answers(),
        ending(f"Claimed by: {spec.source}."),
    ]
    return page(f"Batch Norm Lab: {spec.title}", parts, drawn)


def _settings(request: ExperimentRequest) -> str:
    last = request.first_seed + request.seeds - 1
    seeds = f"{request.first_seed} to {last}" if request.seeds > 1 else str(last)
    rows = [("Seeds", seeds), ("Extent", "a quick look" if request.quick else "a full run")]
    return table(("Setting", "Value"), rows)


def _metric_rows(result: Result) -> list[tuple[str, str]]:
    return [(metric.label, metric.words()) for metric in result.metrics]


def _effects(verdict: Verdict) -> list[str]:
    """Return a table of the effects, and one of what must hold for the test to count."""
    effects = [_effect_row(part.name, one) for part in verdict.parts for one in part.effects]
    controls = [
        (control.label, "met" if control.passed else "not met", control.words)
        for control in verdict.controls
    ]
    return [
        table(("Part", "Effect", "Verdict", "Numbers"), effects) if effects else "",
        table(("Precondition", "State", "Numbers"), controls) if controls else "",
        paragraph(verdict.summary) if verdict.summary else "",
    ]


_KINDS = {"holds": "holds", "fails": "fails", "depends": "not settled", "untested": "untested"}


def _effect_row(part: str, effect: EffectOutcome) -> tuple[str, str, str, str]:
    return part, effect.label, _KINDS[effect.kind], effect.words
