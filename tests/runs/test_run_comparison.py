"""A run's page: its time as a bar, beside the run before, and what a bad end means."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from indexing.console.runs import comparison, stage_bar
from indexing.models import IndexState, IndexVersion, Publication, RebuildRun
from tests.support import cast

pytestmark = pytest.mark.django_db

State = RebuildRun.State


def run_of(seconds: dict[str, float], *, whole: float | None = None, **fields: object) -> RebuildRun:
    """A run whose stages took so long, and the rest of `whole` seconds the one it is in."""
    now = timezone.now()
    stages = [
        {"stage": stage, "seconds": took, "done": 1, "rate": None, "summary": f"Summary of {stage}"}
        for stage, took in seconds.items()
    ]
    lasted = timedelta(seconds=sum(seconds.values()) if whole is None else whole)
    values = {"state": State.DONE, "started_at": now - lasted, "finished_at": now, "stages": stages}
    return RebuildRun.objects.create(**(values | fields))


@pytest.fixture
def viewer(client):
    client.force_login(cast.staff("indexing.view", "indexing.rebuild"))
    return client


def page_of(client, run: RebuildRun) -> str:
    page = client.get(f"/admin/index/runs/{run.pk}/").content.decode()
    return " ".join(re.sub("</?bdi>", "", page).split())


class TestBar:
    def test_each_stage_is_as_wide_as_its_share_of_the_time(self):
        bar = stage_bar.bar_of(run_of({"snapshot": 1.0, "embed": 8.0, "tag": 1.0}, experts=5))
        assert [round(each.share, 3) for each in bar.segments] == [0.1, 0.8, 0.1]
        widths = [each.width for each in bar.segments]
        assert widths[1] / widths[0] == pytest.approx(8, rel=0.1)
        assert sum(widths) + 2 * stage_bar.GAP == pytest.approx(bar.width, abs=2)
        for one, next_one in zip(bar.segments, bar.segments[1:], strict=False):
            assert one.x + one.width <= next_one.x

    def test_a_stage_of_no_time_is_still_seen(self):
        bar = stage_bar.bar_of(run_of({"snapshot": 0.0, "embed": 500.0}, experts=5))
        assert bar.segments[0].width >= stage_bar.MIN_SEGMENT_WIDTH

    def test_a_running_stage_has_the_rest_of_the_time(self):
        run = run_of({"snapshot": 2.0}, whole=10, state=State.RUNNING, stage="embed", finished_at=None)
        last = stage_bar.bar_of(run).segments[-1]
        assert (last.ending, last.seconds) == ("current", pytest.approx(8, abs=0.5))

    def test_the_stage_that_failed_is_marked_with_its_time(self):
        for noted in ({"snapshot": 2.0}, {"snapshot": 2.0, "embed": 8.0}):
            run = run_of(noted, whole=10, state=State.FAILED, stage="embed", error="The disk is full.")
            last = stage_bar.bar_of(run).segments[-1]
            assert (last.ending, last.seconds) == ("failed", pytest.approx(8, abs=0.1))

    def test_a_discarded_version_counts_as_built(self):
        run = run_of({"embed": 1.0, "publish": 1.0}, state=State.DISCARDED, stage="publish", experts=5)
        assert {each.ending for each in stage_bar.bar_of(run).segments} == {"done"}

    def test_a_queued_run_has_no_estimate(self):
        assert stage_bar.bar_of(RebuildRun.objects.create()) is None

    def test_the_page_says_in_words_what_the_bar_shows(self, viewer):
        page = page_of(viewer, run_of({"snapshot": 2.0, "embed": 6.0}, experts=5))
        assert 'aria-label="Time by stage: Read the directory: 2.0 s, 25 %; Process profiles: 6.0 s, 75 %."' in page
        assert "6.0 s · 75 %" in page
        assert "style=" not in page.partition("stage-bar")[2].partition("</svg>")[0]


class TestComparison:
    def test_stages_and_figures_then_and_now_with_sign_and_word(self, viewer):
        run_of({"snapshot": 1.0, "embed": 60.0}, experts=1_000, encoded=900, reused=100, peak_mb=900)
        run = run_of({"snapshot": 1.02, "embed": 15.0}, experts=1_200, encoded=200, reused=1_000, peak_mb=400)
        shown = comparison.with_previous(run)
        assert [(row.label, row.difference) for row in shown.times] == [
            ("Read the directory", "0 s"),
            ("Process profiles", "−45 s"),
            ("Total", "−45 s"),
        ]
        assert [row.difference for row in shown.figures] == [
            "+200",
            "−700",
            "+900",
            "",
            "−500 MB",
        ]
        page = page_of(viewer, run)
        assert "−45 s" in page
        assert f"/admin/index/runs/{shown.earlier.pk}/" in page

    def test_the_difference_is_that_of_the_figures_beside_it(self):
        run_of({"snapshot": 0.16, "embed": 0.24, "tag": 0.19}, experts=5)
        shown = comparison.with_previous(run_of({"snapshot": 0.24, "embed": 0.16, "tag": 0.26}, experts=5))
        assert [(row.then, row.now, row.difference) for row in shown.times[:3]] == [
            ("0.2 s", "0.2 s", "0 s"),
            ("0.2 s", "0.2 s", "0 s"),
            ("0.2 s", "0.3 s", "+0.1 s"),
        ]

    def test_it_is_compared_with_the_last_completed_run_of_its_kind(self):
        first = run_of({"embed": 1.0}, experts=10)
        run_of({"embed": 1.0}, state=State.FAILED, stage="embed")
        run_of({"embed": 1.0}, kind="tags", experts=10)
        assert comparison.with_previous(run_of({"embed": 1.0}, experts=10)).earlier == first

    def test_a_running_run_is_compared_in_what_it_has_done_so_far(self):
        run_of({"snapshot": 1.0, "embed": 60.0}, experts=10)
        run = run_of({"snapshot": 3.0}, state=State.RUNNING, stage="embed", finished_at=None)
        assert [(row.now, row.difference) for row in comparison.with_previous(run).times] == [
            ("3.0 s", "+2.0 s"),
            ("", ""),
            ("", ""),
        ]

    def test_the_first_run_says_that_there_is_none(self, viewer):
        assert "no earlier completed run of this kind" in page_of(viewer, run_of({"embed": 1.0}, experts=10))


class TestOutcome:
    def live(self) -> None:
        version = IndexVersion.objects.create(number=41, state="live")
        IndexState.objects.update(live_version=version)

    @pytest.mark.parametrize("state", [State.FAILED, State.CRASHED, State.CANCELLED, State.DISCARDED, State.HELD])
    def test_a_failed_run_says_that_search_continues_and_with_which_version(self, viewer, state):
        self.live()
        page = page_of(viewer, run_of({"snapshot": 1.0}, state=state, stage="embed", error="The disk is full."))
        assert "People are still searching version 41" in page
        assert 'id="again-link"' in page

    def test_without_a_live_version_it_says_what_searches_answer(self, viewer):
        page = page_of(viewer, run_of({}, state=State.FAILED, error="The disk is full."))
        assert "experts cannot be found until a rebuild is done" in page

    def test_without_the_rebuild_permission_the_page_says_who_can_start_one(self, client):
        client.force_login(cast.staff("indexing.view", username="vi"))
        page = page_of(client, run_of({}, state=State.FAILED, error="The disk is full."))
        assert "again-link" not in page
        assert "need the rebuild permission" in page

    def test_an_old_failure_names_later_runs_and_requests_nothing(self, viewer):
        self.live()
        run = run_of({}, state=State.FAILED, error="The disk is full.")
        later = run_of({"embed": 1.0}, experts=10)
        page = page_of(viewer, run)
        assert f"/admin/index/runs/{later.pk}/" in page
        assert "start again" not in page

    def test_a_held_run_that_was_published_names_who_published_it_and_why(self, viewer):
        version = IndexVersion.objects.create(number=7, state="live")
        Publication.objects.create(version=version, how="approved", name="carol", reason="They left the firm.")
        page = page_of(viewer, run_of({"embed": 1.0}, experts=10, version=version))
        assert "Published by" in page
        assert "carol" in page
        assert "“They left the firm.”" in page

    def test_a_successful_run_shows_no_advice(self, viewer):
        self.live()
        assert "outcome-heading" not in page_of(viewer, run_of({"embed": 1.0}, experts=10))
