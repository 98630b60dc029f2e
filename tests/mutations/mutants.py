"""Small changes to the functions of a module, one at a time: what a slip could have written instead.

A comparison turned or moved by one, a call or `raise` dropped, plus for minus, `and` for `or`, a condition or a flag
reversed, a row read without its lock. Code outside functions is left alone, and so is what is only logged.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

TURNED: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Lt: (ast.GtE, ast.LtE),
    ast.LtE: (ast.Gt, ast.Lt),
    ast.Gt: (ast.LtE, ast.GtE),
    ast.GtE: (ast.Lt, ast.Gt),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
UNLOCKED = {"locked": "read", "select_for_update": "all"}
"""Reads a row where it must be locked."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
NOT_RUN_WITH_IT = {"decorator_list", "annotation", "returns"}
"""Parts of a function that run when it is defined, or never."""
LONGEST_TEXT = 100
NOTE = "__note_line__"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change in one place of a module."""

    module: str
    """its path below the root"""
    name: str
    """function and change; the same when other lines of the module move"""
    line: int
    statement: int
    """the first line of its innermost statement"""
    code: CodeType = field(repr=False, compare=False)
    """the whole module with the change"""

    @property
    def key(self) -> str:
        return f"{self.module} {self.name}"

    def __str__(self) -> str:
        return f"{self.module}:{self.line}  {self.name}"


def mutants_of(module: str, root: Path) -> list[Mutant]:
    """All mutants of a module, in the order of its lines."""
    path = root / module
    tree = ast.parse(path.read_text())
    unchanged = compile(tree, str(path), "exec", dont_inherit=True)
    found: list[Mutant] = []
    seen: Counter[str] = Counter()
    for node, parent, function, statement in _inside_functions(tree):
        if isinstance(node, ast.Attribute) and isinstance(statement, ast.Expr):
            continue  # it is dropped as a whole
        for owner, name, value in _changes(node, parent):
            kept, before = getattr(owner, name), _text(node)
            setattr(owner, name, value)
            code = compile(ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True)
            what = f"{function}: {before}  " + ("dropped" if owner is parent else f"->  {_text(node)}")
            setattr(owner, name, kept)
            if code == unchanged:
                continue
            seen[what] += 1
            again = f" ({seen[what]})" if seen[what] > 1 else ""
            line = getattr(node, "lineno", statement.lineno)
            found.append(Mutant(module, what + again, line, statement.lineno, code))
    return sorted(found, key=lambda mutant: mutant.line)


def with_notes(module: str, root: Path) -> CodeType:
    """The module so that its functions call `NOTE(line)` before each statement; the caller defines it there."""
    path = root / module
    tree = ast.parse(path.read_text())
    for node, parent, _function, _statement in list(_inside_functions(tree)):
        if isinstance(node, ast.stmt):
            block = next(
                nodes for _name, nodes in ast.iter_fields(parent) if isinstance(nodes, list) and node in nodes
            )
            note = ast.parse(f"{NOTE}({node.lineno})").body[0]
            block.insert(block.index(node), ast.copy_location(note, node))
    return compile(ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True)


def _inside_functions(
    node: ast.AST, function: str = "", inside: bool = False, statement: ast.AST | None = None
) -> Iterator[tuple[Any, Any, str, Any]]:
    """What runs inside functions: each node with its parent, its function and its innermost statement."""
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or name in NOT_RUN_WITH_IT or _is_set_aside(child):
                continue
            nearest = child if isinstance(child, ast.stmt) else statement
            if inside:
                yield child, node, function, nearest
            if isinstance(child, (*FUNCTIONS, ast.ClassDef)):
                longer = f"{function}.{child.name}".lstrip(".")
                yield from _inside_functions(child, longer, inside or isinstance(child, FUNCTIONS), nearest)
            else:
                yield from _inside_functions(child, function, inside, nearest)


def _is_set_aside(node: ast.AST) -> bool:
    """A default value, which is read when the function is defined, or a line of the log."""
    match node:
        case ast.arguments() | ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="logger")))):
            return True
    return False


def _changes(node: ast.AST, parent: ast.AST) -> Iterator[tuple[ast.AST, str, object]]:
    """Each change as (whose field, the field, its new value)."""
    match node:
        case ast.Compare():
            for place, old in enumerate(node.ops):
                for new in TURNED[type(old)]:
                    yield node, "ops", [*node.ops[:place], new(), *node.ops[place + 1 :]]
        case ast.BinOp(op=ast.Div(), right=ast.JoinedStr() | ast.Constant(value=str())):
            return  # the path of a file, which no slip makes a product
        case ast.BinOp() | ast.AugAssign() | ast.BoolOp():
            for new in TURNED.get(type(node.op), ()):
                yield node, "op", new()
        case ast.UnaryOp(op=ast.Not()):
            yield node, "operand", _reversed(node.operand)
        case ast.Constant(value=bool()):
            yield node, "value", not node.value
        case ast.Attribute() if node.attr in UNLOCKED:
            yield node, "attr", UNLOCKED[node.attr]
        case ast.Raise() | ast.Expr(value=ast.Call() | ast.Await()):
            block = next(name for name, nodes in ast.iter_fields(parent) if isinstance(nodes, list) and node in nodes)
            yield parent, block, [ast.Pass() if each is node else each for each in getattr(parent, block)]
        case ast.If() | ast.IfExp() | ast.While() if _is_plain(node.test):
            yield node, "test", _reversed(node.test)
        case ast.comprehension():
            for place, condition in enumerate(node.ifs):
                if _is_plain(condition):
                    yield node, "ifs", [*node.ifs[:place], _reversed(condition), *node.ifs[place + 1 :]]


def _is_plain(condition: ast.expr) -> bool:
    """Whether it has no part that is changed by itself."""
    return not isinstance(condition, (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Constant))


def _reversed(condition: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), condition), condition)


def _text(node: Any) -> str:
    text = " ".join(ast.unparse(getattr(node, "test", node)).split())
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."
