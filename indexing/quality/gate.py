"""Whether a new version may go live. Each rule is a pure function of the evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from indexing.lib.messages import Message, count_of_experts, message, plural_message, sentences
from indexing.models.run_records import GateRecord, VerdictRecord
from indexing.quality.evidence import Evidence
from indexing.quality.search_test_scores import mean_score

FEW_SCORED = 10
"""With fewer search tests a lower score is a warning."""
NAMED = 200
"""Experts and queries listed by name in a report; beyond that only counted."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The thresholds, from the settings of the same names (TCS_GATE_...). Shares are between 0 and 1."""

    max_lost: float
    min_experts: int
    max_without_text: float
    max_failed: float
    min_recall: float
    max_queries_broken: int
    max_score_fall: float
    min_overlap: float


@dataclass(frozen=True, slots=True)
class Report:
    verdicts: tuple[VerdictRecord, ...]
    evidence: Evidence

    @property
    def passed(self) -> bool:
        return all(verdict.passed or verdict.warning for verdict in self.verdicts)

    @property
    def breaches(self) -> tuple[VerdictRecord, ...]:
        return tuple(verdict for verdict in self.verdicts if not verdict.passed and not verdict.warning)

    @property
    def why(self) -> Message:
        """Why the version is held."""
        return sentences(*[verdict.sentence for verdict in self.breaches])

    def as_record(self) -> GateRecord:
        """The report for the run's row and the API, with at most NAMED names and queries; the counts are complete."""
        evidence = self.evidence
        return GateRecord(
            passed=self.passed,
            live_number=evidence.live_number,
            verdicts=self.verdicts,
            lost=evidence.lost[:NAMED],
            lost_count=len(evidence.lost),
            gained=evidence.gained[:NAMED],
            gained_count=len(evidence.gained),
            queries=tuple(query.as_record() for query in evidence.queries[:NAMED]),
            queries_count=len(evidence.queries),
        )


def judge(evidence: Evidence, limits: Limits) -> Report:
    """The verdict of every rule, in their order."""
    return Report(tuple(rule(evidence, limits) for rule in RULES), evidence)


def experts_lost(evidence: Evidence, limits: Limits) -> VerdictRecord:
    """The share, 0 to 1, of the live version's experts who are not in the new one: at most TCS_GATE_MAX_LOST.

    Passes without a live version.
    """
    if evidence.live_number is None:
        return _nothing_to_compare("experts_lost", limits.max_lost, evidence)
    lost, of = len(evidence.lost), evidence.live_experts
    share = lost / of if of else 0.0
    sentence = plural_message(
        "%(count)d of %(of)s in version %(live)s is gone (%(share).1f %%).",
        "%(count)d of %(of)s in version %(live)s are gone (%(share).1f %%).",
        count=lost,
        of=count_of_experts(of),
        live=evidence.live_number,
        share=share * 100,
    )
    return VerdictRecord("experts_lost", sentence, share, limits.max_lost, share <= limits.max_lost)


def minimum_count(evidence: Evidence, limits: Limits) -> VerdictRecord:
    """The number of experts in the new version: at least TCS_GATE_MIN_EXPERTS."""
    count, limit = evidence.experts, limits.min_experts
    sentence = message(
        "The version has %(experts)s; the minimum is %(limit)d.", experts=count_of_experts(count), limit=limit
    )
    return VerdictRecord("minimum_count", sentence, count, limit, count >= limit)


def without_text(evidence: Evidence, limits: Limits) -> VerdictRecord:
    """The share, 0 to 1, of experts with no job title, company or bio: at most TCS_GATE_MAX_WITHOUT_TEXT."""
    count, of = evidence.without_text, evidence.experts
    share = count / of if of else 0.0
    sentence = plural_message(
        "%(count)d of %(of)s has no job title, company or bio.",
        "%(count)d of %(of)s have no job title, company or bio.",
        count=count,
        of=count_of_experts(of),
    )
    return VerdictRecord("without_text", sentence, share, limits.max_without_text, share <= limits.max_without_text)


def failed_encodings(evidence: Evidence, limits: Limits) -> VerdictRecord:
    """The share, 0 to 1, of experts left out because their vector was unusable: at most TCS_GATE_MAX_FAILED."""
    count, of = evidence.failed, evidence.experts + evidence.failed
    share = count / of if of else 0.0
    sentence = plural_message(
        "%(count)d of %(of)s was left out because the model could not process the profile.",
        "%(count)d of %(of)s were left out because the model could not process their profiles.",
        count=count,
        of=count_of_experts(of),
    )
    return VerdictRecord("failed_encodings", sentence, share, limits.max_failed, share <= limits.max_failed)


