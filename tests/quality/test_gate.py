"""A version must earn its place: each rule, at its limit and past it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from django.conf import settings

from indexing.models.run_records import TestFigures, VerdictRecord
from indexing.quality import gate
from indexing.quality.evidence import Evidence, QueryOutcome
from indexing.quality.gate import FEW_SCORED, Limits

LIMITS = Limits(
    max_lost=0.10,
    min_experts=5,
    max_without_text=0.5,
    max_failed=0.0,
    min_recall=0.95,
    max_queries_broken=0,
    max_score_fall=0.1,
    min_overlap=0.5,
)
GOOD = Evidence(
    experts=100, live_number=4, live_experts=100, lost=(), gained=(), without_text=0, failed=0, recall=None
)


def scored(before: float | None, after: float | None, of: int = FEW_SCORED) -> tuple[QueryOutcome, ...]:
    """Tests that all had and have these scores."""
    one = QueryOutcome("tax", 3, (), ("a",), ("a",), score=after, score_before=before)
    return (one,) * of


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
        (
            "queries_broken",
            {"queries": (QueryOutcome("tax", 3, (), (), ("a",)),)},
            {"queries": (QueryOutcome("tax", 3, (), (), ("a",), unwanted=("a",)),)},
        ),
        ("queries_score", {"queries": scored(0.9, 0.81)}, {"queries": scored(0.9, 0.80)}),
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


def test_with_few_tests_a_lower_score_is_a_warning_and_holds_nothing():
    few = replace(GOOD, queries=scored(0.9, 0.3, of=FEW_SCORED - 1))
    found = verdict(few, "queries_score")
    assert (found.passed, found.warning, round(found.value or 0, 3)) == (False, True, 0.667)
    assert gate.judge(few, LIMITS).passed


def test_a_score_that_rises_passes():
    found = verdict(replace(GOOD, queries=scored(0.0, 0.5)), "queries_score")
    assert (found.passed, found.value) == (True, 0.0)
    assert str(found.sentence) == "The score of the search tests is 50.0 % (version 4: 0.0 %)."


def test_the_score_compares_only_tests_that_both_versions_have():
    queries = (*scored(0.9, 0.9), *scored(None, 0.0), *scored(None, None))
    assert verdict(replace(GOOD, queries=queries), "queries_score").value == 0.0
    alone = verdict(replace(GOOD, queries=scored(None, 0.5)), "queries_score")
    assert (alone.passed, alone.value) == (True, None)


def test_the_figures_of_a_version_count_its_tests_and_those_that_fail():
    failing = QueryOutcome("rye", 3, (), (), ("a",), unwanted=("a",))
    figures = replace(GOOD, queries=(*scored(0.5, 0.75, of=3), failing)).test_figures
    assert figures is not None
    assert (figures.tests, figures.failed, figures.passed, figures.score) == (4, 1, 3, 0.75)
    assert (figures.compared_with, figures.score_before, figures.change) == (4, 0.5, 0.25)
    assert TestFigures.from_row(figures.as_row()) == figures
    assert GOOD.test_figures is None
    assert TestFigures.from_row({}) is None


def test_the_first_version_has_nothing_to_compare_with_and_says_so():
    first = replace(GOOD, live_number=None, live_experts=0)
    for rule in ("experts_lost", "queries_score", "queries_overlap"):
        found = verdict(first, rule)
        assert found.passed
        assert found.value is None
        assert str(found.sentence) == "Nothing to compare: no version is live."


@pytest.mark.parametrize(
    ("queries", "why"),
    [
        ((), "there are no search tests."),
        ((QueryOutcome("tax", 3, (), (), ("a",)),), "the search tests find nobody in the live version."),
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
        max_score_fall=0.05,
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
            "1 of 2 search tests fails: “bread” misses ann, ben, cid.",
        ),
        ("queries_broken", {"queries": TWO_QUERIES[:1]}, 0, "All search tests pass (1)."),
        (
            "queries_broken",
            {"queries": (QueryOutcome("tax", 3, (), (), ("a",), unwanted=("a",)),)},
            1,
            "1 of 1 search tests fails: “tax” shows a in the top 10.",
        ),
        ("queries_broken", {}, 0, "There are no search tests to check."),
        (
            "queries_overlap",
            {"queries": (*TWO_QUERIES, QueryOutcome("nobody", 3, (), (), ("a",)))},
            0.75,
            "On average, 75 % of the top ten of search tests stay the same.",
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


def test_a_score_that_falls_by_exactly_the_limit_passes_and_is_shown():
    limits = replace(LIMITS, max_score_fall=0.25)
    found = gate.queries_score(replace(GOOD, queries=scored(0.75, 0.5625)), limits)
    assert (found.value, found.passed) == (0.25, True)
    assert str(found.sentence) == "The score of the search tests is 56.2 % (version 4: 75.0 %)."
