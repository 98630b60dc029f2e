"""What of one profile matches a query, for the page of an expert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.utils.safestring import SafeString

from experts.models import Expert
from indexing.errors import EncoderUnavailable
from indexing.models.searches import Mode
from indexing.search.best_passages import Best, DocumentPassage, Span, best_passages
from indexing.search.highlights import Marker
from indexing.search.searcher import query_vector
from indexing.snapshot.lookup import find_rows
from indexing.snapshot.reader import Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class ProfileMatch:
    """The words of a query in a profile, and the part of the bio that is about it."""

    marker: Marker
    passage: SafeString | None
    """HTML, the words in <mark>; None where the bio is short enough to be read as a whole, or nothing matches."""
    document: DocumentPassage | None = None
    """The part that is nearest to the query, if it is in a document."""


def profile_match(expert: Expert, text: str, snapshot: Snapshot, mode: Mode) -> ProfileMatch:
    """What matches the query `text`. Without a model, or in keyword mode, it goes by the words alone."""
    marker = Marker.from_query(text, snapshot.keywords)
    best = _nearest(expert, text, snapshot, mode)
    if isinstance(best, DocumentPassage):
        return replace(_in_the_bio(expert, marker, None), document=best)
    return _in_the_bio(expert, marker, best)


def _in_the_bio(expert: Expert, marker: Marker, span: Span | None) -> ProfileMatch:
    start, end = marker.part_to_show(expert.bio, span)
    is_part = (start, end) != (0, len(expert.bio))
    if not is_part or not (span or marker.spans(expert.bio)):
        return ProfileMatch(marker, None)
    return ProfileMatch(marker, marker.excerpt(expert.bio, span))


def _nearest(expert: Expert, text: str, snapshot: Snapshot, mode: Mode) -> Best:
    if mode == Mode.KEYWORD or not is_in(expert, snapshot):
        return None
    try:
        return best_passages([expert], snapshot, query_vector(text, snapshot))[0]
    except EncoderUnavailable:
        return None


def is_in(expert: Expert, snapshot: Snapshot) -> bool:
    """Whether the version has this expert."""
    return bool(find_rows(snapshot.ids, np.array([expert.pk], np.int64))[1][0])


def words_in_common(text: str, profile: Sequence[str], snapshot: Snapshot) -> list[str]:
    """The words of `text` that are in one of the texts of a profile, as the profile writes them, each once."""
    marker = Marker.from_query(text, snapshot.keywords)
    found = (each[start:end] for each in profile for start, end in marker.spans(each))
    return list({word.casefold(): word for word in found}.values())
