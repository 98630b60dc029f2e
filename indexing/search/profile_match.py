"""What of one profile matches a query, for the page of an expert."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from django.utils.safestring import SafeString

from experts.models import Expert
from experts.profiles.passages import ONE_UP_TO
from indexing.errors import MeaningUnavailable
from indexing.models.searches import Mode
from indexing.search.best_passages import DocumentPassage, Span, near_passages
from indexing.search.highlights import Marker
from indexing.search.searcher import query_vector
from indexing.snapshot.lookup import find_rows
from indexing.snapshot.reader import Snapshot

MOST_PASSAGES = 3
"""Passages of one profile that are shown."""
NEAR = 0.85
"""A passage that has no word of the query is shown if it is this near to the query, compared with the nearest one."""
CANDIDATES = 12
"""The nearest passages, among which those to show are chosen."""

Near = tuple[Span | DocumentPassage, float]


@dataclass(frozen=True, slots=True, eq=False)
class ProfileMatch:
    """The words of a query in a profile, and the parts that are about it, in the order of the profile."""

    marker: Marker
    passages: tuple[SafeString, ...]
    """Of the bio: HTML, the words in <mark>; none if it is short enough to be read as a whole, or nothing matches."""
    documents: tuple[DocumentPassage, ...]


def profile_match(expert: Expert, text: str, snapshot: Snapshot, mode: Mode, *, with_documents: bool) -> ProfileMatch:
    """What matches the query `text`. Without a model, or in keyword mode, it goes by the words of the bio alone."""
    marker = Marker.from_query(text, snapshot.keywords)
    try:
        chosen = _chosen(expert, _nearest(expert, text, snapshot, mode, with_documents=with_documents), marker)
    except MeaningUnavailable:  # the vectors are read when the first one is needed
        chosen = []
    documents = [each for each in chosen if isinstance(each, DocumentPassage)]
    documents.sort(key=lambda each: (each.document.name, each.document.pk, each.start))
    spans = sorted(each for each in chosen if not isinstance(each, DocumentPassage))
    if not spans:
        spans = _by_words(expert.bio, marker, MOST_PASSAGES - len(documents))
    parts = (marker.excerpt(expert.bio, span) for span in spans if span != (0, len(expert.bio)))
    return ProfileMatch(marker, tuple(parts), tuple(documents))


def _chosen(expert: Expert, near: Iterable[Near], marker: Marker) -> list[Span | DocumentPassage]:
    """The nearest passage, and others that are nearly as near or have a word of the query."""
    chosen: list[Span | DocumentPassage] = []
    enough = 0.0
    for passage, similarity in islice(near, CANDIDATES):
        text = passage.text if isinstance(passage, DocumentPassage) else expert.bio[passage[0] : sum(passage)]
        if not chosen:
            enough = NEAR * similarity
        if not chosen or similarity >= enough or marker.spans(text):
            chosen.append(passage)
        if len(chosen) == MOST_PASSAGES:
            break
    return chosen


def _by_words(bio: str, marker: Marker, most: int) -> list[Span]:
    """The parts of a bio where the words are, as starts and lengths; of one that counts as a whole only one part."""
    if most < 1 or not marker.spans(bio):
        return []
    parts = marker.parts_to_show(bio, most if len(bio) > ONE_UP_TO else 1)
    return [(start, end - start) for start, end in parts]


def _nearest(expert: Expert, text: str, snapshot: Snapshot, mode: Mode, *, with_documents: bool) -> Iterable[Near]:
    if mode == Mode.KEYWORD or not is_in(expert, snapshot):
        return ()
    try:
        vector = query_vector(text, snapshot)
    except MeaningUnavailable:
        return ()
    return near_passages(expert, snapshot, vector, with_documents=with_documents)


def is_in(expert: Expert, snapshot: Snapshot) -> bool:
    """Whether the version has this expert."""
    return bool(find_rows(snapshot.ids, np.array([expert.pk], np.int64))[1][0])


def words_in_common(text: str, profile: Sequence[str], snapshot: Snapshot) -> list[str]:
    """The words of `text` that are in one of the texts of a profile, as the profile writes them, each once."""
    marker = Marker.from_query(text, snapshot.keywords)
    found = (each[start:end] for each in profile for start, end in marker.spans(each))
    return list({word.casefold(): word for word in found}.values())
