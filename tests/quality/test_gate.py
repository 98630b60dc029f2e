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


TWO_QUERIES = (
    QueryOutcome("tax", 3, (), ("a", "b"), ("a", "c")),
    QueryOutcome("bread", 3, ("ann", "ben", "cid", "dan"), ("a", "b"), ("b", "a")),
)


@pytest.mark.parametrize(
    ("rule", "changes", "value", "sentence"),
    [
        (
            "experts_lost",
            {"lost": ("a",) * 5, "live_experts": 200},
            0.025,
            "5 of 200 experts in version 4 are gone (2.5 %).",
        ),
        ("minimum_count", {"experts": 7}, 7, "The version has 7 experts; the minimum is 5."),
        ("without_text", {"without_text": 25}, 0.25, "25 of 100 experts have no job title, company or bio."),
        (
            "failed_encodings",
            {"experts": 6, "failed": 2},
            0.25,
            "2 of 8 experts were left out because the model could not process their profiles.",
        ),
        ("recall", {"recall": 0.945}, 0.945, "The vector index finds 94.5 % of the true ten nearest."),
        ("recall", {}, None, "The vector index is exact."),
        (
            "queries_broken",
            {"queries": TWO_QUERIES},
            1,
            "1 of the saved queries (2) misses an expected expert. It is “bread”: ann, ben, cid.",
        ),
        ("queries_broken", {"queries": TWO_QUERIES[:1]}, 0, "All saved queries find their expected experts (1)."),
        ("queries_broken", {}, 0, "There are no saved queries to check."),
        (
            "queries_overlap",
            {"queries": (*TWO_QUERIES, QueryOutcome("nobody", 3, (), (), ("a",)))},
            0.75,
            "On average, 75 % of the top ten of saved queries stay the same.",
        ),
    ],
)
def test_a_verdict_gives_its_figure_and_says_it_in_a_sentence(rule, changes, value, sentence):
    found = verdict(replace(GOOD, **changes), rule)
    assert found.value == value
    assert str(found.sentence) == sentence


@pytest.mark.parametrize("rule", ["experts_lost", "without_text", "failed_encodings"])
def test_of_nobody_there_is_no_share(rule):
    found = verdict(replace(GOOD, experts=0, live_experts=0), rule)
    assert (found.passed, found.value) == (True, 0.0)


def test_at_the_limit_an_overlap_is_good_and_an_exact_index_needs_no_recall():
    assert verdict(GOOD, "recall").passed
    half = QueryOutcome("tax", 3, (), ("a", "b"), ("a", "c"))
    assert verdict(replace(GOOD, queries=(half,)), "queries_overlap").passed
