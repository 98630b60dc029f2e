"""What a process remembers is forgotten at once, and nothing is remembered elsewhere."""

from __future__ import annotations

import ast

from django.conf import settings

from indexing.lib import process_state
from indexing.lib.process_state import ProcessState
from tests.ground.imports import modules_of

NOT_FORGOTTEN = {
    "indexing.encoders",  # reset() does it
}


def test_a_value_is_made_once_and_again_after_it_was_forgotten():
    made: list[list[int]] = []
    state = ProcessState(lambda: made.append([]) or made[-1])
    state.get().append(1)
    assert state.get() == [1]
    state.set([2])
    assert state.get() == [2]
    process_state.forget_all()
    assert state.get() == []
    assert len(made) == 2


def test_no_module_assigns_to_its_own_globals():
    """`global` is the sign of a value that outlives a request and that `forget_all` does not know."""
    guilty = {
        name
        for name, path in modules_of(settings.BASE_DIR).items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Global)
    }
    assert guilty - NOT_FORGOTTEN == set()
