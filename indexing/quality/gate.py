"""Has a new version earned its place? Each rule is one pure function over the evidence, and says its sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _

from indexing.quality import overlap as overlaps

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
    """One saved query, asked of the new version and of the live one."""

    text: str
    k: int
    missing: tuple[str, ...]
    """expected experts that are not among the first k, though the directory still has them"""
    before: tuple[str, ...]
    """usernames of the first hits of the live version, best first; empty without one"""
    after: tuple[str, ...]

    @property
    def overlap(self) -> float | None:
        """Share of the live version's first ten that are still among the first ten; None without any."""
        return overlaps.overlap(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rules judge: the new version, the live one, and the directory as it was read for the build."""

    experts: int
    live_number: int | None
    live_experts: int
    lost: tuple[str, ...]
    """who the live version finds and the new one does not"""
    gained: tuple[str, ...]
    without_text: int
    failed: int
    recall: float | None
    """recall@10 of an approximate vector index; None where it is exact"""
    queries: tuple[QueryOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    rule: str
    sentence: str
    value: float | None
    """None: the rule had nothing to judge, and passes"""
    limit: float
    passed: bool
    warning: bool = False
    """a breach is shown, but holds nothing"""


@dataclass(frozen=True, slots=True)
class Report:
    verdicts: tuple[Verdict, ...]
    evidence: Evidence

    @property
    def passed(self) -> bool:
        return all(verdict.passed or verdict.warning for verdict in self.verdicts)

    @property
    def breaches(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if not verdict.passed and not verdict.warning)

    @property
    def why(self) -> str:
        return " ".join(verdict.sentence for verdict in self.breaches)

    def as_dict(self) -> dict[str, Any]:
        """For the run's row and the API: names and queries bounded, counts whole."""
        evidence = self.evidence
        return {
            "passed": self.passed,
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "live_number": evidence.live_number,
            "lost": list(evidence.lost[:NAMED]),
            "lost_count": len(evidence.lost),
            "gained": list(evidence.gained[:NAMED]),
            "gained_count": len(evidence.gained),
            "queries": [asdict(query) | {"overlap": query.overlap} for query in evidence.queries[:NAMED]],
            "queries_count": len(evidence.queries),
        }


def judge(evidence: Evidence, limits: Limits) -> Report:
    return Report(tuple(rule(evidence, limits) for rule in RULES), evidence)


def experts_lost(evidence: Evidence, limits: Limits) -> Verdict:
    if evidence.live_number is None:
        return _nothing_to_compare("experts_lost", limits.max_lost)
    lost, of = len(evidence.lost), evidence.live_experts
    share = lost / of if of else 0.0
    sentence = _("%(lost)s of the %(of)s experts of version %(live)s are gone (%(share).1f %%).") % {
        "lost": f"{lost:,}",
        "of": f"{of:,}",
        "live": evidence.live_number,
        "share": share * 100,
    }
    return Verdict("experts_lost", sentence, share, limits.max_lost, share <= limits.max_lost)


def minimum_count(evidence: Evidence, limits: Limits) -> Verdict:
    sentence = _("The version holds %(count)s experts, at least %(limit)s are needed.") % {
        "count": f"{evidence.experts:,}",
        "limit": f"{limits.min_experts:,}",
    }
    return Verdict(
        "minimum_count", sentence, evidence.experts, limits.min_experts, evidence.experts >= limits.min_experts
    )


def without_text(evidence: Evidence, limits: Limits) -> Verdict:
    share = evidence.without_text / evidence.experts if evidence.experts else 0.0
    sentence = _("%(count)s of %(of)s experts have neither a job title nor a company nor a bio.") % {
        "count": f"{evidence.without_text:,}",
        "of": f"{evidence.experts:,}",
    }
    return Verdict("without_text", sentence, share, limits.max_without_text, share <= limits.max_without_text)


def failed_encodings(evidence: Evidence, limits: Limits) -> Verdict:
    asked = evidence.experts + evidence.failed
    share = evidence.failed / asked if asked else 0.0
    sentence = _("%(count)s of %(of)s experts were left out: the model gave no usable vector.") % {
        "count": f"{evidence.failed:,}",
        "of": f"{asked:,}",
    }
    return Verdict("failed_encodings", sentence, share, limits.max_failed, share <= limits.max_failed)


def recall(evidence: Evidence, limits: Limits) -> Verdict:
    if evidence.recall is None:
        return Verdict("recall", _("The vector index is exact."), None, limits.min_recall, True)
    sentence = _("The approximate vector index finds %(recall).1f %% of the true ten nearest.") % {
        "recall": evidence.recall * 100
    }
    return Verdict("recall", sentence, evidence.recall, limits.min_recall, evidence.recall >= limits.min_recall)


def queries_broken(evidence: Evidence, limits: Limits) -> Verdict:
    broken = [query for query in evidence.queries if query.missing]
    if not evidence.queries:
        sentence = _("There are no saved queries to ask.")
    elif broken:
        sentence = _("%(count)s of %(of)s saved queries miss an expected expert: first “%(query)s”, %(who)s.") % {
            "count": len(broken),
            "of": len(evidence.queries),
            "query": broken[0].text,
            "who": ", ".join(broken[0].missing[:3]),
        }
    else:
        sentence = _("All %(of)s saved queries find who they must.") % {"of": len(evidence.queries)}
    passed = len(broken) <= limits.max_queries_broken
    return Verdict("queries_broken", sentence, len(broken), limits.max_queries_broken, passed)


def queries_overlap(evidence: Evidence, limits: Limits) -> Verdict:
    overlaps = [query.overlap for query in evidence.queries if query.overlap is not None]
    if not overlaps:
        return _nothing_to_compare("queries_overlap", limits.min_overlap)
    mean = sum(overlaps) / len(overlaps)
    sentence = _("Saved queries keep %(share).0f %% of their first ten, on average.") % {"share": mean * 100}
    return Verdict("queries_overlap", sentence, mean, limits.min_overlap, mean >= limits.min_overlap, warning=True)


RULES: tuple[Callable[[Evidence, Limits], Verdict], ...] = (
    experts_lost,
    minimum_count,
    without_text,
    failed_encodings,
    recall,
    queries_broken,
    queries_overlap,
)


def _nothing_to_compare(rule: str, limit: float) -> Verdict:
    return Verdict(rule, _("Nothing to compare with: no version is live, or nothing is saved."), None, limit, True)


def limits_from(settings: object) -> Limits:
    """Limits out of anything that has the settings as attributes."""
    return Limits(**{name: getattr(settings, f"TCS_GATE_{name.upper()}") for name in Limits.__dataclass_fields__})