def recall(evidence: Evidence, limits: Limits) -> VerdictRecord:
    """recall@10, 0 to 1, of an approximate vector index: at least TCS_GATE_MIN_RECALL. An exact index passes."""
    found = evidence.recall
    if found is None:
        return VerdictRecord("recall", message("The vector index is exact."), None, limits.min_recall, True)
    sentence = message("The vector index finds %(recall).1f %% of the true ten nearest.", recall=found * 100)
    return VerdictRecord("recall", sentence, found, limits.min_recall, found >= limits.min_recall)


def queries_broken(evidence: Evidence, limits: Limits) -> VerdictRecord:
    """The number of search tests that fail: they miss an expected expert or show one who is marked as bad.

    At most TCS_GATE_MAX_QUERIES_BROKEN.
    """
    broken = [query for query in evidence.queries if query.fails]
    of = len(evidence.queries)
    if not of:
        sentence = message("There are no search tests to check.")
    elif broken and broken[0].missing:
        sentence = plural_message(
            "%(count)d of %(of)d search tests fails: “%(query)s” misses %(who)s.",
            "%(count)d of %(of)d search tests fail. The first one, “%(query)s”, misses %(who)s.",
            count=len(broken),
            of=of,
            query=broken[0].text,
            who=", ".join(broken[0].missing[:3]),
        )
    elif broken:
        sentence = plural_message(
            "%(count)d of %(of)d search tests fails: “%(query)s” shows %(who)s in the top 10.",
            "%(count)d of %(of)d search tests fail. The first one, “%(query)s”, shows %(who)s in the top 10.",
            count=len(broken),
            of=of,
            query=broken[0].text,
            who=", ".join(broken[0].unwanted[:3]),
        )
    else:
        sentence = message("All search tests pass (%(of)d).", of=of)
    passed = len(broken) <= limits.max_queries_broken
    return VerdictRecord("queries_broken", sentence, len(broken), limits.max_queries_broken, passed)


def queries_score(evidence: Evidence, limits: Limits) -> VerdictRecord:
    """The share, 0 to 1, by which the search tests' score fell against the live version: at most
    TCS_GATE_MAX_SCORE_FALL.

    With fewer than FEW_SCORED tests it is only a warning: one expert who moves by one rank would hold the version.
    """
    scored = [query for query in evidence.queries if query.score is not None and query.score_before is not None]
    after, before = (mean_score(getattr(each, name) for each in scored) for name in ("score", "score_before"))
    if before is None or after is None:
        return _nothing_to_compare("queries_score", limits.max_score_fall, evidence)
    fall = max(before - after, 0.0) / before if before else 0.0
    sentence = message(
        "The score of the search tests is %(after).1f %% (version %(live)s: %(before).1f %%).",
        after=after * 100,
        live=evidence.live_number,
        before=before * 100,
    )
    limit = limits.max_score_fall
    return VerdictRecord("queries_score", sentence, fall, limit, fall <= limit, warning=len(scored) < FEW_SCORED)


def queries_overlap(evidence: Evidence, limits: Limits) -> VerdictRecord:
    """The mean share, 0 to 1, of the live version's top ten that stay in the new one's, over the search tests.

    Below TCS_GATE_MIN_OVERLAP it is only a warning: the version is not held for it.
    """
    overlaps = [query.overlap for query in evidence.queries if query.overlap is not None]
    if not overlaps:
        return _nothing_to_compare("queries_overlap", limits.min_overlap, evidence)
    mean, least = sum(overlaps) / len(overlaps), limits.min_overlap
    sentence = message("On average, %(share).0f %% of the top ten of search tests stay the same.", share=mean * 100)
    return VerdictRecord("queries_overlap", sentence, mean, least, mean >= least, warning=True)


RULES: tuple[Callable[[Evidence, Limits], VerdictRecord], ...] = (
    experts_lost,
    minimum_count,
    without_text,
    failed_encodings,
    recall,
    queries_broken,
    queries_score,
    queries_overlap,
)


def _nothing_to_compare(rule: str, limit: float, evidence: Evidence) -> VerdictRecord:
    if evidence.live_number is None:
        sentence = message("Nothing to compare: no version is live.")
    elif not evidence.queries:
        sentence = message("Nothing to compare: there are no search tests.")
    elif rule == queries_score.__name__:
        sentence = message("Nothing to compare: no search test could be scored in both versions.")
    else:
        sentence = message("Nothing to compare: the search tests find nobody in the live version.")
    return VerdictRecord(rule, sentence, None, limit, True)


def limits_from(settings: object) -> Limits:
    """The limits of all rules, from the TCS_GATE_* attributes of a settings object."""
    return Limits(**{name: getattr(settings, f"TCS_GATE_{name.upper()}") for name in Limits.__dataclass_fields__})
