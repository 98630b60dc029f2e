"""The imports of the tree, read from its source. Nothing is imported, so any checkout can be read."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("tcs_site", "experts", "indexing", "accounts")


@dataclass(frozen=True)
class Import:
    by: str
    """The importing module, such as `indexing.search.searcher`."""
    what: str
    """What it imports: a module of ours, or the module part of anything else."""
    inside: bool
    """Whether the statement stands in a function."""
    typing_only: bool
    """Whether it stands under `if TYPE_CHECKING`."""


def modules_of(root: Path) -> dict[str, Path]:
    """Each module of ours below a checkout's root, by its dotted name; migrations are left out."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            if "migrations" not in parts:
                found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports_of(modules: Mapping[str, Path]) -> tuple[Import, ...]:
    return tuple(
        each for name, path in modules.items() for each in _imports_in(name, ast.parse(path.read_text()), modules)
    )


def _imports_in(
    by: str, tree: ast.AST, modules: Mapping[str, Path], inside: bool = False, typing_only: bool = False
) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        for what in _imported_by(node, modules):
            yield Import(by, what, inside, typing_only)
        yield from _imports_in(
            by,
            node,
            modules,
            inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda),
            typing_only or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"),
        )


def _imported_by(node: ast.AST, modules: Mapping[str, Path]) -> list[str]:
    """The modules that a statement imports; `importlib.import_module("...")` counts too."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"
        full = [f"{node.module}.{alias.name}" for alias in node.names]
        return [name if name in modules else str(node.module) for name in full]
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "import_module"):
        name = node.args[0]
        return [str(name.value)] if isinstance(name, ast.Constant) else []
    return []


def within(name: str, package: str) -> bool:
    """Whether a dotted name is the package or lies below it."""
    return name == package or name.startswith(f"{package}.")


def is_ours(name: str) -> bool:
    return any(within(name, package) for package in PACKAGES)


def reachable(start: str, modules: Mapping[str, Path], imports: Iterable[Import]) -> dict[str, tuple[str, ...]]:
    """Every module, ours or not, that importing `start` loads, each with the chain of imports that leads to it.

    The packages above an imported module of ours are loaded as well. What only type checkers see is not.
    """
    by_importer: dict[str, set[str]] = {}
    for each in imports:
        if not each.typing_only and not each.inside:
            by_importer.setdefault(each.by, set()).add(each.what)
    chains: dict[str, tuple[str, ...]] = {start: (start,)}
    waiting = [start]
    while waiting:
        current = waiting.pop(0)
        parents = [current.rpartition(".")[0]] if current in modules and "." in current else []
        for what in (*parents, *sorted(by_importer.get(current, ()))):
            if what not in chains:
                chains[what] = (*chains[current], what)
                waiting.append(what)
    return chains
