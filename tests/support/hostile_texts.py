"""Calls with the worst texts for each pattern and comparison, as long as a text that reaches it can be.

`tests/security/test_hostile_texts.py` runs this in a process with little processor time.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product

from accounts.forms import InviteForm
from experts.attachments import extraction
from experts.identity import identity_key
from experts.importing.cells import mark_formula, shorten, unmark_formula
from experts.importing.columns import COLUMNS, EMAIL, FULL_NAME, LOCATION, field_of
from experts.importing.conventions import Conventions
from experts.importing.encodings import find_encoding
from experts.importing.headers import read_header
from experts.importing.made import without_sources
from experts.importing.source_rows import SourceRow
from experts.importing.tables import ImportRow
from experts.importing.values import LONGEST_CELL, read_values, value_reader
from experts.profiles.letters import plain_letters
from experts.profiles.passages import divide
from experts.safe_text import visible, without_bidi_controls
from indexing.console import text_diff
from indexing.lib.messages import PLACEHOLDER
from indexing.runlog.line_filter import MAX_TEXT, LineFilter
from indexing.runlog.lines import MAX_MESSAGE
from indexing.search.highlights import Marker
from indexing.snapshot import query_syntax, text_analysis
from indexing.snapshot.query_terms import QueryAnalysis, QueryWord
from indexing.snapshot.suggestion_index import Suggestions
from indexing.snapshot.vocabulary import one_slip

Case = tuple[str, Callable[[], object]]

LONG = 200_000
"""Characters, where nothing limits a text."""
BIO = 20_000
"""Characters of the longest field of an expert. No query is longer either."""
MARKS = ("\u0301", "\u0327\u0301", "\u0591\u05b0", "\u093c\u094d", "\u0711\u0730", "\u0f73\u0f71", "\u302a\u302b")
"""Combining characters of several scripts, in an order that normalising has to change."""


def cases() -> Iterator[Case]:
    for each in (cells, addresses, analysis, documents, passages, queries, highlights, logs, differences):
        yield from each()


def cells() -> Iterator[Case]:
    for unit in ("'", " ", "=", "\x1b", "\u202e"):
        for call in (mark_formula, unmark_formula, shorten, visible, without_bidi_controls):
            yield call.__name__, partial(call, unit * LONG)
    for unit in (" _", "\t ", "_a"):
        yield "field_of", partial(field_of, unit * (LONG // 2))
    units = (
        " ",
        "\n",
        " \n",
        "9",
        ".9",
        "-",
        "e",
        "a.",
        "http://",
        "[:",
        "\x85 ",
        "2024-01-01T",
        "nl, ",
        " and ",
        "<",
        "https://a ",
    )
    for start, unit, size in product(("", "x", "0.", "-0", "http://a"), units, (LONGEST_CELL, LONG)):
        text = (start + unit * size)[: size - 1] + "x"
        row = ImportRow(1, dict.fromkeys(COLUMNS.values(), text))
        yield f"read_values {start}{unit!r}", partial(read_values, row, value_reader(Conventions(decimal=",")))
        yield f"made {start}{unit!r}", partial(without_sources, {FULL_NAME: text, EMAIL: text, LOCATION: f"x,{text}"})
        yield f"columns {start}{unit!r}", partial(read_header, [SourceRow(1, [text]), SourceRow(2, [text])])
        yield f"look alike {start}{unit!r}", partial(identity_key, text)
        yield f"encoding {start}{unit!r}", partial(encoding_of, f"{text}é")


def encoding_of(text: str) -> str:
    return find_encoding(io.BytesIO(text.encode("cp1252", "replace")))


def addresses() -> Iterator[Case]:
    for unit in (" ", ",", "; ", "a@", "<", "a ", ".", "@a."):
        yield f"invited {unit!r}", InviteForm({"emails": repeated(unit, LONG) + "x"}).is_valid


def documents() -> Iterator[Case]:
    for unit in (" ", "\n", " \n", "\n ", "\u2028", "\u2028\n", "\t\x0b", "a \n"):
        yield f"clean {unit!r}", partial(extraction.clean, repeated(unit, LONG) + "x")


def analysis() -> Iterator[Case]:
    for unit in (*MARKS, "a\u0301", "の", "\ufb01", "ﷺ", "ex-", "c+", "J#"):
        for call in (text_analysis.prepare, text_analysis.fold):
            yield f"{call.__name__} {unit!r}", partial(call, repeated(unit, LONG))
        yield f"terms {unit!r}", partial(QueryAnalysis().terms, repeated(unit, BIO))
        yield f"joined_words {unit!r}", lambda unit=unit: list(text_analysis.joined_words(repeated(unit, BIO)))


def passages() -> Iterator[Case]:
    for unit in (".", "?!", '."', ".\u3002", ". ", " ", " \n", "\x85 ", "a.", "の", "\u200b", "ﷺ", "ﾃﾞ"):
        yield f"divide {unit!r}", partial(divide, repeated(unit, BIO), "x. ", everything)
        yield f"plain_letters {unit!r}", partial(plain_letters, repeated(unit, LONG))


def everything(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


def queries() -> Iterator[Case]:
    for unit in ('"', ' "', " -", ' -"', "“ ", " „", ' "a', " -a", "+", ".", " #", "j.", "の"):
        yield f"read {unit!r}", partial(query_syntax.read, repeated(unit, BIO))
        nobody = Suggestions.from_records([])
        yield f"starting {unit!r}", partial(nobody.starting, repeated(unit, BIO))


def highlights() -> Iterator[Case]:
    words = [QueryWord(f"{'a' * 70}{number}", ("a",), False, True, 1.0) for number in range(63)]
    marker = Marker([*words, QueryWord("a", ("a",), True, False, 1.0)])
    for unit in (*MARKS, "a ", "a-", "a.", "é ", "ab", "の", "{", "c+", "a\u0301", "\U0001f642"):
        text = "z" * 300 + " " + repeated(unit, BIO)
        yield f"excerpt {unit!r}", partial(marker.excerpt, text)
        yield f"marked {unit!r}", partial(marker.marked, text)
    yield "one_slip", partial(one_slip, "a" * LONG, "a" * (LONG - 1) + "b")


def logs() -> Iterator[Case]:
    for text in ("a" * MAX_TEXT, "aab" * (MAX_TEXT // 3), "(" * MAX_TEXT, ".*" * (MAX_TEXT // 2)):
        yield f"log line {text[:3]}", partial(LineFilter("", text).marked, repeated(text[:-1] + "c", MAX_MESSAGE))
    for unit in ("%", "%0", "0", "%(", "%(a", "%.", "% ", "%1", "-", " 0"):
        yield f"message {unit}", partial(PLACEHOLDER.sub, "", "%" + repeated(unit, LONG))


def differences() -> Iterator[Case]:
    """Also of texts of just as many words as are compared."""
    for old, new in product((" ", "a ", "a b ", "a a b ", "\n"), (" ", "a ", "b a ", "a b b ", "b a a a ", "a c ")):
        yield f"sides {old!r} {new!r}", partial(text_diff.sides, repeated(old, BIO), repeated(new, BIO))
        short = ("z " + repeated(each, text_diff.COMPARED * 2 - 8) for each in (old, new))
        yield f"sides {old!r} {new!r}, short", partial(text_diff.sides, *short)


def repeated(unit: str, length: int) -> str:
    return unit * (length // len(unit))
