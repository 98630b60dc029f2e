"""Who may import whom, read from the imports themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from django.conf import settings

PACKAGES = ("tcs_site", "experts", "indexing")

ONLY = {
    # what a room may import of our own; everything else is closed to it
    "experts": ["experts"],
    "indexing.snapshot": ["indexing.snapshot", "indexing.errors", "indexing.lib", "experts.profiles"],
    "indexing.encoders": ["indexing.encoders", "indexing.errors", "indexing.lib"],
}

NEVER = {
    # what a room may not import, and who in it may all the same
    "indexing": (["tcs_site"], {}),
    "indexing.console": (
        [
            "indexing.building",
            "indexing.worker",
            "indexing.encoders",
            "indexing.embedding_map.layout",
            "indexing.api",
        ],
        {},
    ),
    "indexing.api": (
        ["indexing.building", "indexing.worker", "indexing.embedding_map.layout", "indexing.console"],
        {},
    ),
}

IMPORTERS = {
    # a heavy library: the only ones who import it
    "faiss": {"indexing.snapshot.vectors"},
    "tantivy": {"indexing.snapshot.keyword_index"},
    "torch": {"indexing.encoders.torch_encoder", "indexing.encoders.onnx_export"},
    "sentence_transformers": {"indexing.encoders.torch_encoder"},
    "onnxruntime": {"indexing.encoders.onnx_encoder"},
    "openTSNE": {"indexing.embedding_map.layout.tsne"},
}

INSIDE_FUNCTIONS = {
    # module: what it imports inside a function, and why
    "indexing.encoders.torch_encoder": {"torch", "sentence_transformers", "transformers"},  # seconds, hundreds of MB
    "indexing.encoders.onnx_export": {"torch"},
    "indexing.embedding_map.layout.tsne": {"openTSNE"},  # half of a worker's start, and not needed for few experts
}


@dataclass(frozen=True)
class Import:
    by: str
    what: str
    inside: bool
    """in a function"""
    typing_only: bool


@cache
def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in (settings.BASE_DIR / package).rglob("*.py"):
            parts = path.relative_to(settings.BASE_DIR).with_suffix("").parts
            if "migrations" not in parts:
                found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def imports() -> tuple[Import, ...]:
    return tuple(each for name, path in modules().items() for each in read(name, ast.parse(path.read_text())))


def read(by: str, tree: ast.AST, inside: bool = False, typing_only: bool = False) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        for what in named(node):
            yield Import(by, what, inside, typing_only)
        yield from read(
            by,
            node,
            inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda),
            typing_only or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"),
        )


def named(node: ast.AST) -> list[str]:
    """The modules that a statement imports; `importlib.import_module("...")` counts too."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"
        full = [f"{node.module}.{alias.name}" for alias in node.names]
        return [name if name in modules() else str(node.module) for name in full]
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "import_module"):
        return [str(ast.literal_eval(node.args[0]))]
    return []


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def ours(name: str) -> bool:
    return any(within(name, package) for package in PACKAGES)


def test_the_imports_are_found():
    assert len(modules()) > 60
    assert Import("tcs_site.urls", "indexing.api", inside=False, typing_only=False) in imports()
    assert any(each.what == "torch" and each.inside for each in imports())


@pytest.mark.parametrize("room", ONLY)
def test_a_room_imports_only_what_it_may(room):
    wrong = [
        f"{each.by} imports {each.what}"
        for each in imports()
        if within(each.by, room) and ours(each.what) and not any(within(each.what, may) for may in ONLY[room])
    ]
    assert wrong == []


@pytest.mark.parametrize("room", NEVER)
def test_a_room_never_imports_what_it_must_not(room):
    assert any(within(name, room) for name in modules())
    closed, exceptions = NEVER[room]
    wrong = [
        f"{each.by} imports {each.what}"
        for each in imports()
        if within(each.by, room)
        and any(within(each.what, other) for other in closed)
        and exceptions.get(each.by) != each.what
    ]
    assert wrong == []


def test_the_files_of_a_version_know_nothing_of_django():
    wrong = [each for each in imports() if within(each.by, "indexing.snapshot") and within(each.what, "django")]
    assert wrong == []


@pytest.mark.parametrize("library", IMPORTERS)
def test_a_heavy_library_has_few_importers(library):
    importers = {each.by for each in imports() if within(each.what, library) and not each.typing_only}
    assert importers == IMPORTERS[library]


def test_imports_stand_at_the_top_of_their_module():
    wrong = [
        f"{each.by} imports {each.what} in a function"
        for each in imports()
        if each.inside and each.what.partition(".")[0] not in INSIDE_FUNCTIONS.get(each.by, set())
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: set() for name in modules()}
    for each in imports():
        if not each.typing_only and each.what in graph and each.what != each.by:
            graph[each.by].add(each.what)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
