"""Whether a new version may go live. Each rule is a pure function of the evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from indexing.lib.messages import Message, count_of_experts, message, plural_message, sentences
from indexing.models.run_records import GateRecord, QueryRecord, VerdictRecord
from indexing.quality.overlap import overlap as top_overlap

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
    min_overlap: float


@dataclass(frozen=True, slots=True)
class QueryOutcome:
    """What one saved query finds in the new version and in the live one."""

    text: str
    k: int
    missing: tuple[str, ...]
    """expected experts who are not among the first k, though the directory still has them"""
    before: tuple[str, ...]
    """usernames of the first hits of the live version, best first; empty without one"""
    after: tuple[str, ...]

    @property
    def overlap(self) -> float | None:
        """Share of the live version's first ten that are still among the first ten; None without any."""
        return top_overlap(self.before, self.after)

    def as_record(self) -> QueryRecord:
        return QueryRecord(self.text, self.k, self.missing, self.before, self.after, self.overlap)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rules judge: the new version, the live one, and the directory as it was read for the build."""

    experts: int
    live_number: int | None
    live_experts: int
    lost: tuple[str, ...]
    """experts in the live version who are not in the new one"""
    gained: tuple[str, ...]
    without_text: int
    failed: int
    recall: float | None
    """recall@10 of an approximate vector index; None where it is exact"""
    queries: tuple[QueryOutcome, ...] = ()


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
    """The number of saved queries for which the new version misses an expected expert.

    At most TCS_GATE_MAX_QUERIES_BROKEN.
    """
    broken = [query for query in evidence.queries if query.missing]
    of = len(evidence.queries)
    if not of:
        sentence = message("There are no saved queries to check.")
    elif broken:
        sentence = plural_message(
            "%(count)d of the saved queries (%(of)d) misses an expected expert. It is “%(query)s”: %(who)s.",
            "%(count)d of the saved queries (%(of)d) miss an expected expert. The first is “%(query)s”: %(who)s.",
            count=len(broken),
            of=of,
            query=broken[0].text,
            who=", ".join(broken[0].missing[:3]),
        )
    else:
        sentence = message("All saved queries find their expected experts (%(of)d).", of=of)
    passed = len(broken) <= limits.max_queries_broken
    return VerdictRecord("queries_broken", sentence, len(broken), limits.max_queries_broken, passed)


def queries_overlap(evidence: Evidence, limits: Limits) -> VerdictRecord:
    """The mean share, 0 to 1, of the live version's top ten that stay in the new one's, over the saved queries.

    Below TCS_GATE_MIN_OVERLAP it is only a warning: the version is not held for it.
    """
    overlaps = [query.overlap for query in evidence.queries if query.overlap is not None]
    if not overlaps:
        return _nothing_to_compare("queries_overlap", limits.min_overlap, evidence)
    mean, least = sum(overlaps) / len(overlaps), limits.min_overlap
    sentence = message("On average, %(share).0f %% of the top ten of saved queries stay the same.", share=mean * 100)
    return VerdictRecord("queries_overlap", sentence, mean, least, mean >= least, warning=True)


RULES: tuple[Callable[[Evidence, Limits], VerdictRecord], ...] = (
    experts_lost,
    minimum_count,
    without_text,
    failed_encodings,
    recall,
    queries_broken,
    queries_overlap,
)


def _nothing_to_compare(rule: str, limit: float, evidence: Evidence) -> VerdictRecord:
    if evidence.live_number is None:
        sentence = message("Nothing to compare: no version is live.")
    elif not evidence.queries:
        sentence = message("Nothing to compare: there are no saved queries.")
    else:
        sentence = message("Nothing to compare: the saved queries find nobody in the live version.")
    return VerdictRecord(rule, sentence, None, limit, True)


def limits_from(settings: object) -> Limits:
    """The limits of all rules, from the TCS_GATE_* attributes of a settings object."""
    return Limits(**{name: getattr(settings, f"TCS_GATE_{name.upper()}") for name in Limits.__dataclass_fields__})
