"""Looks for words that make English read as if it were translated.

    python -m tests.ground.words [--texts | --code]

They must not appear in what users read (messages, templates, the documentation), nor in docstrings, comments and
names of tests.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

NOT_OURS = {"vendor", "migrations", "samples"}
THESE_FILES = {"words.py", "test_words.py"}
STOP_WORDS = {
    ("indexing/snapshot/languages.py", "whom"),
    ("experts/management/commands/import_experts.py", "mend"),  # a key of its JSON, which scripts read
}

WORDS = {
    # what not to write: what to write
    r"mend(?:s|ed|ing)?": "fix",
    r"anew": "again",
    r"reckon(?:s|ed|ing)?": "calculate",
    r"in vain": "without results",
    r"out of order": "unavailable",
    r"so many": "as many, that many",
    r"besides": "also, in addition",
    r"whom": "name the subject",
    r"whomever|whosoever": "anyone who",
    r"asked for": "requested",
    r"(?:is|are|be|was|were|been|not|nobody|anybody) told(?! that| apart)": "reported, sent",
    r"told (?:of|by|to (?:any|no|some)body)": "reported, sent",
    r"kept with": "saved with",
    r"(?<!there )(?:is|are) no(?! (?:longer|more|later|earlier|\w+er than)\b)": "is not a",
    r"(?:came|comes?|coming) to (?:its|their|an) end": "completed, ended",
    r"(?:nobody|who|experts|people|what) (?:came|went)(?! wrong)": "added, removed",
    r"(?:what|version|versions) goes(?! live)": "will be deleted",
    r"goes (?:next|after the|when the next)": "will be deleted",
    r"no basis": "no estimate",
    r"on hold": "paused, held",
    r"put right": "correct",
    r"put down to": "recorded under",
    r"given up for lost": "marked as crashed",
    r"without a word": "unexpectedly",
    r"who is, is": "name the subject",
    r"for want of": "because there is no",
    r"forsaken": "stale",
    r"crowded out": "over the limit",
    r"at an end": "over",
    r"the while": "meanwhile",
    r"lest": "so that ... not",
    r"thereof|whereof|therein|wherein|hereby|hitherto": "plain words",
    r"whence|thence|hence": "so, from there",
}
IN_TEXTS = {
    # words that engineers may use, but not pages, messages and the documentation
    r"swept": "deleted",
    r"log(?:ged)? (?:in|out)(?! every)": "sign in, sign out",
    r"by hand": "manually, manual",
    r"asked of": "run against",
    r"whoever|whomever": "anyone who, the person who",
}


@cache
def pattern_of(*words: str) -> re.Pattern[str]:
    """One boundary before them all: most places of a text are none."""
    any_of_them = "|".join(rf"(?P<w{n}>{word})\b" for n, word in enumerate(words))
    return re.compile(rf"\b(?:{any_of_them})", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    file: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: “{self.word}” (better: {self.instead})"


def words_in(text: str, words: dict[str, str] = WORDS) -> Iterator[tuple[int, str, str]]:
    """Each of `words` in `text`: its line, counted from 0, the word, and what to write instead."""
    better = list(words.values())
    for match in pattern_of(*words).finditer(text):
        yield text.count("\n", 0, match.start()), match[0], better[int(str(match.lastgroup)[1:])]


def in_texts() -> list[Finding]:
    """What users read: strings of the product, templates, the documentation."""
    words = WORDS | IN_TEXTS
    found: list[Finding] = []
    for path in python_files("accounts", "experts", "indexing", "tcs_site"):
        found += findings(path, strings_of(path), words)
    for path in [*files("templates", "*.html"), *files("docs", "*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"]:
        found += findings(path, [(1, path.read_text())], words)
    return found


def in_code() -> list[Finding]:
    """What the next engineer reads: docstrings, comments, names of tests."""
    found: list[Finding] = []
    for path in python_files("accounts", "experts", "indexing", "tcs_site", "tests"):
        found += findings(path, [*docstrings_of(path), *comments_of(path), *names_of_tests(path)], WORDS)
    for path in [*files("static", "*.js"), *files("static", "*.css")]:
        found += findings(path, [(1, path.read_text())], WORDS)
    return found


def findings(path: Path, texts: list[tuple[int, str]], words: dict[str, str]) -> Iterator[Finding]:
    for start, text in texts:
        for line, word, instead in words_in(text, words):
            name = str(path.relative_to(ROOT))
            if (name, word) not in STOP_WORDS:
                yield Finding(name, start + line, word, instead)


def files(folder: str, pattern: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob(pattern) if not NOT_OURS.intersection(path.parts))


def python_files(*folders: str) -> list[Path]:
    """Those that contain one of the words at all; to parse the others would take seconds."""
    any_word = pattern_of(*WORDS, *IN_TEXTS)
    paths = [path for folder in folders for path in files(folder, "*.py") if path.name not in THESE_FILES]
    return [path for path in paths if any_word.search(path.read_text().replace("_", " "))]


def strings_of(path: Path) -> list[tuple[int, str]]:
    tree = ast.parse(path.read_text())
    docstrings = {id(node) for node in docstring_nodes(tree)}
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def docstrings_of(path: Path) -> list[tuple[int, str]]:
    return [(node.lineno, str(node.value)) for node in docstring_nodes(ast.parse(path.read_text()))]


def docstring_nodes(tree: ast.AST) -> Iterator[ast.Constant]:
    """Strings that stand alone: docstrings, also those of attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value


def comments_of(path: Path) -> list[tuple[int, str]]:
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]


def names_of_tests(path: Path) -> list[tuple[int, str]]:
    return [
        (node.lineno, node.name.replace("_", " "))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


if __name__ == "__main__":
    chosen = [*([] if "--code" in sys.argv else in_texts()), *([] if "--texts" in sys.argv else in_code())]
    print("\n".join(map(str, chosen)))
    print(len(chosen))
