"""The words that tell each expert from the others, stored in the version: hybrid search adds those of its first
experts to the query.

The weight of a term in an expert's text is BM25's saturation * idf * (idf / idf of a word nobody has) ** RARITY, as
the words of a query are weighed; the text is job title, company and bio, analysed as the keyword index does.

Each piece of a long profile has its terms too: what somebody with twenty subjects has in common with others, and what
they say of the query, is in the piece that is near to it, and lost among the words of the whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experts.profiles.records import ExpertRecord
from indexing.snapshot.languages import terms_of
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.ranking_constants import FEEDBACK_TERMS, FEEDBACK_TOTAL, RARITY

K1, B = 1.2, 0.75
"""BM25's constants, as in tantivy (query/bm25.rs)."""
PER_EXPERT = 64
"""Terms that are stored of one expert, those with most weight: with all terms of long profiles, results are the same
and the file is six times as large."""
ENTRY = np.dtype([("term", "<u4"), ("weight", "<f4")])
HAD_BY = 2
"""Experts who must have a term: what one alone has finds nobody else."""


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
        texts = [
            Counter(terms_of(" \n ".join((each.job_title, each.company, each.bio)), language))
            for each, language in zip(experts, languages, strict=True)
        ]
        had_by = Counter(term for text in texts for term in text)
        words = sorted(term for term, count in had_by.items() if count >= HAD_BY)
        number = {word: place for place, word in enumerate(words)}
        counts = np.array([had_by[word] for word in words], np.float64)
        highest = np.log1p((len(experts) + 0.5) / 0.5)
        idf = np.log1p((len(experts) - counts + 0.5) / (counts + 0.5))
        rarity = idf * (idf / highest) ** RARITY
        pieces = list(_pieces(experts, languages, passages))
        parts = [*_all_entries(texts, len(texts), number, rarity)]
        parts += _all_entries(pieces, sum(map(bool, pieces)), number, rarity)
        return cls(
            starts=np.cumsum([0, *map(len, parts)], dtype=np.int64),
            entries=np.concatenate(parts) if parts else np.empty(0, ENTRY),
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


def _pieces(
    experts: Sequence[ExpertRecord], languages: Sequence[str], passages: PassageRows
) -> Iterator[Counter[str]]:
    """The terms of each passage with their counts: none of a whole profile, and none of what is not in the bio."""
    wholes = set(passages.starts.tolist())
    for place, (row, start, length) in enumerate(passages.table.tolist()):
        text = "" if place in wholes else experts[row].bio[start : start + length]
        yield Counter(terms_of(text, languages[row]))


def _all_entries(
    texts: Sequence[Counter[str]], count: int, number: dict[str, int], rarity: NDArray[np.float64]
) -> Iterator[NDArray[np.void]]:
    """ENTRY[m] of each text, whose length counts against the mean of `count` texts."""
    lengths = np.array([text.total() for text in texts], np.float64)
    stretch = K1 * (1 - B + B * lengths / max(lengths.sum() / max(count, 1), 1.0))
    for text, each in zip(texts, stretch.tolist(), strict=True):
        yield _entries(text, number, rarity, each)


def _entries(
    text: Counter[str], number: dict[str, int], rarity: NDArray[np.float64], stretch: float
) -> NDArray[np.void]:
    """ENTRY[m]: the terms of one text with most weight, highest first."""
    known = [(number[term], count) for term, count in text.items() if term in number]
    terms, counts = np.array(known, np.int64).reshape(-1, 2).T
    weights = (1 + K1) * counts / (counts + stretch) * rarity[terms]
    best = np.lexsort((terms, -weights))[:PER_EXPERT]
    entries = np.empty(len(best), ENTRY)
    entries["term"], entries["weight"] = terms[best], weights[best]
    return entries
