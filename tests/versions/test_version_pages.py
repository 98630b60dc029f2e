"""Versions on the pages: what held one, what a person decides about it, the way back, and the alarm."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from experts.models import Expert
from indexing import encoders, runs
from indexing.console.live_page.watcher import read_table_state
from indexing.console.versions import gate_report
from indexing.lib import paths
from indexing.models import IndexState, IndexVersion, Publication, RebuildRun, SavedQuery, ServingProcess
from indexing.versions import decisions, free_memory
from tests.support import cast, damage, version_cast
from tests.support.version_cast import CAROL, live

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/index/"
VERSIONS = f"{PAGE}versions/"
PUBLISH, DISCARD, ROLLBACK = f"{VERSIONS}publish/", f"{VERSIONS}discard/", f"{VERSIONS}rollback/"
RELEASE = f"{PAGE}release/"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def external_workers(settings):
    settings.TCS_WORKER = "external"


@pytest.fixture
def publisher(client):
    client.force_login(cast.staff("indexing.view", "indexing.publish", username="carol"))
    return client


@pytest.fixture
def viewer(client):
    client.force_login(cast.staff("indexing.view", username="vi"))
    return client


def html(response) -> str:
    return " ".join(response.content.decode().split())


def process(number: int | None, problem: str = "", pid: int = 1) -> None:
    ServingProcess.objects.create(host="web", pid=pid, process_start="1", version_number=number, problem=problem)


class TestGateReport:
    def test_a_held_run_shows_every_rule_with_value_limit_and_result(self, viewer):
        run = version_cast.held()
        page = html(viewer.get(f"{PAGE}runs/{run.pk}/"))
        assert page.count('<span class="verdict verdict-passed">') == 6
        assert page.count('<span class="verdict verdict-breach">') == 1
        assert "Experts removed" in page
        assert "50 %" in page
        assert "at most 10 %" in page
        assert "10 of the 20 experts in version 1 are gone" in page

    def test_it_is_on_the_index_page_too(self, viewer):
        version_cast.held()
        page = html(viewer.get(PAGE))
        assert "Needs approval" in page
        assert "Compared with version 1" in page
        assert "at most 10 %" in page

    def test_lost_and_gained_experts_are_named(self, viewer):
        cast.experts(10)
        cast.rebuild()
        Expert.objects.filter(username__lte="expert-003").update(is_active=False)
        Expert.objects.create(username="newcomer", job_title="Glazier")
        run = cast.rebuild()
        page = html(viewer.get(f"{PAGE}runs/{run.pk}/"))
        assert "Experts removed: 3" in page
        assert "<bdi>Erin Number002 (expert-002)</bdi>" in page
        assert "Experts added: 1" in page
        assert "<bdi>newcomer</bdi>" in page

    def test_names_are_limited_and_their_counts_complete(self):
        kept = {
            "passed": False,
            "verdicts": [],
            "live_number": 1,
            "lost": ["a", "b"],
            "lost_count": 1000,
            "gained": [],
            "gained_count": 0,
            "queries": [],
            "queries_count": 7,
        }
        report = gate_report.report_of(RebuildRun(gate=kept))
        assert (report.lost.count, report.lost.more, report.queries_more) == (1000, 998, 7)

    def test_the_index_page_shows_the_queries_that_lost_most(self):
        asked = [
            {
                "text": f"query {n}",
                "k": 50,
                "missing": ["ann"] if n == 30 else [],
                "overlap": n / 100,
                "before": [f"b{place}" for place in range(50)],
                "after": [f"b{place}" for place in range(5, 50)],
            }
            for n in range(40, 0, -1)
        ]
        kept = {
            "passed": False,
            "verdicts": [],
            "live_number": 1,
            "lost": [],
            "lost_count": 0,
            "gained": [],
            "gained_count": 0,
            "queries": asked,
            "queries_count": 40,
        }
        run = RebuildRun(gate=kept)
        report = gate_report.report_of(run, at_a_glance=True)
        assert [query.text for query in report.queries[:3]] == ["query 30", "query 1", "query 2"]
        assert (len(report.queries), report.queries_more) == (20, 20)
        assert (len(gate_report.report_of(run).queries), gate_report.report_of(run).queries_more) == (40, 0)
        before, after = report.queries[0].before, report.queries[0].after
        assert (len(before), len(after)) == (10, 10)
        assert [place.only_here for place in before] == [True] * 5 + [False] * 5
        assert not any(place.only_here for place in after)

    def test_a_rule_of_another_release_is_shown_as_it_stands(self):
        verdict = {
            "rule": "moon_phase",
            "sentence": "Full.",
            "value": 1,
            "limit": 2,
            "passed": False,
            "warning": False,
        }
        kept = {
            "passed": False,
            "verdicts": [verdict],
            "live_number": 1,
            "lost": [],
            "lost_count": 0,
            "gained": [],
            "gained_count": 0,
            "queries": [],
            "queries_count": 0,
        }
        (rule,) = gate_report.report_of(RebuildRun(gate=kept)).rules
        assert (rule.name, rule.value, rule.limit, rule.outcome) == ("moon_phase", "1", "2", "breach")

    def test_a_saved_query_shows_before_and_after_and_the_experts_it_misses(self, viewer):
        people = cast.experts(8)
        baker = next(person for person in people if person.job_title == "Baker")
        SavedQuery.objects.create(text="sourdough bread fermentation", k=1).expected.add(baker)
        cast.rebuild()
        Expert.objects.filter(pk=baker.pk).update(job_title="Retired", bio="Enjoys the garden.")
        Expert.objects.filter(pk=people[0].pk).update(bio="Sourdough bread fermentation all day.")
        run = cast.rebuild()
        page = html(viewer.get(f"{PAGE}runs/{run.pk}/"))
        assert "sourdough bread fermentation" in page
        assert f"not in the top 1: <bdi>{baker.username}</bdi>" in page
        assert "% the same" in page
        assert page.index("<h4>Before</h4>") < page.index("<h4>After</h4>")

    def test_the_first_version_says_that_there_is_nothing_to_compare(self, viewer):
        cast.experts(3)
        run = cast.rebuild()
        assert "There was no live version to compare with" in html(viewer.get(f"{PAGE}runs/{run.pk}/"))

    def test_a_run_without_a_gate_shows_none(self, viewer):
        cast.experts(3)
        run = cast.rebuild("tags")
        assert "gate-heading" not in html(viewer.get(f"{PAGE}runs/{run.pk}/"))

    def test_names_are_shown_escaped(self, viewer):
        cast.experts(5)
        Expert.objects.create(username="<script>alert(1)</script>", job_title="Glazier")
        cast.rebuild()
        Expert.objects.filter(job_title="Glazier").update(is_active=False)
        page = html(viewer.get(f"{PAGE}runs/{cast.rebuild().pk}/"))
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page


class TestHeldVersion:
    def test_publishers_see_the_buttons(self, publisher):
        version_cast.held()
        page = html(publisher.get(PAGE))
        assert 'id="publish-button"' in page
        assert 'id="discard-button"' in page
        assert "/admin/index/lab/?version=2" in page

    def test_others_see_who_may_decide(self, viewer):
        cast.staff("indexing.publish", username="carol")
        cast.staff("indexing.rebuild", username="otto")
        version_cast.held()
        page = html(viewer.get(PAGE))
        assert 'id="publish-button"' not in page
        assert "Can publish or discard it: <bdi>carol</bdi>" in page
        assert "otto" not in page

    @pytest.mark.parametrize("path", [PUBLISH, DISCARD, ROLLBACK, RELEASE])
    def test_without_the_publish_permission_nothing_is_decided(self, viewer, path):
        version_cast.held()
        assert viewer.get(path, {"version": 2}).status_code == 403
        assert viewer.post(path, {"version": 2, "reason": "Because."}).status_code == 403
        assert live() == 1

    @pytest.mark.parametrize("path", [PUBLISH, DISCARD])
    def test_without_javascript_a_page_asks_for_the_reason(self, publisher, path):
        version_cast.held()
        page = html(publisher.get(path, {"version": 2}))
        assert '<textarea id="reason" name="reason"' in page
        assert live() == 1

    def test_it_is_published_with_a_reason(self, publisher):
        version_cast.held()
        answer = publisher.post(PUBLISH, {"version": 2, "reason": "They left the firm."}, follow=True)
        assert "Version 2 is live." in html(answer)
        assert live() == 2
        last = Publication.objects.first()
        assert (last.how, last.name, last.reason) == ("approved", "carol", "They left the firm.")
        assert "Needs approval" not in html(answer)

    def test_it_is_discarded_with_a_reason(self, publisher):
        run = version_cast.held()
        answer = publisher.post(DISCARD, {"version": 2, "reason": "A bad import."}, headers=HTMX)
        assert (answer.status_code, live()) == (200, 1)
        assert "Version 2 was discarded." in html(answer)
        run.refresh_from_db()
        assert run.state == RebuildRun.State.CANCELLED
        assert "A bad import." in run.error

    @pytest.mark.parametrize("path", [PUBLISH, DISCARD])
    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_without_a_reason_it_is_409_and_nothing_is_decided(self, publisher, path, headers):
        version_cast.held()
        answer = publisher.post(path, {"version": 2, "reason": "  "}, headers=headers)
        assert answer.status_code == 409
        assert "Give a reason" in html(answer)
        assert IndexVersion.objects.get(pk=2).state == "held"

    def test_a_refusal_keeps_the_reason_that_was_typed(self, publisher):
        version_cast.held()
        damage.replace(paths.version_folder(2) / "ids.npy", b"garbage")
        answer = publisher.post(PUBLISH, {"version": 2, "reason": "They left <the> firm."})
        assert answer.status_code == 409
        assert "ids.npy" in html(answer)
        assert "They left &lt;the&gt; firm.</textarea>" in html(answer)
        assert live() == 1

    @pytest.mark.parametrize(("headers", "status"), [({}, 503), (HTMX, 409)], ids=["page", "htmx"])
    def test_too_little_memory_is_503_and_says_so(self, publisher, monkeypatch, headers, status):
        """To htmx it is 409, or the sentence would not be shown."""
        version_cast.held()
        monkeypatch.setattr(free_memory, "room", lambda: 1_000)
        answer = publisher.post(PUBLISH, {"version": 2, "reason": "They left."}, headers=headers)
        assert (answer.status_code, live()) == (status, 1)
        assert "not enough memory to open version 2" in html(answer)

    @pytest.mark.parametrize("path", [PUBLISH, DISCARD])
    def test_what_was_decided_already_is_409(self, publisher, path):
        version_cast.held()
        decisions.discard(2, CAROL, "A bad import.")
        assert "does not need a decision" in html(publisher.get(path, {"version": 2}))
        answer = publisher.post(path, {"version": 2, "reason": "Because."}, headers=HTMX)
        assert answer.status_code == 409
        assert "deleted" in html(answer)

    @pytest.mark.parametrize("number", ["", "99", "x", "9" * 30])
    def test_an_unknown_version_is_404(self, publisher, number):
        assert publisher.get(PUBLISH, {"version": number}).status_code == 404
        assert publisher.post(ROLLBACK, {"version": number, "reason": "Because."}).status_code == 404

    def test_an_older_held_version_can_only_be_discarded(self, publisher, settings):
        version_cast.held()
        settings.TCS_GATE_MAX_LOST = 1.0
        cast.rebuild()
        page = html(publisher.get(PAGE))
        assert "Version 3 is newer and live" in page
        assert 'id="publish-button"' not in page
        assert 'id="discard-button"' in page

    def test_it_is_shown_whatever_ran_afterwards(self, publisher):
        version_cast.held()
        cast.rebuild("tags")
        assert "Version 2 was built with 10 experts and is not published" in html(publisher.get(PAGE))

    def test_with_approval_always_the_requester_sees_that_somebody_else_must_publish(self, publisher, settings):
        settings.TCS_APPROVE = "always"
        cast.experts(3)
        run = cast.rebuild()
        RebuildRun.objects.filter(pk=run.pk).update(requested_name="carol")
        for path in (PAGE, f"{VERSIONS}1/", f"{PUBLISH}?version=1"):
            assert "<bdi>carol</bdi> requested this run, so somebody else must publish it." in html(
                publisher.get(path)
            )
        assert "<textarea" not in html(publisher.get(PUBLISH, {"version": 1}))
        answer = publisher.post(PUBLISH, {"version": 1, "reason": "Mine is fine."}, headers=HTMX)
        assert answer.status_code == 409
        assert "somebody else must publish it" in html(answer)
        assert live() is None

    def test_with_approval_always_somebody_else_must_publish(self, publisher, settings):
        settings.TCS_APPROVE = "always"
        cast.experts(3)
        cast.rebuild()
        assert 'name="reason"' in html(publisher.get(PUBLISH, {"version": 1}))
        publisher.post(PUBLISH, {"version": 1, "reason": "Looked at it."})
        assert live() == 1


class TestVersions:
    def test_the_list_says_what_was_live_when_and_why(self, publisher):
        version_cast.rolled_back()
        page = html(publisher.get(VERSIONS))
        assert "Rolled back to · <bdi>carol</bdi> · <bdi>It finds nobody.</bdi>" in page
        assert page.count("hash-encoder") == 2
        assert "Scheduled rebuilds are paused" in page
        assert f"{ROLLBACK}?version=2" in page
        assert f"{ROLLBACK}?version=1" not in page

    def test_before_the_first_run_it_says_so(self, viewer):
        assert "No versions yet" in html(viewer.get(VERSIONS))

    def test_it_says_which_version_will_be_deleted_next(self, viewer, settings):
        settings.TCS_KEEP_VERSIONS = 2
        version_cast.two_versions()
        page = html(viewer.get(VERSIONS))
        assert "Version 1 will be deleted when the next version is published." in page
        assert page.count("will be deleted when the next version is published") == 2  # said of all, and in its row
        assert page.rindex("will be deleted when the next") > page.index(f"{VERSIONS}1/")
        cast.rebuild()
        assert IndexVersion.objects.get(pk=1).state == "deleted"

    def test_a_version_has_its_page(self, viewer):
        version_cast.two_versions()
        page = html(viewer.get(f"{VERSIONS}1/"))
        assert "it can be made live again" in page
        assert "Published automatically" in page
        assert "There was no live version to compare with" in page
        assert viewer.get(f"{VERSIONS}99/").status_code == 404

    def test_a_held_version_s_page_decides_too(self, publisher):
        run = version_cast.held()
        page = html(publisher.get(f"{VERSIONS}2/"))
        assert 'id="publish-button"' in page
        assert f"{PAGE}runs/{run.pk}/" in page
        assert "Search this version" in page

    def test_viewers_see_no_rollback_button(self, viewer):
        version_cast.two_versions()
        assert "Roll back" not in html(viewer.get(VERSIONS))


class TestRollback:
    def test_the_page_says_what_it_means_before_it_is_done(self, publisher):
        version_cast.two_versions()
        Expert.objects.get(username="expert-002").delete()
        page = html(publisher.get(ROLLBACK, {"version": 1}))
        assert "Hides 1 expert added since then; 1 expert is found by their profile as of" in page
        assert "1 expert deactivated or deleted since then will stay hidden" in page
        assert live() == 2

    def test_it_needs_a_reason(self, publisher):
        version_cast.two_versions()
        answer = publisher.post(ROLLBACK, {"version": 1, "reason": ""})
        assert answer.status_code == 409
        assert "Give a reason" in html(answer)
        assert live() == 2

    def test_after_it_a_banner_says_that_scheduled_rebuilds_are_paused(self, publisher):
        version_cast.two_versions()
        encoders.loaded().encoded.clear()
        answer = publisher.post(ROLLBACK, {"version": 1, "reason": "It finds nobody."}, follow=True)
        assert live() == 1
        assert encoders.loaded().encoded == []
        page = html(answer)
        assert "Rolled back: version 1 is live." in page
        assert "<bdi>carol</bdi> rolled back on" in page
        assert "It finds nobody." in page
        assert 'id="resume-button"' in page

    def test_it_is_resumed(self, publisher):
        version_cast.rolled_back()
        assert "It finds nobody." in html(publisher.get(RELEASE))
        answer = publisher.post(RELEASE, follow=True)
        assert "Scheduled rebuilds were resumed." in html(answer)
        assert "Scheduled rebuilds are paused" not in html(answer)
        assert IndexState.read().schedule_paused_at is None

    def test_a_schedule_that_is_not_paused_is_not_resumed(self, publisher):
        assert "Scheduled rebuilds are not paused." in html(publisher.get(RELEASE))
        assert "Scheduled rebuilds were not paused." in html(publisher.post(RELEASE, headers=HTMX))

    def test_during_a_run_it_is_409_and_names_the_run(self, publisher):
        version_cast.two_versions()
        runs.request("full", cast.command_actor("otto"))
        assert "would undo this" in html(publisher.get(ROLLBACK, {"version": 1}))
        answer = publisher.post(ROLLBACK, {"version": 1, "reason": "Because."}, headers=HTMX)
        assert answer.status_code == 409
        assert "otto" in html(answer)
        assert live() == 2

    def test_a_damaged_version_is_refused_before_and_after_confirming(self, publisher):
        version_cast.two_versions()
        damage.replace(paths.version_folder(1) / "vectors.npy", b"garbage")
        page = html(publisher.get(ROLLBACK, {"version": 1}))
        assert "vectors.npy" in page
        assert "<textarea" not in page
        assert publisher.post(ROLLBACK, {"version": 1, "reason": "Because."}).status_code == 409
        assert live() == 2

    def test_the_live_version_is_not_rolled_back_to(self, publisher):
        version_cast.two_versions()
        assert "Version 2 is live, not kept." in html(publisher.get(ROLLBACK, {"version": 2}))


class TestAlarm:
    PROBLEM = "Version 2 is not served: vectors.npy is damaged."

    @pytest.mark.parametrize("path", [PAGE, "/admin/"])
    def test_a_refusal_says_what_is_unaffected_and_how_to_fix_it(self, viewer, path):
        version_cast.two_versions()
        process(1, self.PROBLEM)
        page = html(viewer.get(path))
        assert self.PROBLEM in page
        assert "These servers keep using version 1." in page
        assert "How to fix it: rebuild the index." in page

    def test_a_process_that_serves_nothing_is_reported(self, viewer):
        version_cast.two_versions()
        process(None, self.PROBLEM)
        process(2, pid=2)
        page = html(viewer.get(PAGE))
        assert "1 server process has no version to search" in page
        assert "1 server process uses version 2 without problems." in page
        assert "Search is not affected." not in page

    @pytest.mark.parametrize("path", [PAGE, "/admin/"])
    def test_without_a_problem_there_is_no_alarm(self, viewer, path):
        version_cast.two_versions()
        process(2)
        assert 'class="alarm"' not in html(viewer.get(path))

    def test_without_the_view_permission_there_is_no_alarm(self, client):
        client.force_login(cast.staff())
        version_cast.two_versions()
        process(1, self.PROBLEM)
        assert 'class="alarm"' not in html(client.get("/admin/"))

    def test_with_the_rebuild_permission_there_is_a_button(self, client):
        client.force_login(cast.staff("indexing.view", "indexing.rebuild"))
        version_cast.two_versions()
        process(1, self.PROBLEM)
        assert 'id="alarm-rebuild-button"' in html(client.get(PAGE))


def test_open_pages_are_updated_after_every_decision():
    """What `look` compares changes with each of them, so the watcher sends the fragments again."""
    run = version_cast.held()
    seen = [read_table_state().state]
    cast.rebuild("tags")  # the held run is no longer the latest
    seen.append(read_table_state().state)
    decisions.discard(run.version_id, CAROL, "A bad import.")
    seen.append(read_table_state().state)
    IndexState.objects.update(schedule_paused_at=timezone.now())
    seen.append(read_table_state().state)
    decisions.resume_schedule(CAROL)
    seen.append(read_table_state().state)
    assert all(before != after for before, after in zip(seen, seen[1:], strict=False))


def test_the_report_is_json(publisher):
    run = version_cast.held()
    assert json.loads(json.dumps(run.gate))["queries_count"] == 0
