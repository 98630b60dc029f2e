"""The words that tell each expert from the others, stored in the version: hybrid search adds those of its first
experts to the query.

The weight of a term in an expert's text is BM25's saturation * idf * (idf / idf of a word nobody has) ** RARITY, as
the words of a query are weighed; the text is job title, company and bio, analysed as the keyword index does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experts.profiles.records import ExpertRecord
from indexing.snapshot.languages import terms_of
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
    """The terms of n experts, in the order of the version's ids."""

    starts: NDArray[np.int64]
    """[n + 1]: the terms of row i are entries[starts[i]:starts[i + 1]]."""
    entries: NDArray[np.void]
    """ENTRY[t]: index into the words, and weight; of one expert after another."""
    letters: NDArray[np.uint8]
    """The words in UTF-8, one after another."""
    ends: NDArray[np.int64]
    """[words]: where in `letters` each word ends."""

    @classmethod
    def from_records(cls, experts: Sequence[ExpertRecord], languages: Sequence[str]) -> FeedbackTerms:
        """The terms of `experts`, in their order. `languages`: that of each one's texts."""
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
        lengths = np.array([text.total() for text in texts], np.float64)
        stretch = K1 * (1 - B + B * lengths / max(lengths.mean(), 1.0)) if len(texts) else lengths
        per_expert = [_entries(text, number, rarity, each) for text, each in zip(texts, stretch, strict=True)]
        encoded = [word.encode() for word in words]
        return cls(
            starts=np.cumsum([0, *map(len, per_expert)], dtype=np.int64),
            entries=np.concatenate(per_expert) if per_expert else np.empty(0, ENTRY),
            letters=np.frombuffer(b"".join(encoded), np.uint8),
            ends=np.cumsum([len(word) for word in encoded], dtype=np.int64),
        )

    def save(self, entries: Path, words: Path) -> None:
        """Write the entries as .npy and the rest as .npz. Raises OSError."""
        np.save(entries, self.entries, allow_pickle=False)
        np.savez(words, starts=self.starts, letters=self.letters, ends=self.ends)

    @classmethod
    def load(cls, entries: Path, words: Path, experts: int) -> FeedbackTerms:
        """Read what `save` wrote, the entries mapped. Raises KeyError, ValueError or OSError for anything else."""
        mapped = np.load(entries, mmap_mode="r", allow_pickle=False)
        with np.load(words, allow_pickle=False) as stored:
            terms = cls(stored["starts"], mapped, stored["letters"], stored["ends"])
        if mapped.dtype != ENTRY or terms.starts.shape != (experts + 1,) or terms.starts[-1] != len(mapped):
            raise ValueError(f"not the terms of {experts} experts")
        return terms

    def common(
        self, rows: NDArray[np.int64], shares: NDArray[np.float64], known: Collection[str], highest_idf: float
    ) -> dict[str, float]:
        """Term -> weight of the terms that matter most in the texts of `rows`, int64[m], without those in `known`.

        `shares`, float64[m], says how much each text counts. The weights sum up to FEEDBACK_TOTAL * highest_idf.
        """
        parts = [self.entries[self.starts[row] : self.starts[row + 1]] for row in rows.tolist()]
        terms, place = np.unique(np.concatenate([part["term"] for part in parts]), return_inverse=True)
        weights = np.bincount(
            place, np.concatenate([part["weight"] * share for part, share in zip(parts, shares, strict=True)])
        )
        best: dict[str, float] = {}
        for each in np.lexsort((terms, -weights)).tolist():
            if (word := self._word(int(terms[each]))) not in known:
                best[word] = float(weights[each])
            if len(best) == FEEDBACK_TERMS:
                break
        total = sum(best.values())
        return {word: weight * FEEDBACK_TOTAL * highest_idf / total for word, weight in best.items()}

    def _word(self, place: int) -> str:
        start = int(self.ends[place - 1]) if place else 0
        return self.letters[start : int(self.ends[place])].tobytes().decode()


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
