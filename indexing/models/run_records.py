"""What the JSON columns of a run hold, typed: its ended stages and its gate's report.

Rows outlive releases: `from_row` takes what an older one wrote, and what is missing is as if it had not happened.
A sentence is stored twice: as a `Message`, for the reader's language, and as text in the installation's language,
which is what an older release wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from indexing.lib import translation
from indexing.lib.messages import Message


def stored_sentence(sentence: Message, name: str) -> dict[str, Any]:
    """A sentence as a row holds it: `name` as text, `message` as data."""
    return {name: translation.stored_text(sentence), "message": sentence.as_dict()}


@dataclass(frozen=True, slots=True)
class StageRecord:
    """A stage that has ended."""

    stage: str
    seconds: float
    done: int = 0
    rate: float | None = None
    """items a second over the whole stage"""
    summary: Message = Message("")
    lead: float | None = None
    """seconds until the first items were done"""
    pace: float | None = None
    """items a second without `lead`; an older release wrote neither of the two"""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        return cls(
            stage=row.get("stage", ""),
            seconds=float(row.get("seconds") or 0.0),
            done=row.get("done") or 0,
            rate=row.get("rate"),
            summary=_sentence(row, "summary"),
            lead=row.get("lead"),
            pace=row.get("pace"),
        )

    def as_row(self) -> dict[str, Any]:
        row = {name: getattr(self, name) for name in ("stage", "seconds", "done", "rate", "lead", "pace")}
        return row | stored_sentence(self.summary, "summary")

    @property
    def summary_text(self) -> str:
        """In the reader's language."""
        return translation.translated(self.summary)


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """The finding of one rule of the gate."""

    rule: str
    sentence: Message
    value: float | None
    """None: the rule had nothing to judge, and passes"""
    limit: float
    passed: bool
    warning: bool = False
    """Whether breaking the rule is only shown, without holding the version."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        return cls(
            rule=row.get("rule", ""),
            sentence=_sentence(row, "sentence"),
            value=row.get("value"),
            limit=row.get("limit") or 0.0,
            passed=bool(row.get("passed", True)),
            warning=bool(row.get("warning")),
        )

    def as_row(self) -> dict[str, Any]:
        row = {name: getattr(self, name) for name in ("rule", "value", "limit", "passed", "warning")}
        return row | stored_sentence(self.sentence, "sentence")

    @property
    def text(self) -> str:
        """In the reader's language."""
        return translation.translated(self.sentence)


@dataclass(frozen=True, slots=True)
class QueryRecord:
    """A search test's hits in the version that was live and in the new one."""

    text: str
    k: int
    missing: tuple[str, ...]
    """expected experts who are not among the first k, though the directory still has them"""
    before: tuple[str, ...]
    """usernames of the first hits of the live version, best first; empty without one"""
    after: tuple[str, ...]
    overlap: float | None
    """share of the live version's first ten that are still among the first ten; None without any"""
    unwanted: tuple[str, ...] = ()
    """experts marked as bad who are among the first ten"""
    score: float | None = None
    """nDCG@10, 0 to 1, in the new version; None if nobody is expected, or if an older release wrote the row"""
    score_before: float | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        lists = ("missing", "before", "after", "unwanted")
        names: dict[str, Any] = {name: tuple(row.get(name, ())) for name in lists}
        figures: dict[str, Any] = {name: row.get(name) for name in ("overlap", "score", "score_before")}
        return cls(text=row.get("text", ""), k=row.get("k") or 0, **figures, **names)

    def as_row(self) -> dict[str, Any]:
        return asdict(self) | {name: list(getattr(self, name)) for name in ("missing", "before", "after", "unwanted")}


@dataclass(frozen=True, slots=True)
class TestFigures:
    """What the active search tests made of a version when it was built."""

    tests: int
    failed: int
    score: float | None
    """the mean nDCG@10, 0 to 1; None if no test expects anybody"""
    compared_with: int | None = None
    """number of the version that was live then"""
    score_before: float | None = None
    """that version's score in the same tests; None without one that could be searched"""

    __test__ = False  # no test of ours, though its name begins like one

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self | None:
        """The figures in a version's row; None if it is empty: an older release built the version."""
        if not row:
            return None
        known = {name: row.get(name) for name in ("score", "compared_with", "score_before")}
        return cls(tests=row.get("tests") or 0, failed=row.get("failed") or 0, **known)

    def as_row(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def passed(self) -> int:
        return self.tests - self.failed

    @property
    def change(self) -> float | None:
        """How much the score rose, -1 to 1; None if there was nothing to compare with."""
        return None if self.score is None or self.score_before is None else self.score - self.score_before


@dataclass(frozen=True, slots=True)
class GateRecord:
    """The gate's report: names and queries are bounded, their counts are whole."""

    passed: bool
    live_number: int | None
    """Number of the version that the new one was compared with."""
    verdicts: tuple[VerdictRecord, ...]
    lost: tuple[str, ...]
    lost_count: int
    gained: tuple[str, ...]
    gained_count: int
    queries: tuple[QueryRecord, ...]
    queries_count: int

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self | None:
        """The record in a run's row; None if the row is empty, since the run did not reach the gate."""
        if not row:
            return None
        lost, gained, queries = (row.get(name, ()) for name in ("lost", "gained", "queries"))
        return cls(
            passed=bool(row.get("passed")),
            live_number=row.get("live_number"),
            verdicts=tuple(VerdictRecord.from_row(each) for each in row.get("verdicts", ())),
            lost=tuple(lost),
            lost_count=row.get("lost_count", len(lost)),
            gained=tuple(gained),
            gained_count=row.get("gained_count", len(gained)),
            queries=tuple(QueryRecord.from_row(each) for each in queries),
            queries_count=row.get("queries_count", len(queries)),
        )

    def as_row(self) -> dict[str, Any]:
        plain = ("passed", "live_number", "lost_count", "gained_count", "queries_count")
        return {name: getattr(self, name) for name in plain} | {
            "verdicts": [verdict.as_row() for verdict in self.verdicts],
            "lost": list(self.lost),
            "gained": list(self.gained),
            "queries": [query.as_row() for query in self.queries],
        }

    def as_dict(self) -> dict[str, Any]:
        """For JSON that a person or a script reads: the verdicts' sentences as text in the reader's language."""
        verdicts = [
            {name: getattr(verdict, name) for name in ("rule", "value", "limit", "passed", "warning")}
            | {"sentence": verdict.text}
            for verdict in self.verdicts
        ]
        return self.as_row() | {"verdicts": verdicts}


def _sentence(row: Mapping[str, Any], name: str) -> Message:
    """Text that an older release stored is its own message: no catalogue has it, so it is shown as it stands."""
    return Message.from_dict(row["message"]) if row.get("message") else Message(row.get(name) or "")
