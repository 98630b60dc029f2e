"""docs/operating.md, “When something goes wrong”: every sentence with which the console can report a failure has a
row that says what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from indexing import errors

FAMILY = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
FAMILY |= {"InvalidFilter", "PermissionDenied", "ValueError"}
SAYING = {"_", "gettext", "gettext_noop", "gettext_lazy", "ngettext", "message", "plural_message"}
COUNTING = {"ngettext", "plural_message"}
ENDS_A_RUN = {"fail", "_fail", "mark_crashed", "hold"}
SAYS_WHY = {"_why_lost", "_serve", "cancelled_sentence"}
WHOLE_FILES = {"errors.py", "gate.py"}
NOT_THE_CONSOLE = {"api", "management", "migrations"}
"""The API answers with the same sentences and a status; a command's own mistakes are said where it is typed."""
NOT_OF_THE_CONSOLE = {"backup.py", "evaluation.py", "exporting.py", "exports.py", "model_files.py"}
"""Of commands, of the log alone, or parts of a longer sentence."""
NOT_A_FAILURE = {"Its cancellation was requested.", "start", "somebody"}
PLACEHOLDER = re.compile(r"%\(\w+\)[^a-zA-Z]*[a-z]|%[sd]|\{\{.*?\}\}")
IN_TEMPLATE = re.compile(r'\{% translate "(.*?)"|%\}([^{]*(?:\{\{.*?\}\}[^{]*)+)\{%', re.DOTALL)


def sources() -> Iterator[Path]:
    for path in sorted((settings.BASE_DIR / "indexing").rglob("*.py")):
        if not NOT_THE_CONSOLE.intersection(path.parts) and path.name not in NOT_OF_THE_CONSOLE:
            yield path


def said_in(node: ast.AST) -> Iterator[str]:
    """The translatable texts below a node; of those that count something, the plural."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in SAYING:
            for text in call.args[1:2] if call.func.id in COUNTING else call.args[:1]:
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield text.value


def name_of(called: ast.AST | None) -> str:
    if isinstance(called, ast.Call):
        called = called.func
    return called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""


def failures_of(path: Path) -> Iterator[str]:
    """What is raised as one of our errors, ends a run badly, is a rule of the gate or a problem of serving."""
    tree = ast.parse(path.read_text())
    if path.name in WHOLE_FILES:
        yield from said_in(tree)
    for node in ast.walk(tree):
        if any(
            (
                isinstance(node, ast.Raise) and name_of(node.exc) in FAMILY,
                isinstance(node, ast.Call) and name_of(node) in ENDS_A_RUN,
                isinstance(node, ast.FunctionDef) and node.name in SAYS_WHY,
            )
        ):
            yield from said_in(node)


def sentences() -> dict[str, str]:
    """Each sentence to the file that says it."""
    found = {said: path.name for path in sources() for said in failures_of(path)}
    return {said: where for said, where in found.items() if said not in NOT_A_FAILURE and not is_good_news(said)}


def is_good_news(said: str) -> bool:
    return said.startswith(("All ", "There are no search tests", "Nothing to compare", "The vector index is exact"))


def rows() -> list[str]:
    """The messages of the table's first column."""
    text = (settings.BASE_DIR / "docs" / "operating.md").read_text()
    table = text.partition("## When something goes wrong")[2].partition("\n## ")[0]
    cells = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")]
    return [message for cell in cells[1:] for message in cell.split("; ")]


def speaks_of(row: str, said: str) -> bool:
    """The words of the row stand in the sentence in their order; `…`, N and M stand for whatever differs."""
    parts = [part.strip(" .") for part in re.split(r"…|\b[NM]\b", row.replace("*", ""))]
    pattern = ".*".join(re.escape(part) for part in parts if part)
    return bool(pattern and re.search(pattern, PLACEHOLDER.sub("", said)))


def test_a_row_speaks_of_a_sentence_whose_words_it_has():
    assert speaks_of(
        "Disk full: about N MB needed", "Disk full: about %(needed)d MB needed for a version in %(folder)s"
    )
    assert speaks_of("N of the M experts are gone", "%(lost)s of the %(of)s experts are gone (%(share).1f %%).")
    assert not speaks_of("Disk full", "The directory has no active experts: import some before rebuilding.")
    assert not speaks_of("…", "The directory has no active experts: import some before rebuilding.")


def test_there_are_sentences_and_rows():
    assert len(sentences()) > 60
    assert len(rows()) > 30
    assert any(said.startswith("There is no index yet") for said in sentences())


def test_the_documentation_says_what_to_do_about_each_failure():
    table = rows()
    unheard = {said: where for said, where in sentences().items() if not any(speaks_of(row, said) for row in table)}
    assert not unheard


def said_in_templates() -> Iterator[str]:
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        yield from ("".join(found) for found in IN_TEMPLATE.findall(path.read_text()))


def test_every_documented_message_is_one_that_can_be_shown():
    """Also outside those: by templates, the status, the map's worker."""
    files = (settings.BASE_DIR / "indexing").rglob("*.py")
    everything = [said for path in files for said in said_in(ast.parse(path.read_text()))]
    everything += said_in_templates()
    strangers = [row for row in rows() if not any(speaks_of(row, said) for said in everything)]
    assert not strangers
