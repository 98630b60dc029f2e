"""What a build works out from the words of each expert alone, taken over from the previous version.

For each expert a version has a hash of all that counts for it, the languages that were found, the words as they are
indexed and the terms as they are counted. If the hash is the same, they are the same: so a build analyses only what
changed. The keyword index itself is written again from them, since its scores depend on all documents.
"""

from __future__ import annotations

import hashlib
import logging
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from experts.profiles import letters
from experts.profiles.hashes import HASH_BYTES
from experts.profiles.record_file import RecordFile
from experts.profiles.records import FIELDS
from indexing.building import languages
from indexing.building.languages import ProfileLanguages
from indexing.building.tag_names import TagNames
from indexing.errors import SnapshotInvalid
from indexing.snapshot import counted_terms, feedback_terms, keyword_schema, suggestion_index, text_analysis
from indexing.snapshot import languages as stems
from indexing.snapshot.feedback_terms import KnownTerms
from indexing.snapshot.keyword_index import ANALYSIS, read_analysis
from indexing.snapshot.line_blocks import Lines
from indexing.snapshot.lookup import find_rows
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.suggestion_index import KeysOfPeople, Suggestions
from indexing.snapshot.text_terms import TextTerms
from indexing.snapshot.version_files import (
    check_files,
    open_array,
    open_ids,
    open_passages,
    passage_files,
    read_manifest,
    unreadable,
)
from indexing.snapshot.writer import (
    IDS,
    INDEXED,
    INDEXED_ENDS,
    KEYWORDS,
    PASSAGE_TERMS,
    SUGGESTIONS,
    TEXT_TERMS,
    WORD_FILES,
    WORD_HASHES,
    WORD_LANGUAGES,
)

logger = logging.getLogger(__name__)

CODE = "S2"
_ANALYSIS: tuple[ModuleType, ...] = (
    *(letters, languages, stems, counted_terms, feedback_terms, keyword_schema, suggestion_index, text_analysis),
)
_FIELDS = ("username", "name", "job_title", "company", "bio", "documents")
"""Those of FIELDS that have words."""
_LIBRARIES = ("tantivy", "py3langid", "stop-words")


