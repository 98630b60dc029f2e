"""What is suggested while somebody types: people, titles, companies and tags, by the beginning of any word.

Each entry has one key in a sorted list for each of its words: “ada lovelace” and “lovelace”. A prefix is one range of
that list, found by binary search. Keys are folded as the keyword index folds words: no case, no accents.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experts.profiles.records import ExpertRecord
from indexing.snapshot.sorted_keys import MAX_KEY_BYTES, SortedKeys
from indexing.snapshot.text_analysis import fold, is_unspaced, joined_words

MAX_STARTS = 6
"""An entry is found by the beginnings of its first words only, up to this many."""
MAX_SIGNS = 12
"""Of a word of a script without spaces, the first characters at which it may be found."""
_NO_WORD = re.compile(r"[^\w+#.]|_|(?<!\S)[+#.]+|\.(?!\w)")
REMEMBERED = 65_536
"""Titles, companies and tags whose folded form is remembered while the entries are made: most come again."""
BLOCK = 512
"""Entries that are put in order at once; far more than are shown."""
STORED = ("keys", "key_ends", "key_entries", "kinds", "texts", "text_ends", "rows", "row_ends")


class SuggestionKind(IntEnum):
    PERSON = 0
    TITLE = 1
    COMPANY = 2
    TAG = 3


@dataclass(frozen=True, slots=True)
class SuggestionEntry:
    kind: SuggestionKind
    text: str
    """Empty for a person: the name is read from the directory, as it is now."""
    rows: NDArray[np.int32]
    """The rows of the experts who have it."""


@dataclass(frozen=True, slots=True, eq=False)
class Suggestions:
    """The entries of one version. Immutable; e entries, s keys."""

    keys: NDArray[np.uint8]
    """All keys one after another, in rising order of their bytes."""
    key_ends: NDArray[np.int64]
    """[s]: where in `keys` each key ends."""
    key_entries: NDArray[np.int32]
    """[s]: the entry that each key belongs to."""
    kinds: NDArray[np.uint8]
    """[e]: the `SuggestionKind` of each entry."""
    texts: NDArray[np.uint8]
    """The texts of all entries one after another, as UTF-8."""
    text_ends: NDArray[np.int64]
    """[e]: where in `texts` each entry's text ends."""
    rows: NDArray[np.int32]
    """The rows of the experts who have each entry, one entry after another."""
    row_ends: NDArray[np.int64]
    """[e]: where in `rows` each entry's rows end."""
    counts: NDArray[np.int64] = field(init=False)
    """[e]: how many experts have each entry."""
    by_rank: NDArray[np.int32] = field(init=False)
    """[e]: the entries, most frequent first."""
    shared: dict[SuggestionKind, tuple[NDArray[np.int64], NDArray[np.int32]]] = field(init=False)
    """For each kind except people: the indices of its keys, rising, and for each its entry's index in `by_rank`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", np.diff(self.row_ends, prepend=0))
        if len(self.key_entries) and not int(self.key_entries.max()) < len(self.kinds):
            raise ValueError("a key has no entry")
        by_rank = np.argsort(-self.counts, kind="stable").astype(np.int32)
        ranks = np.empty_like(by_rank)
        ranks[by_rank] = np.arange(len(by_rank), dtype=np.int32)
        object.__setattr__(self, "by_rank", by_rank)
        kinds = self.kinds[self.key_entries]
        places = {kind: np.flatnonzero(kinds == kind) for kind in SuggestionKind if kind != SuggestionKind.PERSON}
        shared = {kind: (at, ranks[self.key_entries[at]]) for kind, at in places.items()}
        object.__setattr__(self, "shared", shared)

    @classmethod
    def from_records(
        cls,
        experts: Sequence[ExpertRecord],
        tags: Callable[[int], Iterable[str]] = lambda row: (),
        known: Callable[[int], Collection[bytes] | None] = lambda row: None,
    ) -> Suggestions:
        """The suggestions for `experts`, in the order of the version's rows. By row, `tags` gives the names of the
        tags, and `known` the keys of some people (`KeysOfPeople`)."""
        shared: dict[tuple[int, str], array[int]] = {}
        spelled: list[str] = []
        plain = lru_cache(REMEMBERED)(_plain)
        title, company, tag = SuggestionKind.TITLE.value, SuggestionKind.COMPANY.value, SuggestionKind.TAG.value
        keys = SortedKeys()
        for row, expert in enumerate(experts):
            keys.add(row, known(row) or {*_name_starts(expert), *_whole_key(expert.username)})
            had = [(title, expert.job_title), (company, expert.company), *((tag, name) for name in tags(row))]
            for kind, written in had:
                text, folded = plain(written)
                if (rows := shared.get((kind, folded))) is not None:
                    rows.append(row)
                elif text:
                    shared[kind, folded] = array("i", [row])
                    spelled.append(text)
        people = len(experts)  # each is an entry without a text; then come the others
        for number, (_kind, key) in enumerate(shared, people):
            keys.add(number, _starts(key))
        texts = [text.encode("utf-8", "replace") for text in spelled]
        sorted_keys, key_ends, key_entries = keys.arrays()
        kinds = np.array([kind for kind, _key in shared], np.uint8)
        own = np.arange(people, dtype=np.int32)
        return cls(
            keys=sorted_keys,
            key_ends=key_ends,
            key_entries=key_entries,
            kinds=np.concatenate([np.full(people, SuggestionKind.PERSON, np.uint8), kinds]),
            texts=np.frombuffer(b"".join(texts), np.uint8),
            text_ends=np.concatenate([np.zeros(people, np.int64), _ends(texts)]),
            rows=np.concatenate([own, *(np.array(rows, np.int32) for rows in shared.values())]),
            row_ends=np.concatenate([np.arange(1, people + 1), _ends(shared.values()) + people]),
        )

    def save(self, path: Path) -> None:
        """Write the stored columns as an .npz file. Raises OSError."""
        np.savez(path, **{name: getattr(self, name) for name in STORED})

    @classmethod
    def load(cls, path: Path, experts: int) -> Suggestions:
        """Read what `save` wrote for that many experts. Raises KeyError, ValueError or OSError otherwise."""
        with np.load(path, allow_pickle=False) as columns:
            loaded = cls(**{name: columns[name] for name in STORED})
        for values, ends, count in (
            (loaded.keys, loaded.key_ends, len(loaded.key_entries)),
            (loaded.texts, loaded.text_ends, len(loaded.kinds)),
            (loaded.rows, loaded.row_ends, len(loaded.kinds)),
        ):
            if len(ends) != count or (np.diff(ends) < 0).any() or (int(ends[-1]) if count else 0) != len(values):
                raise ValueError("the columns have different lengths")
        if len(loaded.rows) and not 0 <= int(loaded.rows.min()) <= int(loaded.rows.max()) < experts:
            raise ValueError(f"a row is beyond the {experts} experts")
        return loaded

    def __len__(self) -> int:
        return len(self.kinds)

    def starting(self, prefix: str) -> dict[SuggestionKind, Iterator[SuggestionEntry]]:
        """By kind, the entries in which the text from some word on begins with `prefix`, ignoring case and accents.

        People come in the order of their keys, everything else by frequency, highest first. The iterators are lazy:
        taking a few entries costs little, however many there are.
        """
        wanted = _cut(_typed(prefix))
        places = range(len(self.key_entries) if wanted else 0)
        first = bisect_left(places, wanted, key=self._key)
        last = bisect_left(places, wanted + b"\xff", lo=first, key=self._key)  # a byte that UTF-8 never contains
        return {kind: map(self._entry, self._numbers(kind, first, last)) for kind in SuggestionKind}

    def _numbers(self, kind: SuggestionKind, first: int, last: int) -> Iterator[int]:
        """The entries of this kind among the keys from `first` to before `last`, each once."""
        if kind == SuggestionKind.PERSON:
            return _each_once(self._people(first, last))
        places, ranks = self.shared[kind]
        begin, end = np.searchsorted(places, (first, last)).tolist()
        return _each_once(self._most_frequent(ranks[begin:end]))

    def _people(self, first: int, last: int) -> Iterator[int]:
        """In growing blocks: one letter may begin half of all keys, but only a few people are shown."""
        size = BLOCK
        while first < last:
            numbers = self.key_entries[first : min(first + size, last)]
            yield from numbers[self.kinds[numbers] == SuggestionKind.PERSON].tolist()
            first, size = first + size, size * 2

    def _most_frequent(self, ranks: NDArray[np.int32]) -> Iterator[int]:
        """The most frequent first. Sorts the first BLOCK only, which is usually all that is taken."""
        if len(ranks) > BLOCK:
            ranks = np.partition(ranks, BLOCK)
        for start, end in ((0, BLOCK), (BLOCK, len(ranks))):
            yield from self.by_rank[np.sort(ranks[start:end])].tolist()

    def _key(self, place: int) -> bytes:
        return self.keys[slice(*_span(self.key_ends, place))].tobytes()

    def _entry(self, number: int) -> SuggestionEntry:
        text = self.texts[slice(*_span(self.text_ends, number))].tobytes().decode()
        return SuggestionEntry(
            SuggestionKind(int(self.kinds[number])), text, self.rows[slice(*_span(self.row_ends, number))]
        )


class KeysOfPeople:
    """The keys of people in the suggestions of one version, by their rows."""

    def __init__(self, suggestions: Suggestions, experts: int) -> None:
        """Of a version of that many experts."""
        self._letters, self._key_ends = suggestions.keys.tobytes(), suggestions.key_ends
        own = np.flatnonzero(suggestions.key_entries < experts)
        entries = suggestions.key_entries[own]
        self._places = own[np.argsort(entries, kind="stable")]
        self._ends = np.cumsum(np.bincount(entries, minlength=experts))
        self._number, self._block = -1, [list[bytes]()]

    def __getitem__(self, row: int) -> list[bytes]:
        """The keys of one row; many rows are read fastest in their order."""
        if row // BLOCK != self._number:
            self._number = row // BLOCK
            self._block = self._read(self._number * BLOCK)
        return self._block[row % BLOCK]

    def _read(self, first: int) -> list[list[bytes]]:
        begin = int(self._ends[first - 1]) if first else 0
        ends = self._ends[first : first + BLOCK]
        places = self._places[begin : int(ends[-1])]
        last = self._key_ends[places].tolist()
        starts = np.where(places > 0, self._key_ends[places - 1], 0).tolist()
        keys = [self._letters[start:end] for start, end in zip(starts, last, strict=True)]
        each = [0, *(ends - begin).tolist()]
        return [keys[start:end] for start, end in zip(each, each[1:], strict=False)]


def _plain(text: str) -> tuple[str, str]:
    """The text with single spaces, and the same folded."""
    text = " ".join(text.split())
    return text, fold(text)


def _each_once(numbers: Iterator[int]) -> Iterator[int]:
    seen: set[int] = set()
    for number in numbers:
        if number not in seen:
            seen.add(number)
            yield number


def _span(ends: NDArray[np.int64], number: int) -> tuple[int, int]:
    return int(ends[number - 1]) if number else 0, int(ends[number])


def _ends(parts: Iterable[Sequence[object] | bytes]) -> NDArray[np.int64]:
    return np.cumsum(np.fromiter((len(part) for part in parts), np.int64), dtype=np.int64)


def _starts(text: str) -> set[bytes]:
    """The folded text from each of its first words on, as keys; words with points also in parts: j r r for J.R.R."""
    words = _typed(text).split()
    keys = {_cut(" ".join(words[start:])) for start in range(min(len(words), MAX_STARTS))}
    if any("." in word.strip(".") for word in words):
        keys |= _starts(text.replace(".", " "))
    keys |= {_cut(joined) for joined in joined_words(text)}
    for word in words[:MAX_STARTS]:
        if is_unspaced(word):  # any character may begin a word
            keys |= {_cut(word[start:]) for start in range(1, min(len(word), MAX_SIGNS))}
    return keys


def _name_starts(expert: ExpertRecord) -> set[bytes]:
    """The name in both orders. Scripts without spaces write the surname first, and none between the two; surnames of
    several words are also typed as one, vandenbergh.
    """
    first, last = expert.first_name, expert.last_name
    keys = _starts(f"{first} {last}") | _starts(f"{last} {first}") | _whole_key("".join(_typed(last).split()))
    if is_unspaced(fold(last)):
        keys |= _whole_key(last + first)
    return keys


def _typed(text: str) -> str:
    """The folded text with one space for all that does not belong to a word: commas, hyphens and apostrophes too."""
    return " ".join(_NO_WORD.sub(" ", fold(text)).split())


def _whole_key(text: str) -> set[bytes]:
    key = _cut(_typed(text))
    return {key} if key else set()


def _cut(text: str) -> bytes:
    return text.encode("utf-8", "replace")[:MAX_KEY_BYTES]
