"""The part of each hit's profile that is nearest to the query: of the bio, or of a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Value
from django.db.models.functions import Substr
from numpy.typing import NDArray

from experts.models import Document, Expert
from experts.profiles.hashes import value_hashes
from experts.profiles.records import DOCUMENT_END, FIELDS, documents_value
from indexing.snapshot.reader import Snapshot

Span = tuple[int, int]

BIO, DOCUMENTS = map(list(FIELDS).index, ("bio", "documents"))


@dataclass(frozen=True, slots=True)
class DocumentPassage:
    """A part of a document. Show it only to readers who may see documents: `experts.view_document`."""

    document: Document
    text: str
    start: int
    """Where it begins in the document's text, in characters."""

    @property
    def is_last(self) -> bool:
        """Whether the document ends with it."""
        return self.start + len(self.text) == self.document.characters


Best = Span | DocumentPassage | None


def best_passages(experts: Sequence[Expert], snapshot: Snapshot, vector: NDArray[np.float32]) -> list[Best]:
    """The passage of each expert nearest to the query's `vector`, float32[d]: start and length in the bio, or else a
    part of a document.

    None for a short profile, which counts as a whole, and for a bio or documents that changed since the version was
    built. All `experts` must be in the version.
    """
    if not experts or not len(snapshot.meaning.passages):
        return [None] * len(experts)
    rows = snapshot.rows(np.array([expert.pk for expert in experts], np.int64))
    best: list[Best] = [None] * len(experts)
    in_documents: dict[int, Span] = {}
    hashes = snapshot.baseline.field_hashes[rows]
    for place, span in enumerate(snapshot.meaning.best_passages(vector, rows)):
        if span is None or hashes[place, BIO] != value_hashes([experts[place].bio])[0]:
            continue
        after = span[0] - len(experts[place].bio)
        if after > 0:
            in_documents[place] = (after - len(DOCUMENT_END), span[1])
        else:
            best[place] = span
    owned = _documents([experts[place].pk for place in in_documents])
    for place, span in in_documents.items():
        own = owned.get(experts[place].pk, [])
        now = value_hashes([documents_value(document.text_hash for document in own)])[0]
        if now == hashes[place, DOCUMENTS]:
            best[place] = _in_a_document(own, *span)
    return best


def near_passages(
    expert: Expert, snapshot: Snapshot, vector: NDArray[np.float32], *, with_documents: bool
) -> Iterator[tuple[Span | DocumentPassage, float]]:
    """The passages of one expert and their similarity to the query's `vector`, float32[d], the nearest first.

    None where `best_passages` has None, and of documents only if they are wanted. The expert must be in the version.
    """
    (row,) = snapshot.rows(np.array([expert.pk], np.int64)).tolist()
    hashes = snapshot.baseline.field_hashes[row]
    if hashes[BIO] != value_hashes([expert.bio])[0]:
        return
    own = _documents([expert.pk]).get(expert.pk, []) if with_documents else []
    if own and hashes[DOCUMENTS] != value_hashes([documents_value(document.text_hash for document in own)])[0]:
        own = []
    for start, length, similarity in snapshot.meaning.nearest_passages(vector, row):
        if start <= len(expert.bio):
            yield (start, length), similarity
        elif found := _in_a_document(own, start - len(expert.bio) - len(DOCUMENT_END), length):
            yield found, similarity


def _documents(experts: Iterable[int]) -> dict[int, list[Document]]:
    """Expert id -> documents with a text, in the order in which their texts were joined; no query for no experts."""
    owned: dict[int, list[Document]] = {}
    if experts := list(experts):
        found = Document.objects.filter(expert__in=experts).exclude(text_hash="").order_by("text_hash", "pk")
        for document in found:
            owned.setdefault(document.expert_id, []).append(document)
    return owned


def _in_a_document(documents: Sequence[Document], start: int, length: int) -> DocumentPassage | None:
    """The passage at that place of the texts of `documents`, joined."""
    for document in documents:
        if start < document.characters:
            part = Substr("text", Value(start + 1), Value(length))
            text = Document.objects.filter(pk=document.pk).values_list(part, flat=True).first()
            return DocumentPassage(document, text, start) if text else None
        start -= document.characters + len(DOCUMENT_END)
    return None
