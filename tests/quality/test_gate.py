"""A version must earn its place: each rule, at its limit and past it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from django.conf import settings

from indexing.models.run_records import VerdictRecord
from indexing.quality import gate
from indexing.quality.gate import Evidence, Limits, QueryOutcome

LIMITS = Limits(
    max_lost=0.10,
    min_experts=5,
    max_without_text=0.5,
    max_failed=0.0,
    min_recall=0.95,
    max_queries_broken=0,
    min_overlap=0.5,
)
GOOD = Evidence(
    experts=100, live_number=4, live_experts=100, lost=(), gained=(), without_text=0, failed=0, recall=None
)


def verdict(evidence: Evidence, rule: str) -> VerdictRecord:
    report = gate.judge(evidence, LIMITS)
    return next(each for each in report.verdicts if each.rule == rule)


def test_a_good_version_passes_every_rule():
    report = gate.judge(GOOD, LIMITS)
    assert report.passed
    assert str(report.why) == ""
    assert [each.rule for each in report.verdicts] == [rule.__name__ for rule in gate.RULES]


@pytest.mark.parametrize(
    ("rule", "at_the_limit", "past_it"),
    [
        ("experts_lost", {"lost": ("a",) * 10}, {"lost": ("a",) * 11}),
        ("minimum_count", {"experts": 5}, {"experts": 4}),
        ("without_text", {"without_text": 50}, {"without_text": 51}),
        ("failed_encodings", {"failed": 0}, {"failed": 1}),
        ("recall", {"recall": 0.95}, {"recall": 0.949}),
        (
            "queries_broken",
            {"queries": (QueryOutcome("tax", 3, (), (), ("a",)),)},
            {"queries": (QueryOutcome("tax", 3, ("b",), (), ("a",)),)},
        ),
    ],
)
def test_a_rule_holds_a_version_only_past_its_limit(rule, at_the_limit, past_it):
    assert verdict(replace(GOOD, **at_the_limit), rule).passed
    breach = gate.judge(replace(GOOD, **past_it), LIMITS)
    assert not breach.passed
    assert [each.rule for each in breach.breaches] == [rule]
    assert breach.why == breach.breaches[0].sentence


def test_queries_that_moved_are_a_warning_and_hold_nothing():
    moved = replace(GOOD, queries=(QueryOutcome("tax", 3, (), ("a", "b"), ("c", "d")),))
    found = verdict(moved, "queries_overlap")
    assert (found.passed, found.warning, found.value) == (False, True, 0.0)
    assert gate.judge(moved, LIMITS).passed


def test_the_first_version_has_nothing_to_compare_with_and_says_so():
    first = replace(GOOD, live_number=None, live_experts=0)
    for rule in ("experts_lost", "queries_overlap"):
        found = verdict(first, rule)
        assert found.passed
        assert found.value is None
        assert str(found.sentence) == "Nothing to compare: no version is live."


@pytest.mark.parametrize(
    ("queries", "why"),
    [
        ((), "there are no saved queries."),
        ((QueryOutcome("tax", 3, (), (), ("a",)),), "the saved queries find nobody in the live version."),
    ],
)
def test_without_results_to_compare_the_queries_pass_and_the_report_says_why(queries, why):
    found = verdict(replace(GOOD, queries=queries), "queries_overlap")
    assert found.passed
    assert str(found.sentence) == f"Nothing to compare: {why}"


def test_a_report_is_json_with_bounded_names_and_whole_counts():
    report = gate.judge(replace(GOOD, lost=tuple(f"u{n}" for n in range(1000)), live_experts=1000), LIMITS)
    written = json.loads(json.dumps(report.as_record().as_row()))
    assert written["lost_count"] == 1000
    assert len(written["lost"]) == gate.NAMED
    assert written["passed"] is False


def test_every_limit_is_a_setting():
    assert gate.limits_from(settings) == Limits(
        max_lost=0.10,
        min_experts=1,
        max_without_text=0.5,
        max_failed=0.0,
        min_recall=0.95,
        max_queries_broken=0,
        min_overlap=0.5,
    )
