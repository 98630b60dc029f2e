"""What the synonyms of now would change in the live version, before a rebuild takes them over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from indexing.errors import NoIndexYet
from indexing.models import Synonym
from indexing.quality.search_tests import SearchTestComparison, compare_snapshots
from indexing.serving import live
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.synonyms import NONE, Synonyms


@dataclass(frozen=True, slots=True)
class SynonymChange:
    """One direction of a synonym that a version has and staff do not keep any more, or the other way round."""

    kind: Literal["added", "removed"]
    typed: str
    found: str
    """Words as the search reads them."""


def current() -> Synonyms:
    """The synonyms that the next rebuild takes over."""
    return Synonyms(Synonym.objects.entries())


def with_current(snapshot: Snapshot) -> Snapshot:
    """The version as it would answer with the synonyms of now; everything else is shared with `snapshot`."""
    return replace(snapshot, keywords=snapshot.keywords.with_synonyms(current()))


def changes(snapshot: Snapshot) -> list[SynonymChange]:
    """What is different in the synonyms of now, in the order of the words."""
    now, then = current().pairs, snapshot.keywords.analysis.synonyms.pairs
    return [
        SynonymChange("added" if pair in now else "removed", " ".join(pair[0]), " ".join(pair[1]))
        for pair in sorted(now ^ then)
    ]


def compare(snapshot: Snapshot) -> SearchTestComparison:
    """The active search tests with the synonyms that the version has, and with those of now.

    Raises EncoderUnavailable if the version was built with another model.
    """
    return compare_snapshots(snapshot, with_current(snapshot))


def is_live(synonym: Synonym) -> bool:
    """Whether the version that this process serves has the synonym as it is now."""
    try:
        built_with = live.current().keywords.analysis.synonyms.pairs
    except NoIndexYet:
        built_with = NONE.pairs
    entries = ((synonym.typed, synonym.found), (synonym.found, synonym.typed))
    wanted, back = (Synonyms((each,)).pairs for each in entries)
    return wanted <= built_with and (back <= built_with) == synonym.both_ways
