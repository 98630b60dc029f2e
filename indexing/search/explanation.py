"""Why an expert has the rank that they have for a query: what adds up to their score, and what would change it.

Computed only when somebody asks. Everybody who passes the filters is scored exactly, so that anybody's rank is known,
also beyond what a search reads: 15 ms for 10,000 experts, 0.2 s for 100,000.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from experts.cards import TagName
from experts.models import Document, Expert
from experts.safe_text import without_bidi_controls
from indexing.models.searches import Mode
from indexing.search.best_passages import DocumentPassage, Span, best_passages
from indexing.search.filters import NONE, Filters
from indexing.search.fusion import word_factor, z_scores
from indexing.search.highlights import FIELDS, Marker
from indexing.search.piece_words import PieceWords
from indexing.search.ranked import RankedHits
from indexing.search.searcher import MAX_K, Hit, active_hits, first_ranking, query_vector
from indexing.snapshot.keyword_query import KeywordPart, KeywordQuery
from indexing.snapshot.query_terms import QueryWord
from indexing.snapshot.reader import Snapshot

Kind = Literal["meaning", "word", "name", "username", "added", "estimate"]
NEGLIGIBLE = 1e-3
"""Points by which a score may differ from the sum of its exact parts: single precision."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One addend of a score."""

    kind: Kind
    """`added`: a word that the query does not have, but the experts who match it best. `estimate`: what a search
    takes for the words of an expert who is too far down the list of words to be read."""
    text: str
    """The word of the query, analysed; empty for the meaning."""
    points: float
    """What it adds, in the unit of the mode's scores. Below 0 for a meaning that is farther off than the average."""
    fields: tuple[str, ...] = ()
    """Where the profile, as it is now, has the word: of FIELDS, `tags` and `documents`."""
    found: tuple[str, ...] = ()
    """The word as the profile writes it."""


