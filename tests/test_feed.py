"""Which charts a feed sends, and what trials and series ask of the pool; without a browser."""

from collections.abc import Hashable, Mapping
from typing import Any

import orjson
import pytest

from bn_core.results import ExperimentSpec, Progress, Result, Verdict
from bn_core.service import protocol
from bn_core.service.pool import PoolFull
from bn_core.service.study import Task
from pages.shared import server
from pages.shared.feed import Feed, Part
from pages.shared.inquiry import Question, Series, Trial
from pages.shared.visit import Visit


class Slate(Feed):
    """A feed whose charts are words that a test writes; it counts how often each is drawn."""

    def __init__(self, **charts: str) -> None:
        super().__init__()
        self.charts = charts
        self.drawn: list[str] = []

    def seen(self) -> None:
        pass

    def go_to(self, step: int | None) -> None:
        pass

    def depends_on(self) -> Hashable:
        return tuple(self.charts.items())

    def words(self) -> dict[str, Any]:
        return {"notice": "fine"}

    def parts(self) -> Mapping[str, Part]:
        def make(name: str) -> dict[str, Any]:
            self.drawn.append(name)
            return {"id": name, "text": self.charts[name]}

        return {name: (text, lambda n=name: make(n)) for name, text in self.charts.items()}

    def restless(self) -> bool:
        return False

    def page_state(self) -> str:
        return "state"

    def seconds_between(self) -> float:
        return 0.25


def sent(feed: Feed, have: int) -> tuple[int, list[str]]:
    """Return the number of the picture and the names of the charts in it."""
    picture = orjson.loads(feed.picture(have))
    return picture["number"], [chart["id"] for chart in picture["charts"]]


def test_the_first_picture_has_every_chart_and_what_a_view_must_know():
    feed = Slate(loss="a", depth="b")
    assert feed.has_news(0)
    picture = orjson.loads(feed.picture(0))
    assert [chart["id"] for chart in picture["charts"]] == picture["order"] == ["loss", "depth"]
    assert picture["number"] == 1 and {c["number"] for c in picture["charts"]} == {1}
    known = {key: picture[key] for key in ("notice", "state", "rest", "pause")}
    assert known == {"notice": "fine", "state": "state", "rest": True, "pause": 250}
    assert not feed.has_news(1)


def test_only_charts_that_changed_since_the_last_picture_are_drawn_and_sent():
    feed = Slate(loss="a", depth="b")
    assert sent(feed, 0) == (1, ["loss", "depth"])
    feed.charts["loss"] = "a2"
    assert feed.has_news(1)
    assert sent(feed, 1) == (2, ["loss"])
    assert feed.drawn == ["loss", "depth", "loss"]
    feed.charts["depth"] = "b2"
    assert sent(feed, 2) == (3, ["depth"])
    # A view that has missed a picture is sent all that it lacks, drawn no second time.
    assert sent(feed, 1) == (3, ["loss", "depth"])
    assert len(feed.drawn) == 4


def test_without_news_nothing_is_sent():
    feed = Slate(loss="a")
    feed.picture(0)
    assert sent(feed, 1) == (1, [])


def test_a_view_that_begins_anew_or_comes_from_the_future_is_sent_everything():
    feed = Slate(loss="a", depth="b")
    feed.picture(0)
    assert sent(feed, 0) == (1, ["loss", "depth"])
    assert feed.has_news(7)
    assert sent(feed, 7) == (1, ["loss", "depth"])
    assert feed.drawn == ["loss", "depth"]


def test_a_chart_that_is_gone_is_not_in_the_order():
    feed = Slate(loss="a", depth="b")
    feed.picture(0)
    del feed.charts["loss"]
    picture = orjson.loads(feed.picture(1))
    assert (picture["order"], picture["charts"]) == (["depth"], [])


def test_every_feed_has_a_token_of_its_own():
    assert len({Slate().token for _ in range(50)}) == 50


class NoPool:
    """Stands in for the pool: studies are put down here, and a test says what workers answer."""

    def __init__(self) -> None:
        self.asked: list[Task] = []
        self.full = False

    def ask(self, name: str, **arguments: Any) -> Task:
        if self.full:
            raise PoolFull("All places are taken.")
        self.asked.append(Task(self, len(self.asked) + 1, name, arguments))  # type: ignore
        return self.asked[-1]

    def named(self, name: str) -> list[Task]:
        return [study for study in self.asked if study.name == name]

    def release(self, study: Task) -> None:
        pass

    def send(self, study: Task, command: object) -> None:
        pass


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> NoPool:
    made = NoPool()
    monkeypatch.setattr(server, "pool", lambda: made)
    return made


def about(slug: str = "one", parts: tuple[str, ...] = ("none", "before")) -> ExperimentSpec:
    words = dict.fromkeys(
        ("claim", "source", "question", "method", "formula", "paper_found", "disagreement"), ""
    )
    return ExperimentSpec(
        slug=slug, title=slug.title(), claims=(1,), answers=("yes", "no"), shards=parts, **words
    )


