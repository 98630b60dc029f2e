"""The gate's report on the pages: every rule, who was lost, and which search tests changed."""

from __future__ import annotations

import json
import re

import pytest

from experts.models import Expert
from indexing.console.versions import gate_report
from indexing.models import RebuildRun, SearchTest
from tests.support import cast, version_cast
from tests.support.html_reading import html

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("external_workers")]

PAGE = "/admin/index/"


def test_a_held_run_shows_every_rule_with_value_limit_and_result(viewer):
    run = version_cast.held()
    page = html(viewer.get(f"{PAGE}runs/{run.pk}/"))
    assert page.count('<span class="verdict verdict-passed">') == 7
    assert page.count('<span class="verdict verdict-breach">') == 1
    assert "Experts removed" in page
    assert "50 %" in page
    assert "at most 10 %" in page
    assert "10 of 20 experts in version 1 are gone" in page


def test_in_dutch_too_whole_shares_have_no_decimals(viewer):
    run = version_cast.held()
    page = html(viewer.get(f"{PAGE}runs/{run.pk}/", HTTP_ACCEPT_LANGUAGE="nl"))
    assert "hoogstens 10 %" in page


def test_it_is_on_the_index_page_too(viewer):
    version_cast.held()
    page = html(viewer.get(PAGE))
    assert "Needs approval" in page
    assert "Compared with version 1" in page
    assert "at most 10 %" in page


def test_lost_and_gained_experts_are_named(viewer):
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


def test_names_are_limited_and_their_counts_complete():
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


def test_the_index_page_shows_the_queries_that_lost_most():
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


def test_a_rule_of_another_release_is_shown_as_it_stands():
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


def test_a_search_test_shows_before_and_after_and_the_experts_it_misses(viewer):
    people = cast.experts(8)
    baker = next(person for person in people if person.job_title == "Baker")
    SearchTest.objects.create(text="sourdough bread fermentation", k=1).expected.add(baker)
    cast.rebuild()
    Expert.objects.filter(pk=baker.pk).update(job_title="Retired", bio="Enjoys the garden.")
    Expert.objects.filter(pk=people[0].pk).update(bio="Sourdough bread fermentation all day.")
    run = cast.rebuild()
    page = html(viewer.get(f"{PAGE}runs/{run.pk}/"))
    assert "sourdough bread fermentation" in page
    assert f"not in the top 1: <bdi>{baker.username}</bdi>" in page
    assert "% the same" in page
    assert page.index("<h4>Before</h4>") < page.index("<h4>After</h4>")
    for path in ("versions/", f"versions/{run.version_id}/"):
        page = html(viewer.get(PAGE + path))
        assert "0 of 1 passes" in page
        assert re.search(r"score \d+ % <span title=\"Percentage points against version 1[^>]*>\(−", page)
    assert "1 of 1 passes" in html(viewer.get(f"{PAGE}versions/1/"))


def test_the_first_version_says_that_there_is_nothing_to_compare(viewer):
    cast.experts(3)
    run = cast.rebuild()
    assert "There was no live version to compare with" in html(viewer.get(f"{PAGE}runs/{run.pk}/"))


def test_a_run_without_a_gate_shows_none(viewer):
    cast.experts(3)
    run = cast.rebuild("tags")
    assert "gate-heading" not in html(viewer.get(f"{PAGE}runs/{run.pk}/"))


def test_names_are_shown_escaped(viewer):
    cast.experts(5)
    Expert.objects.create(username="<script>alert(1)</script>", job_title="Glazier")
    cast.rebuild()
    Expert.objects.filter(job_title="Glazier").update(is_active=False)
    page = html(viewer.get(f"{PAGE}runs/{cast.rebuild().pk}/"))
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_the_report_is_json(publisher):
    run = version_cast.held()
    assert json.loads(json.dumps(run.gate))["queries_count"] == 0