@dataclass(frozen=True, slots=True)
class Change:
    """About where the expert would be if their profile lost a word of the query, or gained it."""

    word: str
    gained: bool
    rank: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """The rank of one expert for one query."""

    mode: Mode
    score: float
    contributions: tuple[Contribution, ...]
    """They add up to the score; most points first."""
    missing: tuple[str, ...]
    """Words of the query that their profile lacks, as it was when the version was built."""
    rank: int | None
    """From 1, among the active experts who pass the filters; None if no search shows them."""
    people: int
    """How many experts are ranked."""
    filters: tuple[str, ...]
    """The groups of filters that those who are ranked pass, as `Filters.groups` names them."""
    similarity: float | None
    semantic_rank: int | None
    keyword_rank: int | None
    """Ranks by meaning and by words alone, from 1; None where that was not compared, or no word matches."""
    usual: tuple[float, float] | None
    """Mean and standard deviation of the similarities of the query to everybody; None in keyword mode."""
    changes: tuple[Change, ...]
    passage: Span | None = None
    """As `Hit.passage`: where the bio is nearest to the query; None in keyword mode too."""
    document: DocumentPassage | None = None
    """As `Hit.document`."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """All active experts who pass the filters, exactly scored: arrays of m rows, by rising id."""

    ids: NDArray[np.int64]
    similarities: NDArray[np.float64] | None
    words: NDArray[np.float64]
    """Scores by the words of the query alone."""
    scores: NDArray[np.float64]

    def place(self, expert_id: int) -> int | None:
        """The row of an expert; None if they do not pass."""
        row = int(np.searchsorted(self.ids, expert_id))
        return row if row < len(self.ids) and self.ids[row] == expert_id else None

    def rank_at(self, score: float, without: int) -> int:
        """The rank that `score` would have among everybody but the expert in row `without`."""
        return 1 + int(np.count_nonzero(np.delete(self.scores, without) > score))


def rank_in(values: NDArray[np.float64], row: int) -> int:
    """The rank, from 1, of a row of `values`, float64[m], by descending value; of equal ones the first come first."""
    own = values[row]
    return 1 + int(np.count_nonzero(values > own)) + int(np.count_nonzero(values[:row] == own))


class Explainer:
    """Explains the results of one search. Raises EncoderUnavailable, except in keyword mode."""

    def __init__(self, text: str, snapshot: Snapshot, mode: Mode, filters: Filters = NONE) -> None:
        self.text, self.snapshot, self.mode, self.filters = text.strip(), snapshot, mode, filters
        self._vector = None if mode == Mode.KEYWORD else query_vector(self.text, snapshot)
        self._only = filters.prefilter(snapshot, self.text)
        self.words: list[QueryWord] = snapshot.keywords.words(self.text)

    @cached_property
    def _first(self) -> RankedHits:
        return first_ranking(self.snapshot, self.text, self._vector, self.mode, self._only)

    @cached_property
    def listed(self) -> tuple[Hit, ...]:
        """The first hits, as a search gives them."""
        return active_hits(self._first, MAX_K, {})

    @cached_property
    def query(self) -> KeywordQuery:
        """The words that are scored."""
        return self._first.query or self.snapshot.keywords.parse(self.text)

    @cached_property
    def _pieces(self) -> PieceWords:
        assert self._vector is not None
        return PieceWords(self.snapshot, self._vector, self.query)

    @cached_property
    def field(self) -> Field:
        """Everybody who is ranked."""
        ids = self.snapshot.ids if self._only is None else self.snapshot.ids[self._only.mask]
        ids = np.array(Expert.objects.active_among(ids.tolist()), np.int64)
        own = self.snapshot.keywords.parse(self.text)
        words = self._word_scores(own, ids)
        if self._vector is None:
            return Field(ids, None, words, words)
        similarities = self.snapshot.similarities(self._vector, ids).astype(np.float64)
        if self.mode == Mode.SEMANTIC:
            return Field(ids, similarities, words, similarities)
        scored = self._word_scores(self.query, ids) if len(self.query.parts) > len(own.parts) else words
        scored = self._pieces.blended(self.snapshot.rows(ids), scored)
        z = z_scores(similarities, self.snapshot.spread.over(self._vector))
        return Field(ids, similarities, words, z + word_factor(self.query) * scored)

    def _word_scores(self, query: KeywordQuery, ids: NDArray[np.int64]) -> NDArray[np.float64]:
        """float64[m]: the score of each of `ids`, int64[m], rising; 0 where no word matches."""
        conditions = self._only.conditions if self._only else None
        found, scores = self.snapshot.keywords.search(query, len(self.snapshot), conditions)
        words = np.zeros(len(ids), np.float64)
        places = np.searchsorted(ids, found)
        known = np.append(ids, -1)[places] == found
        words[places[known]] = scores[known]
        return words

    def explain(self, expert: Expert, tags: Sequence[TagName]) -> Explanation | None:
        """Why this expert is where they are; None if they are not active, not in the version or filtered out."""
        place = self.field.place(expert.pk)
        if place is None:
            return None
        hit = next((hit for hit in self.listed if hit.expert.pk == expert.pk), None)
        parts = () if self.mode == Mode.SEMANTIC else self.query.parts
        texts = {name: expert.full_name if name == "name" else getattr(expert, name) for name in FIELDS}
        texts["tags"] = "\n".join(tag.name for tag in tags)
        texts["documents"] = "\n".join(Document.objects.filter(expert=expert).values_list("text", flat=True))
        (best,) = (None,) if self._vector is None else best_passages([expert], self.snapshot, self._vector)
        scores = self._scores_of(expert.pk, parts)
        counted = [self._of_part(part, score, texts) for part, score in zip(parts, scores, strict=True) if score > 0]
        contributions = [*self._of_meaning(place, hit), *counted]
        score = sum(each.points for each in contributions)
        if hit is not None and abs(hit.score - score) > NEGLIGIBLE:
            contributions.append(Contribution("estimate", "", hit.score - score))
            score = hit.score
        matched = {word for each in counted for word in each.text.split()}
        missing = tuple(word.plain for word in self.words if word.plain not in matched) if parts else ()
        return Explanation(
            mode=self.mode,
            score=score,
            contributions=tuple(sorted(contributions, key=lambda each: -each.points)),
            missing=missing,
            rank=self._rank(place, hit),
            people=len(self.field.ids),
            filters=tuple(self.filters.groups()),
            similarity=None if self.field.similarities is None else float(self.field.similarities[place]),
            semantic_rank=None if self.field.similarities is None else rank_in(self.field.similarities, place),
            keyword_rank=rank_in(self.field.words, place) if parts and self.field.words[place] > 0 else None,
            usual=None if self._vector is None else self.snapshot.spread.over(self._vector),
            changes=tuple(self._changes(place, score, counted, missing)),
            passage=None if isinstance(best, DocumentPassage) else best,
            document=best if isinstance(best, DocumentPassage) else None,
        )

    def _rank(self, place: int, hit: Hit | None) -> int | None:
        if hit is not None:
            return self.listed.index(hit) + 1
        if self._first.is_whole and self.field.ids[place] not in self._first.ids:
            return None
        if self.mode == Mode.KEYWORD and not self.field.words[place]:
            return None
        return max(rank_in(self.field.scores, place), len(self.listed) + 1)

    def _of_meaning(self, place: int, hit: Hit | None) -> Iterator[Contribution]:
        if self._vector is None or self.field.similarities is None:
            return
        exact = float(self.field.similarities[place])
        similarity = exact if hit is None or hit.similarity is None else hit.similarity
        if self.mode == Mode.SEMANTIC:
            yield Contribution("meaning", "", similarity)
        else:
            z = z_scores(np.array([similarity], np.float64), self.snapshot.spread.over(self._vector))
            yield Contribution("meaning", "", float(z[0]))

    def _scores_of(self, expert_id: int, parts: Sequence[KeywordPart]) -> list[float]:
        """The score of each of `parts`, with the share of the nearest piece of a long profile."""
        scores = self.snapshot.keywords.scores_of_parts(self.query, expert_id) if parts else []
        if not parts or self.mode != Mode.HYBRID:
            return scores
        (row,) = self.snapshot.rows(np.array([expert_id], np.int64)).tolist()
        share, by_piece = self._pieces.of_words(row)
        return [
            (1 - share) * score + share * (by_piece.pop(part.text, 0.0) if part.kind == "word" else 0.0)
            for part, score in zip(parts, scores, strict=True)
        ]

    @property
    def _factor(self) -> float:
        """Points for each unit of a keyword score."""
        return word_factor(self.query) if self.mode == Mode.HYBRID else 1.0

    def _of_part(self, part: KeywordPart, score: float, texts: dict[str, str]) -> Contribution:
        words = [word for word in self.words if word.plain in part.text.split()]
        if part.kind == "added":
            words = [QueryWord(part.text, (part.text,), is_indexed=True)]
        marker = Marker(words, self.snapshot.keywords.analysis.languages)
        found = {name: marker.spans(text) for name, text in texts.items()}
        written = dict.fromkeys(
            without_bidi_controls(texts[name][start:end]) for name, spans in found.items() for start, end in spans
        )
        return Contribution(
            part.kind,
            without_bidi_controls(part.text),
            score * self._factor,
            tuple(name for name, spans in found.items() if spans),
            tuple(written),
        )

    def _changes(
        self, place: int, score: float, counted: Sequence[Contribution], missing: Sequence[str]
    ) -> Iterator[Change]:
        """Without each word that counted, then with each that is missing; those with most points first."""
        for each in sorted(counted, key=lambda one: -one.points):
            if each.kind == "word":
                yield Change(each.text, False, self.field.rank_at(score - each.points, place))
        gains = {word.plain: word.once * self._factor for word in self.words}
        for word in sorted(missing, key=lambda one: -gains[one]):
            yield Change(word, True, self.field.rank_at(score + gains[word], place))
