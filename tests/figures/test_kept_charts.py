"""Earlier runs behind a chart's curves, and kept runs laid over one another."""

import dataclasses

import numpy as np
import pytest

from bn_core.figures import kept, theme
from bn_core.figures.curves import accuracy, loss
from bn_core.figures.dashboard import builders, state_of
from bn_core.figures.ghosts import is_comparable, readable
from bn_core.figures.serialize import to_bytes
from bn_core.figures.view import View
from bn_core.kept_runs import KeptRun, link_of, summarize
from bn_core.records import Record
from tests.figures.invented import CASES, make_record, with_divergence, with_shares

VIEW = View()


def kept_run(record: Record | None = None, **settings) -> KeptRun:
    record = record or make_record(["none", "before"], **settings)
    return summarize(record, link_of(record.comparison), 5)


def earlier(chart) -> list[dict]:
    return [t for t in chart.figure["data"] if str(t.get("name", "")).startswith("earlier")]


@pytest.mark.parametrize("make", [loss, accuracy])
def test_an_earlier_run_stands_faint_behind_with_its_name(make):
    record, ghost = make_record(["none", "before"]), kept_run(batch_size=4)
    chart = make(record, VIEW, None, [ghost])
    traces = earlier(chart)
    assert len(traces) == 2 and chart.figure["data"][:2] == traces
    assert "batch size 4" in traces[0]["hovertemplate"] and "batch size 4" in chart.alt
    assert traces[0]["line"]["color"] == "@none/0.45"
    assert traces[0]["line"]["dash"] != traces[1]["line"]["dash"]
    assert not earlier(make(record, VIEW, None)) and "arlier" not in make(record, VIEW, None).alt


def test_a_ghost_holds_the_numbers_of_its_record():
    ghost = kept_run(trained=40)
    _, before = earlier(accuracy(make_record(["none", "before"]), VIEW, None, [ghost]))
    np.testing.assert_allclose(before["y"], 100 * ghost.arms[1].accuracy[0])
    np.testing.assert_array_equal(before["x"], ghost.measured_steps)


def test_what_the_same_link_has_trained_is_clear_until_the_run_begins():
    untrained, trained = make_record(["none", "before"], 0), make_record(["none", "before"], 4)
    ghost = kept_run()
    (clear, *_), (faint, *_) = (earlier(loss(r, VIEW, None, [ghost])) for r in (untrained, trained))
    assert clear["line"]["color"] == "@none/0.85" and faint["line"]["color"] == "@none/0.45"


def test_as_many_ghosts_are_shown_as_stay_readable():
    two, three = kept_run(), kept_run(make_record(["none", "before", "after"]))
    eight = kept_run(make_record(list(theme.ARM_STYLES)[:8]))
    assert readable([eight, two]) == (eight,)
    assert readable([two, three, two]) == (two, three)
    assert readable([three, three]) == (three,) and readable([]) == ()


def test_only_charts_that_show_ghosts_depend_on_them():
    record, ghost = make_record(), kept_run()
    for name in builders(record, VIEW):
        same = state_of(name, record, VIEW, None) == state_of(name, record, VIEW, None, [ghost])
        assert same == (name not in ("loss", "accuracy"))
    noted = ghost.renamed("other")
    states = [state_of("loss", record, VIEW, None, [one]) for one in (ghost, noted)]
    assert states[0] != states[1]


def test_names_that_readers_bring_are_no_markup_and_no_templates():
    ghost = kept_run().renamed("<a href='x'>%{y}</a>&")
    for chart in (loss(make_record(), VIEW, None, [ghost]), kept.loss([ghost], VIEW)):
        texts = to_bytes(chart.figure["data"]).decode()
        assert "<a" not in texts and "%{y}<" not in texts and "&lt;a href" in texts


@pytest.mark.parametrize("case", CASES)
def test_every_kept_run_can_be_drawn_and_told(case):
    run = kept_run(with_shares(CASES[case]()))
    for make in (kept.loss, kept.accuracy):
        chart = make([run, kept_run(batch_size=4)], VIEW)
        low, high = chart.figure["layout"]["yaxis"]["range"]
        assert low < high and np.isfinite([low, high]).all()
        assert to_bytes(chart.figure) and "B BN before" in chart.alt
    loss(make_record(), VIEW, None, [run])


def test_runs_differ_in_colour_and_their_nets_in_dash():
    runs = [kept_run(seed=10 * n) for n in range(1, 5)]
    chart = kept.accuracy(runs, VIEW)
    lines = [(t["line"]["color"], t["line"]["dash"]) for t in chart.figure["data"] if "name" in t]
    assert len(set(lines)) == 8
    assert len({colour for colour, _ in lines}) == 4 and len({dash for _, dash in lines}) == 2
    arm_colours = {style.colour for style in theme.ARM_STYLES.values()}
    assert not arm_colours & {colour for colour, _ in lines}


def test_labels_at_the_ends_never_cover_each_other():
    run = kept_run()
    level = dataclasses.replace(
        run, arms=tuple(dataclasses.replace(a, accuracy=0 * a.accuracy + 1) for a in run.arms)
    )
    labels = kept.accuracy([level] * 4, VIEW).figure["layout"]["annotations"]
    heights = sorted(label["y"] for label in labels)
    assert len(heights) == 8 and heights[-1] <= 1
    assert min(np.diff(heights)) >= 12 / 250


def test_runs_of_other_data_or_other_kinds_of_net_are_not_compared():
    run = kept_run().comparison
    assert is_comparable(run, kept_run(batch_size=4, depth=3).comparison)
    assert not is_comparable(run, kept_run(data="moons").comparison)
    assert not is_comparable(run, kept_run(architecture="recurrent").comparison)


@pytest.mark.parametrize("make", [loss, accuracy])
def test_the_legend_names_each_earlier_curve_as_it_is_drawn(make):
    runs = [kept_run(batch_size=4), kept_run(seed=3)]
    chart = make(make_record(["none", "before"]), VIEW, None, runs)
    named = [entry for entry in chart.legend if entry.label.startswith("earlier")]
    drawn = [(trace["line"]["color"], trace["line"]["dash"]) for trace in earlier(chart)]
    assert [(entry.colour, entry.dash) for entry in named] == drawn and len(set(drawn)) == 4
    assert named[0].label == "earlier, batch size 4: No norm"


def test_an_earlier_loss_beyond_the_axis_is_not_drawn_along_its_top():
    record = make_record(["none", "before"])
    lost = kept_run(with_divergence(record, 0, (0, 1, 2), 13))
    lost.arms[0].train_loss[:] = np.inf
    chart = loss(record, VIEW, None, [lost])
    assert not np.isfinite(earlier(chart)[0]["y"]).any()
    assert np.isfinite(earlier(chart)[1]["y"]).any()
    labels = [entry.label for entry in chart.legend]
    assert any(label.endswith("No norm (diverged)") for label in labels)
