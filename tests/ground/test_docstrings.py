"""Public functions say what their annotations cannot: the dtype and shape of arrays, and which errors they raise."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from tests.ground.imports import modules_of

Function = ast.FunctionDef | ast.AsyncFunctionDef

ARRAY = re.compile(r"\b(NDArray|ndarray|Positions)\b")
DTYPE_AND_SHAPE = re.compile(r"\b(float|uint|int|bool)\d*\[[^\]]+\]")
"""Such as float32[n, d]."""
RAISES = re.compile(r"\b[Rr]aises\b")


def public_functions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function]]:
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            name = prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from public_functions(node.body, f"{name}.")
            else:
                yield name, node


def takes_or_returns_arrays(function: Function) -> bool:
    parameters = ast.unparse(function.args)
    return bool(ARRAY.search(parameters) or (function.returns and ARRAY.search(ast.unparse(function.returns))))


def raises(node: ast.AST) -> bool:
    """Whether there is a `raise` with an error in `node`; not in a function inside it, which is called later."""
    return any(
        (isinstance(child, ast.Raise) and child.exc is not None and not is_placeholder(child.exc)) or raises(child)
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, Function | ast.Lambda)
    )


def is_placeholder(error: ast.expr) -> bool:
    return isinstance(error, ast.Name) and error.id == "NotImplementedError"


def lacks(source: str) -> list[str]:
    """For each public function in `source` whose docstring leaves something out: its name and what is missing."""
    found = []
    for name, function in public_functions(ast.parse(source).body):
        docstring = ast.get_docstring(function) or ""
        if takes_or_returns_arrays(function) and not DTYPE_AND_SHAPE.search(docstring):
            found.append(f"{name}: dtype and shape of its arrays")
        if raises(function) and not RAISES.search(docstring):
            found.append(f"{name}: what it raises")
    return found


def test_what_a_docstring_leaves_out_is_found():
    assert lacks("def rows(ids: NDArray[np.int64]) -> int:\n    '''The rows.'''") == [
        "rows: dtype and shape of its arrays"
    ]
    assert lacks("class A:\n    def b(self):\n        if self:\n            raise Refused") == ["A.b: what it raises"]
    assert lacks("def rows() -> NDArray[np.int64]:\n    '''int64[n], rising. Raises NoMap.'''\n    raise NoMap") == []
    assert lacks("def _own():\n    raise Refused") == []


def test_public_functions_name_the_dtypes_and_shapes_of_arrays_and_their_errors():
    modules = modules_of(Path(settings.BASE_DIR)).items()
    assert [f"{name}.{lack}" for name, path in modules for lack in lacks(path.read_text(encoding="utf-8"))] == []
