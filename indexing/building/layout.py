"""What has to be embedded: one text for most experts, several passages for those with a long profile.

A version's vectors are one matrix. Its first rows are the experts', one each; the rows after them are the passages of
the experts who have several, whose own row is the normalised mean of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from experts.profiles.hashes import HASH_BYTES, text_hash
from experts.profiles.passages import Passage, profile_passages
from experts.profiles.records import ExpertRecord
from experts.profiles.text import has_text, profile_text
from indexing.building.reuse import PreviousVectors
from indexing.encoders import Encoder
from indexing.snapshot.passages import PassageRows

AT_ONCE = 512
"""Profiles whose tokens are counted at once."""


@dataclass(slots=True, eq=False)
class Layout:
    """The texts of n experts; those with a long profile have several passages each, m in all."""

    hashes: list[bytes] = field(default_factory=list)
    """n hashes of whole profiles (`text_hash`)"""
    owners: list[int] = field(default_factory=list)
    """m rows of experts, ascending"""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """start and length of each of the m passages in the expert's bio"""
    passage_hashes: list[bytes] = field(default_factory=list)
    """m hashes of what is encoded, which is cut where the model stops reading (`text_hash`)"""
    texts: MutableMapping[bytes, str] = field(default_factory=dict)
    """hash -> text, of everything that the previous version does not have"""
    bare: bytearray = field(default_factory=bytearray)
    """n times 1 if a profile has nothing but a name, else 0"""
    characters: int = 0
    """in all texts of the n experts"""

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def passages(self) -> PassageRows:
        """The m passages, as a version stores them."""
        spans = np.array(self.spans, np.int32).reshape(-1, 2)
        return PassageRows(np.column_stack([np.array(self.owners, np.int32), spans]))

    @property
    def to_encode(self) -> tuple[NDArray[np.int64], list[bytes]]:
        """Row in the matrix of vectors, int64[k], and hash, of everything that has a text of its own."""
        several = set(self.owners)
        alone = [row for row in range(len(self)) if row not in several]
        rows = [*alone, *range(len(self), len(self) + len(self.owners))]
        return np.array(rows, np.int64), [*(self.hashes[row] for row in alone), *self.passage_hashes]

    def expert_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The expert's row for each row of the matrix of vectors; both int64[k]."""
        return np.concatenate([np.arange(len(self)), np.array(self.owners, np.int64)])[rows]

    @property
    def text_count(self) -> int:
        """How many texts have a vector: one for each expert who has no passages, and the passages."""
        return len(self) - len(set(self.owners)) + len(self.owners)

    def keys(self) -> list[bytes]:
        """For each expert, 16 bytes that change with any of the expert's vectors."""
        keys = list(self.hashes)
        of_owner: dict[int, list[bytes]] = {}
        for owner, each in zip(self.owners, self.passage_hashes, strict=True):
            of_owner.setdefault(owner, []).append(each)
        for owner, hashes in of_owner.items():
            keys[owner] = blake2b(b"".join(hashes), digest_size=HASH_BYTES).digest()
        return keys

    def of_rows(self, rows: Sequence[int]) -> Layout:
        """The layout of some of the experts, in this order."""
        of_owner: dict[int, list[int]] = {}
        for place, owner in enumerate(self.owners):
            of_owner.setdefault(owner, []).append(place)
        part = Layout([self.hashes[row] for row in rows], texts=self.texts, characters=self.characters)
        part.bare.extend(self.bare[row] for row in rows)
        for new, row in enumerate(rows):
            for place in of_owner.get(row, ()):
                part.owners.append(new)
                part.spans.append(self.spans[place])
                part.passage_hashes.append(self.passage_hashes[place])
        return part

    def _divided(
        self, expert: ExpertRecord, encoder: Encoder, read: int, previous: PreviousVectors | None
    ) -> Iterator[tuple[int, int, bytes]]:
        """The passages of a profile of which the model reads `read` characters; none if it stays whole."""
        passages = profile_passages(expert, encoder.characters_read, read)
        hashes = [text_hash(encoder.fingerprint, each.text) for each in passages]
        for each, digest in zip(passages, hashes, strict=True):
            if previous is None or digest not in previous:
                self.texts[digest] = each.text
        return _placed(passages, hashes) if len(passages) > 1 else iter(())

    def _add(self, expert: ExpertRecord, whole: bytes, passages: Iterator[tuple[int, int, bytes]]) -> None:
        row = len(self.hashes)
        self.hashes.append(whole)
        self.bare.append(not has_text(expert))
        self.characters += len(expert.bio) + len(expert.job_title) + len(expert.company) + len(expert.documents)
        for start, length, digest in passages:
            self.owners.append(row)
            self.spans.append((start, length))
            self.passage_hashes.append(digest)


def lay_out(
    experts: Sequence[ExpertRecord],
    encoder: Encoder,
    previous: PreviousVectors | None,
    advance: Callable[[int], None] = lambda count: None,
    texts: MutableMapping[bytes, str] | None = None,
) -> Layout:
    """The passages of each expert: as `previous` has them where the profile is the same, otherwise made now.

    `advance(0)` is called every now and then, and what it raises is passed on. `texts` is what holds the texts; in
    memory by default. Raises EncoderUnavailable.
    """
    layout = Layout(texts={} if texts is None else texts)
    left = iter(experts)
    while block := list(islice(left, AT_ONCE)):
        wholes = [profile_text(expert) for expert in block]
        hashes = [text_hash(encoder.fingerprint, whole) for whole in wholes]
        known = [previous.passages_of(each) if previous else None for each in hashes]
        new = [place for place, each in enumerate(known) if each is None]
        counts = encoder.characters_read([wholes[place] for place in new]) if new else []  # which loads the model
        read = dict(zip(new, counts, strict=True))
        for place, (expert, whole, passages) in enumerate(zip(block, hashes, known, strict=True)):
            if passages is None:
                passages = layout._divided(expert, encoder, read[place], previous)
            layout._add(expert, whole, passages)
        if len(block) == AT_ONCE:
            advance(0)
    return layout


def _placed(passages: Sequence[Passage], hashes: Sequence[bytes]) -> Iterator[tuple[int, int, bytes]]:
    for passage, digest in zip(passages, hashes, strict=True):
        yield passage.start, passage.length, digest