@dataclass(frozen=True, slots=True, eq=False)
class PreviousWords:
    """What a version has of the words of its n experts and m passages."""

    ids: NDArray[np.int64]
    hashes: NDArray[np.uint8]
    found: NDArray[np.bytes_]
    main: str
    """The main language of the directory then, in which companies and tags were analysed."""
    passages: PassageRows
    indexed: Lines
    texts: TextTerms
    pieces: TextTerms
    names: KeysOfPeople

    @classmethod
    def open(cls, folder: Path) -> PreviousWords | None:
        """Those of the version in `folder`; None if it is of an earlier release. Raises SnapshotInvalid if its files
        do not match its manifest."""
        manifest = read_manifest(folder)
        if not all(name in manifest.files for name in WORD_FILES):
            return None
        analysis = f"{KEYWORDS}/{ANALYSIS}"
        checked = (IDS, SUGGESTIONS, analysis, *passage_files(manifest), *WORD_FILES)
        check_files(folder, manifest, hashes=True, only=checked)
        count, passages = manifest.count, open_passages(folder, manifest)
        try:
            packed = np.memmap(folder / INDEXED, np.uint8, "r")
            return cls(
                ids=open_ids(folder, manifest),
                hashes=open_array(folder / WORD_HASHES, np.dtype(np.uint8), (count, HASH_BYTES)),
                found=open_array(folder / WORD_LANGUAGES, np.dtype(CODE), (count, 2)),
                main=read_analysis(folder / analysis).languages.codes[0],
                passages=passages,
                indexed=Lines(packed, np.load(folder / INDEXED_ENDS, allow_pickle=False), count),
                texts=TextTerms.load(folder / TEXT_TERMS, count),
                pieces=TextTerms.load(folder / PASSAGE_TERMS, len(passages)),
                names=KeysOfPeople(Suggestions.load(folder / SUGGESTIONS, count), count),
            )
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise unreadable(folder, error) from error


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The hashes and languages of n experts, and where the previous version has the rest of their words."""

    hashes: NDArray[np.uint8]
    """uint8[n, 16]"""
    rows: NDArray[np.int64]
    """[n]: the row of the same expert with the same words in `previous`; -1 if there is none."""
    found: NDArray[np.bytes_]
    """S2[n, 2]: see `languages.detect`."""
    spoken: ProfileLanguages
    previous: PreviousWords | None

    @classmethod
    def of(
        cls, experts: RecordFile, fields: NDArray[np.uint64], tags: TagNames, previous: PreviousWords | None
    ) -> Words:
        """Those of `experts`, whose `field_hashes` are `fields`, uint64[n, fields]."""
        hashes = word_hashes(fields, tags)
        found, rows = np.zeros((len(experts), 2), CODE), np.full(len(experts), -1, np.int64)
        if previous:
            places, is_known = find_rows(previous.ids, experts.ids)
            same = is_known & (previous.hashes[places] == hashes).all(1)
            rows[same], found[same] = places[same], previous.found[places[same]]
            previous = previous if same.any() else None  # it takes as much memory as the rest of this stage
        for row in np.flatnonzero(rows < 0).tolist():
            found[row] = languages.detect(experts[row])
        return cls(hashes, rows, found, languages.settle(*found.astype(np.str_).T.tolist()), previous)

    @property
    def stems(self) -> PreviousWords | None:
        """`previous` if what it has of the analysed words can be taken over: not in another main language."""
        return self.previous if self.previous and self.previous.main == self.spoken.main else None

    @property
    def analysed(self) -> NDArray[np.int64]:
        """int64[n]: as `rows`, for what depends on the main language too."""
        return self.rows if self.stems else np.full(len(self.rows), -1)

    @property
    def indexed(self) -> Lines | None:
        """What `keyword_schema.words_as_json` gave for the rows `analysed`."""
        return self.stems.indexed if self.stems else None

    def name_keys(self, row: int) -> Collection[bytes] | None:
        """The keys under which the name of the expert in this row is suggested, if they are known."""
        before = int(self.rows[row])
        return self.previous.names[before] if self.previous and before >= 0 else None

    def known_terms(self, passages: PassageRows) -> KnownTerms | None:
        """The terms that are known of the profiles and of these `passages`."""
        if self.stems is None:
            return None
        before = self.stems.passages
        place = {entry: at for at, entry in enumerate(map(tuple, before.table.tolist()))}
        first = dict(zip(before.owners.tolist(), before.starts.tolist(), strict=True))
        wholes = set(passages.starts.tolist())
        pieces = np.full(len(passages), -1, np.int64)
        for at, (row, start, length) in enumerate(passages.table.tolist()):
            old = int(self.rows[row])
            known = place.get((old, start, length), -1) if old >= 0 else -1
            is_whole = known >= 0 and first[old] == known
            if is_whole == (at in wholes):
                pieces[at] = known
        return KnownTerms(self.stems.texts, self.stems.pieces, self.rows, pieces)


def word_hashes(fields: NDArray[np.uint64], tags: TagNames) -> NDArray[np.uint8]:
    """uint8[n, 16]: they change with each text of an expert, of which `fields` has the hashes (`field_hashes`), the
    names of the tags, and what analyses them."""
    columns = [list(FIELDS).index(name) for name in _FIELDS]
    texts, names, key = fields[:, columns].tobytes(), tags.hashes.tobytes(), analysis()
    size, starts = 8 * len(columns), (8 * tags.starts).tolist()
    hashes = bytearray()
    for row, (start, end) in enumerate(zip(starts, starts[1:], strict=False)):
        hashed = texts[row * size : (row + 1) * size] + names[start:end]
        hashes += hashlib.blake2b(hashed, digest_size=HASH_BYTES, key=key).digest()
    return np.frombuffer(bytes(hashes), np.uint8).reshape(-1, HASH_BYTES)


@cache
def analysis() -> bytes:
    """16 bytes that change with the code and the libraries that analyse words."""
    digest = hashlib.blake2b(digest_size=HASH_BYTES)
    for module in _ANALYSIS:
        digest.update(Path(str(module.__file__)).read_bytes() + b"\0")
    for library in (*map(version, _LIBRARIES), unicodedata.unidata_version):
        digest.update(library.encode() + b"\0")
    return digest.digest()


def previous_words(folder: Path | None, *, reembed: bool) -> PreviousWords | None:
    """The words that may be taken over: none with `reembed`, from an earlier release, or if files are damaged."""
    if folder is None or reembed:
        return None
    try:
        return PreviousWords.open(folder)
    except SnapshotInvalid as error:
        logger.warning(gettext_noop("The words of all experts are analysed again: %s"), error)
        return None
