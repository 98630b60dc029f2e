"""Mark the words of a query in a text: words are folded and stemmed as in the keyword index."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache
from html import escape  # django's is for lazy texts and safe ones too, and takes twice as long

from django.utils.safestring import SafeString, mark_safe

from experts.models import Expert
from experts.safe_text import without_bidi_controls
from indexing.search.best_passages import DocumentPassage
from indexing.search.searcher import Hit
from indexing.snapshot.keyword_index import KeywordIndex
from indexing.snapshot.languages import ENGLISH_ONLY, Languages
from indexing.snapshot.query_terms import QueryWord
from indexing.snapshot.text_analysis import MAX_WORD_BYTES, UNSPACED, words_of
from indexing.snapshot.vocabulary import one_slip

EXCERPT = 260
"""Characters that are shown of a long text: its beginning, or the part around the marked words."""
LEAD = 60
"""Characters shown before the first marked word."""
KNOWN_WORDS = 32_768
"""Words of texts whose forms are remembered, in about 10 MB: nearly all words of a profile are in others too."""
FIELDS = ("name", "job_title", "company", "bio")

# Combining characters belong to the letter before them. Those of scripts in common use lie below U+3100.
_MARKS = "".join(chr(code) for code in range(0x300, 0x3100) if unicodedata.category(chr(code)).startswith("M"))
_WORD = re.compile(rf"{UNSPACED}+|[cC]\+\+|[cCfFjJ]#|(?:(?!{UNSPACED})[^\W_{_MARKS}][{_MARKS}]*)+")
_PLAIN_WORD = re.compile(r"[cC]\+\+|[cCfFjJ]#|[^\W_]+")
"""Finds the same words in a text without _SPECIAL characters, in an eighth of the time."""
_SPECIAL = re.compile(f"[{UNSPACED[1:-1]}{_MARKS}]")
_UNSPACED = re.compile(UNSPACED)

Span = tuple[int, int]
Analysed = tuple[str, tuple[str, ...]]
"""A folded word and its forms."""


class Marker:
    """Marks the words of one query."""

    def __init__(self, words: Sequence[QueryWord], languages: Languages = ENGLISH_ONLY) -> None:
        self._plain = {word.plain for word in words}
        self._forms = {form for word in words for form in word.forms}
        self._near = [word.plain for word in words if word.near]
        self._in_pairs = {sign for word in self._plain if len(word) > 1 for sign in word}
        self._analysed = _analysed(languages)
        self._read: set[str] = set()
        self._matching: set[str] = set()
        """Those of the words read that the query matches: the profiles on a page share most of their words."""
        self._whole: set[str] = set()
        """Texts of which all words have been read."""
        self._found: dict[str, list[Span]] = {}

    @classmethod
    def from_query(cls, query: str, keywords: KeywordIndex) -> Marker:
        return cls(keywords.words(query), keywords.analysis.languages)

    @classmethod
    def of_hits(cls, query: str, keywords: KeywordIndex, hits: Iterable[Hit]) -> Marker:
        """One that has read the words of all hits at once: text by text it takes four times as long."""
        marker = cls.from_query(query, keywords)
        texts = [text for hit in hits for text in _texts(hit) if text.isascii() or not _SPECIAL.search(text)]
        marker._read_words({word for text in texts for word in _PLAIN_WORD.findall(text)})
        marker._whole.update(texts)
        return marker

    def spans(self, text: str) -> list[Span]:
        """Positions of the query's words in the text: (start, end) in characters, ascending, not overlapping.

        They are remembered, since a page shows the same tags and parts of the same bio several times.
        """
        if not self._plain:
            return []
        if (known := self._found.get(text)) is None:
            known = self._found[text] = self._read_spans(text)
        return known

    def _read_spans(self, text: str) -> list[Span]:
        if not text.isascii() and _SPECIAL.search(text):
            found = list(_WORD.finditer(text))
            self._read_words({word.group() for word in found if not _UNSPACED.match(word.group())})
            return [span for word in found for span in self._within(word)]
        if text not in self._whole:
            self._read_words(set(_PLAIN_WORD.findall(text)))
        if not any(word in text for word in self._matching):  # most names and tags
            return []
        return [word.span() for word in _PLAIN_WORD.finditer(text) if word.group() in self._matching]

    def _read_words(self, words: set[str]) -> None:
        new = words - self._read
        if not new:
            return
        self._read |= new
        self._matching.update(word for word, (plain, forms) in self._analysed(new).items() if self._has(plain, forms))

    def marked(self, text: str, spans: Sequence[Span] | None = None) -> SafeString:
        """The text as HTML: escaped, with the query's words in <mark>."""
        parts, at = [], 0
        for start, end in self.spans(text) if spans is None else spans:
            parts += [escape(text[at:start]), "<mark>", escape(text[start:end]), "</mark>"]
            at = end
        return mark_safe("".join([*parts, escape(text[at:])]))  # noqa: S308  every part is escaped

    def part_to_show(self, text: str, passage: Span | None = None) -> Span:
        """Start and end of the part of a text that is shown: the passage, given by its start and length, if there is
        one. Otherwise at most EXCERPT characters: the beginning if a marked word is in it, else the part where most
        marked words are close together."""
        if passage is not None:
            return passage[0], sum(passage)
        if len(text) <= EXCERPT:
            return 0, len(text)
        spans = self.spans(text)
        word = self._densest(spans) if spans and spans[0][1] > EXCERPT else 0
        return self._part_around(text, word, 0, len(text))

    def parts_to_show(self, text: str, most: int) -> list[Span]:
        """Starts and ends of up to `most` parts: `part_to_show`, then those with most of the other marked words.

        They are in the order of the text, and do not overlap.
        """
        parts, spans = [self.part_to_show(text)], self.spans(text)
        while len(parts) < most:
            spans = [span for span in spans if not any(start <= span[0] < end for start, end in parts)]
            if not spans:
                break
            word = self._densest(spans)
            first = max((end for _, end in parts if end <= word), default=0)
            last = min((start for start, _ in parts if start > word), default=len(text))
            parts.append(self._part_around(text, word, first, last))
        return sorted(parts)

    def excerpt(self, text: str, passage: Span | None = None) -> SafeString:
        """`part_to_show` as HTML like `marked`, without characters that change the direction of a line."""
        start, end = self.part_to_show(text, passage)
        shown = self.marked(without_bidi_controls(text[start:end]))
        return mark_safe(f"{'… ' if start else ''}{shown}{' …' if end < len(text) else ''}")  # noqa: S308  see above

    def excerpt_of_document(self, passage: DocumentPassage) -> SafeString:
        """The same of a passage in a document."""
        shown = self.marked(without_bidi_controls(passage.text))
        return mark_safe(f"{'… ' if passage.start else ''}{shown}{'' if passage.is_last else ' …'}")  # noqa: S308

    def common_tags(self, names: Sequence[str]) -> list[str]:
        """The names that contain a word of the query. Only words are compared, because a reader can see why; nearness
        in meaning is part of the similarity already."""
        return [name for name in names if self.spans(name)]

    def highlights(self, expert: Expert, passage: Span | None = None) -> dict[str, str]:
        """Field name -> HTML, for the fields that contain a word of the query; of a long bio the part to show."""
        texts = {name: expert.full_name if name == "name" else getattr(expert, name) for name in FIELDS[:-1]}
        found = {name: str(self.marked(without_bidi_controls(text))) for name, text in texts.items()}
        found["bio"] = str(self.excerpt(expert.bio, passage))
        return {name: html for name, html in found.items() if "<mark>" in html}

    @staticmethod
    def _part_around(text: str, word: int, first: int, last: int) -> Span:
        """At most EXCERPT characters of text[first:last], whole words, from shortly before the place `word` on."""
        start = first
        if word - LEAD > first:
            start = text.find(" ", word - LEAD, word) + 1 or word - LEAD
        end = min(last, start + EXCERPT)
        if end < last and " " in text[start + EXCERPT // 2 : end]:
            end = text.rfind(" ", start + EXCERPT // 2, end)
        return start, end

    @staticmethod
    def _densest(spans: Sequence[Span]) -> int:
        """The start of the span that is followed by the most others within an excerpt; the first of equals."""
        starts = [start for start, _ in spans]
        following = [bisect_left(starts, start + EXCERPT - LEAD) - place for place, start in enumerate(starts)]
        return starts[following.index(max(following))]

    def _within(self, found: re.Match[str]) -> Iterator[Span]:
        start, word = found.start(), found.group()
        if _UNSPACED.match(word):
            yield from ((start + first, start + last) for first, last in self._signs(word))
        elif word in self._matching:
            yield found.span()

    def _has(self, plain: str, forms: Sequence[str]) -> bool:
        if plain in self._plain or not self._forms.isdisjoint(forms):
            return True
        return bool(self._near) and any(
            (len(typed) > 2 and plain.startswith(typed)) or (len(typed) > 3 and one_slip(typed, plain))
            for typed in self._near
        )

    def _signs(self, run: str) -> Iterator[Span]:
        """In a script without spaces: pairs of characters that the query contains, and its single characters."""
        hit = [sign in self._plain and sign not in self._in_pairs for sign in run]
        for place in range(len(run) - 1):
            if run[place : place + 2] in self._plain:
                hit[place] = hit[place + 1] = True
        start = None
        for place, marked in enumerate([*hit, False]):
            if marked and start is None:
                start = place
            elif not marked and start is not None:
                yield start, place
                start = None


def _texts(hit: Hit) -> Iterator[str]:
    """Every text of a hit in which words are marked."""
    expert = hit.expert
    yield from (expert.full_name, expert.job_title, expert.company, *(tag.name for tag in hit.tags))
    if hit.document is not None:
        yield hit.document.text
    start, length = hit.passage or (0, len(expert.bio))
    yield expert.bio[start : start + length]


@cache
def _analysed(languages: Languages) -> Callable[[Collection[str]], dict[str, Analysed]]:
    """Words of texts -> each with the folded word, and its forms in these languages.

    They are remembered, but not what is as long as no word.
    """
    known: dict[str, Analysed] = {}

    def read(words: Collection[str]) -> dict[str, Analysed]:
        found = {word: each for word in words if (each := known.get(word))}
        new = [word for word in words if word not in found]
        if new:
            plain = [_folded(word) for word in new]
            made = dict(zip(new, zip(plain, languages.forms_of_each(plain), strict=True), strict=True))
            if len(known) + len(made) > KNOWN_WORDS:
                known.clear()
            known.update((word, each) for word, each in made.items() if len(word) <= MAX_WORD_BYTES)
            found |= made
        return found

    return read


def _folded(word: str) -> str:
    if word.isascii() and len(word) < MAX_WORD_BYTES:
        return word.lower()
    return "".join(words_of(word))
