"""The words that tell each expert from the others, stored in the version: hybrid search adds those of its first
experts to the query.

The weight of a term in an expert's text is BM25's saturation * idf * (idf / idf of a word nobody has) ** RARITY, as
the words of a query are weighed; the text is job title, company and bio, analysed as the keyword index does.

Each piece of a long profile has its terms too: what somebody with twenty subjects has in common with others, and what
they say of the query, is in the piece that is near to it, and lost among the words of the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experts.profiles.records import ExpertRecord
from indexing.snapshot.counted_terms import TermBlock
from indexing.snapshot.languages import terms_of
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.ranking_constants import FEEDBACK_TERMS, FEEDBACK_TOTAL, RARITY
from indexing.snapshot.text_terms import TextTerms

K1, B = 1.2, 0.75
"""BM25's constants, as in tantivy (query/bm25.rs)."""
PER_EXPERT = 64
"""Terms that are stored of one expert, those with most weight: with all terms of long profiles, results are the same
and the file is six times as large."""
ENTRY = np.dtype([("term", "<u4"), ("weight", "<f4")])
HAD_BY = 2
"""Experts who must have a term: what one alone has finds nobody else."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownTerms:
    """What an earlier version has of the terms of n profiles and m passages."""

    texts: TextTerms | None
    pieces: TextTerms | None
    text_rows: NDArray[np.int64]
    """[n]: which of `texts` is that of each profile, -1 for none."""
    piece_rows: NDArray[np.int64]
    """[m]: the same of `pieces`."""


@dataclass(frozen=True, slots=True, eq=False)
class FeedbackTerms:
    """The terms of n experts, in the order of the version's ids, and of m passages, in theirs.

    A passage that is the whole profile, or a part of a document, has none. Versions before format 9 have no terms of
    passages.
    """

    starts: NDArray[np.int64]
    """[n + m + 1]: the terms of row i are entries[starts[i]:starts[i + 1]]."""
    entries: NDArray[np.void]
    """ENTRY[t]: index into the words, and weight; of one expert after another."""
    words: NDArray[np.bytes_]
    """[w]: the words in UTF-8, in the order of their bytes."""

    @classmethod
    def from_records(
        cls, experts: Sequence[ExpertRecord], languages: Sequence[str], passages: PassageRows
    ) -> FeedbackTerms:
        """The terms of `experts`, in their order, and of `passages`. `languages`: that of each one's texts."""
        return cls.of(*terms_of_profiles(experts, languages, passages))

    @classmethod
    def of(cls, texts: TextTerms, pieces: TextTerms) -> FeedbackTerms:
        """Those of the profiles that have these terms, and of their passages."""
        experts = texts.count
        had_by = np.zeros(len(texts.words), np.int64)
        for block in texts.blocks:
            had_by += np.bincount(block.terms, minlength=len(had_by))
        often = had_by >= HAD_BY
        words = [word for word, is_known in zip(texts.words, often.tolist(), strict=True) if is_known]
        number = np.full(len(often), -1, np.int64)
        number[often] = np.arange(len(words))
        counts = had_by[often].astype(np.float64)
        highest = np.log1p((experts + 0.5) / 0.5)
        idf = np.log1p((experts - counts + 0.5) / (counts + 0.5))
        rarity = idf * (idf / highest) ** RARITY
        parts = [*_all_entries(texts.blocks, experts, number, rarity)]
        place = {word: at for at, word in enumerate(words)}
        number = np.fromiter((place.get(word, -1) for word in pieces.words), np.int64, len(pieces.words))
        spoken = sum(int(np.count_nonzero(block.lengths)) for block in pieces.blocks)
        parts += _all_entries(pieces.blocks, spoken, number, rarity)
        sizes = [np.zeros(1, np.int64), *(sizes for sizes, _entries in parts)]
        return cls(
            starts=np.cumsum(np.concatenate(sizes), dtype=np.int64),
            entries=np.concatenate([np.empty(0, ENTRY), *(entries for _sizes, entries in parts)]),
            words=np.array([word.encode() for word in words], np.bytes_),
        )

    def save(self, entries: Path, words: Path) -> None:
        """Write the entries as .npy and the rest as .npz. Raises OSError."""
        np.save(entries, self.entries, allow_pickle=False)
        encoded = self.words.tolist()
        letters = np.frombuffer(b"".join(encoded), np.uint8)
        np.savez(words, starts=self.starts, letters=letters, ends=np.cumsum(list(map(len, encoded)), dtype=np.int64))

    @classmethod
    def load(cls, entries: Path, words: Path, experts: int, passages: int) -> FeedbackTerms:
        """Read what `save` wrote, the entries mapped. Raises KeyError, ValueError or OSError for anything else."""
        mapped = np.load(entries, mmap_mode="r", allow_pickle=False)
        with np.load(words, allow_pickle=False) as stored:
            letters, ends = stored["letters"].tobytes(), stored["ends"].tolist()
            listed = [letters[start:end] for start, end in zip([0, *ends], ends, strict=False)]
            terms = cls(stored["starts"], mapped, np.array(listed, np.bytes_))
        rows = len(terms.starts) - 1
        if mapped.dtype != ENTRY or rows not in (experts, experts + passages) or terms.starts[-1] != len(mapped):
            raise ValueError(f"not the terms of {experts} experts")
        return terms

    def common(
        self, rows: NDArray[np.int64], shares: NDArray[np.float64], known: Collection[str], highest_idf: float
    ) -> dict[str, float]:
        """Term -> weight of the terms that matter most in the texts of `rows`, int64[m], without those in `known`.

        `shares`, float64[m], says how much each text counts. The weights sum up to FEEDBACK_TOTAL * highest_idf.
        """
        found, owners = self._of(rows)
        terms, place = np.unique(found["term"], return_inverse=True)
        weights = np.bincount(place, found["weight"] * shares[owners])
        best: dict[str, float] = {}
        for each in np.lexsort((terms, -weights)).tolist():
            if (word := self._word(int(terms[each]))) not in known:
                best[word] = float(weights[each])
            if len(best) == FEEDBACK_TERMS:
                break
        total = sum(best.values())
        return {word: weight * FEEDBACK_TOTAL * highest_idf / total for word, weight in best.items()}

    def scores(self, rows: NDArray[np.int64], words: Sequence[Collection[str]]) -> NDArray[np.float64]:
        """float64[m, w]: what each word adds to the score of each of `rows`, int64[m]. A word is all its forms."""
        spelled = np.array([form.encode() for forms in words for form in forms], np.bytes_)
        places = np.minimum(np.searchsorted(self.words, spelled), max(len(self.words) - 1, 0))
        known = self.words[places] == spelled if len(self.words) else np.zeros(len(spelled), np.bool_)
        asked, form = np.unique(places[known], return_inverse=True)
        of_word = np.zeros((len(asked), len(words)))
        of_word[form, np.repeat(np.arange(len(words)), np.array([*map(len, words)], np.int64))[known]] = 1
        found, owners = self._of(rows)
        at = np.searchsorted(asked, found["term"])
        is_asked = np.append(asked, -1)[at] == found["term"]
        cells = owners[is_asked] * len(asked) + at[is_asked]
        weights = np.bincount(cells, found["weight"][is_asked], len(rows) * len(asked))
        return np.asarray(weights.reshape(len(rows), len(asked)) @ of_word, np.float64)

    def has_pieces(self, experts: int) -> bool:
        """Whether there are terms of passages beside those of that many experts."""
        return len(self.starts) > experts + 1

    def counts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64[m]: how many terms each of `rows`, int64[m], has."""
        return self.starts[rows + 1] - self.starts[rows]

    def _of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.void], NDArray[np.int64]]:
        """ENTRY[t] and int64[t]: the terms of `rows`, int64[m], and the place in `rows` of each."""
        counts = self.counts(rows)
        owners = np.repeat(np.arange(len(rows)), counts)
        begins = np.cumsum(counts) - counts
        return self.entries[np.arange(len(owners)) + np.repeat(self.starts[rows] - begins, counts)], owners

    def _word(self, place: int) -> str:
        return bytes(self.words[place]).decode()


def terms_of_profiles(
    experts: Sequence[ExpertRecord],
    languages: Sequence[str],
    passages: PassageRows,
    known: KnownTerms | None = None,
) -> tuple[TextTerms, TextTerms]:
    """The terms of title, company and bio of each of n experts, and those of each of m passages: none of a whole
    profile, and none of what is not in the bio."""

    def of_texts(rows: NDArray[np.int64]) -> Iterator[list[str]]:
        every = len(rows) == len(experts)  # then one after another, which is faster in a file
        for row, each in zip(
            rows.tolist(), experts if every else (experts[row] for row in rows.tolist()), strict=True
        ):
            yield terms_of(" \n ".join((each.job_title, each.company, each.bio)), languages[row])

    def of_pieces(places: NDArray[np.int64]) -> Iterator[list[str]]:
        wholes = set(passages.starts.tolist())
        for place in places.tolist():
            row, start, length = passages.table[place].tolist()
            text = "" if place in wholes else experts[row].bio[start : start + length]
            yield terms_of(text, languages[row])

    if known is None:
        nothing = np.full(len(experts), -1), np.full(len(passages), -1)
        known = KnownTerms(None, None, *nothing)
    return (
        TextTerms.of(known.text_rows, of_texts, known.texts),
        TextTerms.of(known.piece_rows, of_pieces, known.pieces),
    )


def _all_entries(
    blocks: Sequence[TermBlock], count: int, number: NDArray[np.int64], rarity: NDArray[np.float64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.void]]]:
    """For each block how many terms are stored of each text, int64[b], and these, ENTRY[m].

    The length of a text counts against the mean of `count` texts.
    """
    mean = max(float(sum(block.lengths.sum() for block in blocks)) / max(count, 1), 1.0)
    for block in blocks:
        stretch = K1 * (1 - B + B * block.lengths.astype(np.float64) / mean)
        yield _entries(block, number, rarity, stretch)


def _entries(
    block: TermBlock, number: NDArray[np.int64], rarity: NDArray[np.float64], stretch: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.void]]:
    """The terms of each text with most weight, highest first: how many, int64[b], and ENTRY[m]."""
    texts = len(block.sizes)
    owners, terms = np.repeat(np.arange(texts), block.sizes), number[block.terms]
    known = terms >= 0
    owners, terms, counts = owners[known], terms[known], block.counts[known].astype(np.int64)
    weights = ((1 + K1) * counts / (counts + stretch[owners]) * rarity[terms]).astype(np.float32)
    # Positive floats are in the order of their bits: to sort one whole number is 16 times as fast as two columns.
    order = np.argsort((owners << 32) - weights.view(np.uint32), kind="stable")
    sizes = np.bincount(owners, minlength=texts)
    ranks = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    best = order[ranks < PER_EXPERT]
    entries = np.empty(len(best), ENTRY)
    entries["term"], entries["weight"] = terms[best], weights[best]
    return np.minimum(sizes, PER_EXPERT), entries