def end(study: Task, result: object) -> None:
    """Have a worker report the end of a study."""
    study.hear(protocol.StudyDone(study.number, result))


FOUND = (Result(), Verdict("holds", "It does."))


def test_a_trial_asks_for_its_parts_and_then_for_what_they_add_up_to(pool):
    trial = Trial(about(), seeds=2, quick=True)
    parts = pool.named("experiment part")
    assert [(s.arguments["shard"], s.arguments["seeds"]) for s in parts] == [
        ("none", 2),
        ("before", 2),
    ]
    trial.look()
    assert not pool.named("experiment finding") and not trial.done
    for number, study in enumerate(parts):
        end(study, {"piece": number})
    assert not trial.done
    trial.look()
    trial.look()
    (concluding,) = pool.named("experiment finding")
    assert concluding.arguments["partials"] == {"none": {"piece": 0}, "before": {"piece": 1}}
    end(concluding, FOUND)
    trial.look()
    assert trial.done and trial.verdict == FOUND[1] and trial.finding() is FOUND[0]
    assert trial.notice() == ""
    trial.look()
    assert len(pool.asked) == 3


def test_a_trial_shows_what_its_pieces_so_far_add_up_to(pool):
    trial = Trial(about(), seeds=2, quick=True)
    study = pool.named("experiment part")[0]
    study.progress, study.version = Progress(0.5, "half", {"piece": 0}), 1
    trial.look()
    (early,) = pool.named("experiment finding")
    assert early.arguments["partials"] == {"none": {"piece": 0}}
    end(early, FOUND)
    trial.look()
    assert trial.finding() is FOUND[0] and not trial.done
    assert trial.notice().startswith("25 %: half; waiting")


def test_a_cancelled_trial_is_done_and_says_so(pool):
    trial = Trial(about(), seeds=2, quick=True)
    trial.cancel()
    assert trial.done and trial.verdict is None
    assert trial.notice() == trial.failure == "It was cancelled."


def test_a_failed_conclusion_ends_a_trial(pool):
    trial = Trial(about(parts=("all",)), seeds=1, quick=True)
    end(pool.asked[0], {"piece": 0})
    trial.look()
    pool.named("experiment finding")[0].give_up("It broke.")
    trial.look()
    assert trial.done and trial.failure == "It broke."
    assert len(pool.asked) == 2


def conclude(pool: NoPool, series: Series) -> None:
    """Answer whatever the series has asked for, until the trial under way has ended."""
    for study in pool.named("experiment part"):
        if not study.done:
            end(study, {"piece": 0})
    series._now.look()  # type: ignore
    end(pool.named("experiment finding")[-1], FOUND)
    series.look()


def test_a_series_runs_one_experiment_after_the_other(pool):
    visit = Visit()
    series = Series([about("one", ("all",)), about("two", ("all",))], 1, True, visit)
    series.look()
    assert list(visit.trials) == ["one"] and series.behind == 0
    assert series.notice().startswith("1 of 2, One: 0 %: waiting")
    conclude(pool, series)
    assert list(visit.trials) == ["one", "two"] and series.behind == 1 and not series.done
    conclude(pool, series)
    assert series.done and series.notice() == "2 experiments have ended."
    assert all(trial.verdict == FOUND[1] for trial in visit.trials.values())


def test_a_series_goes_on_after_an_experiment_that_failed(pool):
    visit = Visit()
    series = Series([about("one", ("all",)), about("two", ("all",))], 1, True, visit)
    series.look()
    pool.asked[0].give_up("It broke.")
    series.look()
    assert visit.trials["one"].failure == "It broke." and "two" in visit.trials


def test_a_series_waits_for_a_place_and_tries_again(pool):
    visit = Visit()
    series = Series([about("one", ("all",))], 1, True, visit)
    pool.full = True
    series.look()
    assert (series.notice(), series.done, visit.trials) == ("All places are taken.", False, {})
    pool.full = False
    series.look()
    assert "one" in visit.trials


def test_a_cancelled_series_begins_nothing_more(pool):
    visit = Visit()
    series = Series([about("one"), about("two")], 1, True, visit)
    series.look()
    series.cancel()
    series.look()
    assert series.done and list(visit.trials) == ["one"]
    assert visit.trials["one"].failure == "It was cancelled."


def test_a_question_is_told_from_others_by_its_arguments(pool):
    asked = Question("noise", rows=((1.0,),), epsilon=0.1)
    assert asked.asked == Question.key("noise", {"epsilon": 0.1, "rows": ((1.0,),)})
    assert asked.asked != Question.key("noise", {"epsilon": 0.2, "rows": ((1.0,),)})
    assert asked.finding() is None
    pool.asked[0].progress = Progress(0.5, "half", FOUND[0])
    assert asked.finding() is FOUND[0] and asked.notice() == "50 %: half."
