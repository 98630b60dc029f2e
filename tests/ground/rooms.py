"""Measures the house: its rooms, the imports between them, and the sizes that we hold ourselves to.

    python -m tests.ground.rooms [checkout]

A room is a module or package directly inside `indexing`; `experts` and `tcs_site` are one room each.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.ground.imports import Import, imports_of, is_ours, modules_of
from tests.ground.layers import against_the_layers
from tests.ground.template_lines import LONGEST_LINE

LONGEST_FILE = 300
LONGEST_FUNCTION = 40
LONGEST_VIEW = 30
LONGEST_TEMPLATE = 150
MOST_ROOMS = 30

HEAVY = {"torch", "sentence_transformers", "transformers", "safetensors", "openTSNE", "distributed", "onnx"}
HEAVY |= {"pymilvus", "grpc"}
"""Libraries that may be imported inside a function: they take seconds and hundreds of megabytes."""
NAMED_BY_DJANGO = {"Command"}
MIRRORS = {"Drift", "FacetValue", "Progress", "Verdict"}
"""Schemas of the API that are named like the class that they show."""


@dataclass(frozen=True)
class House:
    """What was measured. A list names each place, so that its length is the figure."""

    rooms: list[str] = field(metadata={"says": "second-level rooms of indexing/"})
    arrows: list[str] = field(metadata={"says": "import arrows between rooms"})
    floors: list[str] = field(metadata={"says": "floors: the longest chain of imports between rooms"})
    upward_imports: list[str] = field(metadata={"says": "imports against the layers"})
    rooms_in_cycles: list[str] = field(metadata={"says": "rooms that import each other in a circle"})
    function_imports: list[str] = field(metadata={"says": "imports inside functions, heavy libraries aside"})
    long_files: list[str] = field(metadata={"says": f"files over {LONGEST_FILE} lines"})
    long_functions: list[str] = field(metadata={"says": f"functions over {LONGEST_FUNCTION} lines"})
    long_views: list[str] = field(metadata={"says": f"views over {LONGEST_VIEW} lines"})
    long_templates: list[str] = field(metadata={"says": f"templates over {LONGEST_TEMPLATE} lines"})
    long_template_lines: list[str] = field(metadata={"says": f"template lines over {LONGEST_LINE} characters"})
    doubled_classes: list[str] = field(metadata={"says": "class names that stand for more than one class"})


def room_of(module: str) -> str:
    package, _, rest = module.partition(".")
    return f"indexing.{rest.partition('.')[0]}" if package == "indexing" and rest else package


def rooms_of(root: Path) -> list[str]:
    return sorted({room_of(name) for name in modules_of(root) if name.startswith("indexing.")})


def measure(root: Path) -> House:
    """Measure the checkout at `root`. Raises SyntaxError for a module that this Python cannot parse."""
    modules = modules_of(root)
    trees = {name: ast.parse(path.read_text()) for name, path in modules.items()}
    imports = imports_of(modules)
    arrows = arrows_of(imports)
    chain, cycles = longest_chain(arrows)
    return House(
        rooms=rooms_of(root),
        arrows=sorted(f"{a} -> {b}" for a, importees in arrows.items() for b in importees),
        floors=chain,
        upward_imports=[f"{each.by}: {each.what}" for each in against_the_layers(imports)],
        rooms_in_cycles=cycles,
        function_imports=[f"{i.by}: {i.what}" for i in imports if i.inside and i.what.partition(".")[0] not in HEAVY],
        long_files=list(long_files(root, modules)),
        long_functions=list(long_functions(trees)),
        long_views=list(long_views(trees)),
        long_templates=list(long_templates(root)),
        long_template_lines=list(long_template_lines(root)),
        doubled_classes=list(doubled_classes(trees)),
    )


def arrows_of(imports: Sequence[Import]) -> dict[str, set[str]]:
    """Each room to the rooms that it imports. What only type checkers see counts too: a reader meets it."""
    arrows: dict[str, set[str]] = defaultdict(set)
    for each in imports:
        if is_ours(each.what) and room_of(each.by) != room_of(each.what):
            arrows[room_of(each.by)].add(room_of(each.what))
    return dict(arrows)


def longest_chain(arrows: Mapping[str, set[str]]) -> tuple[list[str], list[str]]:
    """The longest chain of imports between rooms, lowest room last, and one cycle (empty if there is none).

    A cycle is cut at its last arrow, so that a chain can be given for a house that has one.
    """
    graph = {room: set(importees) for room, importees in arrows.items()}
    cycles: list[str] = []
    while True:
        try:
            order = list(TopologicalSorter(graph).static_order())
            break
        except CycleError as error:
            circle = error.args[1]
            cycles += [room for room in circle[:-1] if room not in cycles]
            graph[circle[1]].discard(circle[0])
    best: dict[str, list[str]] = {}
    for room in order:
        below = max((best[other] for other in graph.get(room, ())), key=len, default=[])
        best[room] = [room, *below]
    return max(best.values(), key=len, default=[]), cycles


def long_files(root: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    for path in modules.values():
        if (lines := len(path.read_text().splitlines())) > LONGEST_FILE:
            yield f"{path.relative_to(root)}: {lines}"


def functions_of(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def long_functions(trees: Mapping[str, ast.Module]) -> Iterator[str]:
    for name, tree in trees.items():
        for function in functions_of(tree):
            if lines_of(function) > LONGEST_FUNCTION:
                yield f"{name}.{function.name}: {lines_of(function)}"


def long_views(trees: Mapping[str, ast.Module]) -> Iterator[str]:
    """A view is a function of a module named `...views` whose first argument is the request."""
    for name, tree in trees.items():
        if name.endswith("views"):
            for function in functions_of(tree):
                is_view = [argument.arg for argument in function.args.args[:1]] == ["request"]
                if is_view and lines_of(function) > LONGEST_VIEW:
                    yield f"{name}.{function.name}: {lines_of(function)}"


def templates_of(root: Path) -> Iterator[tuple[str, list[str]]]:
    for path in sorted((root / "templates").rglob("*.html")):
        yield str(path.relative_to(root)), path.read_text().splitlines()


def long_templates(root: Path) -> Iterator[str]:
    return (f"{name}: {len(lines)}" for name, lines in templates_of(root) if len(lines) > LONGEST_TEMPLATE)


def long_template_lines(root: Path) -> Iterator[str]:
    for name, lines in templates_of(root):
        for number, line in enumerate(lines, start=1):
            if len(line) > LONGEST_LINE:
                yield f"{name}:{number}: {len(line)}"


def doubled_classes(trees: Mapping[str, ast.Module]) -> Iterator[str]:
    """Names of classes at the top of modules; one inside a model, as `RebuildRun.State`, is named with the model."""
    homes: dict[str, list[str]] = defaultdict(list)
    for name, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name not in NAMED_BY_DJANGO:
                homes[node.name].append(name)
    for name, where in sorted(homes.items()):
        in_the_api = [module for module in where if module.startswith("indexing.api.")]
        is_a_mirror = name in MIRRORS and len(where) == 2 and len(in_the_api) == 1
        if len(where) > 1 and not is_a_mirror:
            yield f"{name}: {', '.join(where)}"


def report(house: House, *, with_places: bool) -> str:
    lines = []
    for each in fields(house):
        places = getattr(house, each.name)
        lines.append(f"{len(places):5}  {each.metadata['says']}")
        if with_places and each.name != "arrows":
            lines += [f"         {place}" for place in places]
    return "\n".join(lines)


if __name__ == "__main__":
    checkout = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    print(report(measure(checkout), with_places=True))
