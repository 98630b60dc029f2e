"""The tool that changes the rules: what it changes, and that its lists are up to date."""

from __future__ import annotations

import gc
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from django.utils.functional import SimpleLazyObject

from tests.mutations.__main__ import REASONS, ROOT, tomllib
from tests.mutations.mutants import NOTE, mutants_of, with_notes
from tests.mutations.rules import GROUPS
from tests.mutations.trial import functions_in, replace_code

SOURCE = """
def decorated(function):
    def inner(*arguments):
        return not function(*arguments)
    return inner

@decorated
def differs(a, b, limit=1 + 1):
    return a - b < limit

class Box:
    @property
    def full(self) -> bool:
        if self.check:
            raise ValueError("full")
        self.note("asked")
        logger.info("asked %s", 1 + 1)
        return any(n for n in (1, 2) if n) and True
"""


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "changed_module.py"
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    yield made
    sys.modules.pop(path.stem, None)


def changes(module: ModuleType) -> list[str]:
    path = Path(module.__file__)
    return [mutant.name for mutant in mutants_of(path.name, path.parent)]


def test_each_change_is_one_slip_inside_a_function_and_the_log_is_left_alone(module):
    assert changes(module) == [
        "decorated.inner: not function(*arguments)  ->  not not function(*arguments)",
        "differs: a - b < limit  ->  a - b >= limit",
        "differs: a - b < limit  ->  a - b <= limit",
        "differs: a - b  ->  a + b",
        "Box.full: self.check  ->  not self.check",
        "Box.full: raise ValueError('full')  dropped",
        "Box.full: self.note('asked')  dropped",
        "Box.full: any((n for n in (1, 2) if n)) and True  ->  any((n for n in (1, 2) if n)) or True",
        "Box.full: for n in (1, 2) if n  ->  for n in (1, 2) if not n",
        "Box.full: True  ->  False",
    ]


def test_a_change_reaches_functions_wherever_they_are_known(module):
    known_elsewhere = module.differs
    path = Path(module.__file__)
    assert not known_elsewhere(3, 2)
    (added,) = [each for each in mutants_of(path.name, path.parent) if each.name == "differs: a - b  ->  a + b"]
    replace_code(functions_in([module.__file__])[module.__file__], added.code)
    assert known_elsewhere(3, 2)


def test_functions_that_were_frozen_are_found_and_stay_frozen(module):
    gc.freeze()
    assert module.differs in functions_in([module.__file__])[module.__file__]
    assert gc.get_freeze_count() > 0


def test_a_lazy_object_that_cannot_be_made_now_is_left_asleep(module):
    asleep = SimpleLazyObject(lambda: 1 / 0)
    assert module.differs in functions_in([module.__file__])[module.__file__]
    with pytest.raises(ZeroDivisionError):
        bool(asleep)


def test_the_statements_that_run_are_noted(module):
    lines: list[int] = []
    path = Path(module.__file__)
    setattr(module, NOTE, lines.append)
    replace_code(functions_in([str(path)])[str(path)], with_notes(path.name, path.parent))
    assert not module.differs(3, 2)
    assert lines == [4, 9]


@cache
def names(module: str) -> set[str]:
    return {mutant.name for mutant in mutants_of(module, ROOT)}


def test_every_survivor_with_a_reason_still_exists():
    for module, reasons in tomllib.loads(REASONS.read_text()).items():
        assert set(reasons) <= names(module), f"{module} changed: run python -m tests.mutations {module}"
        assert all(reasons.values())


def test_every_module_and_test_of_a_group_exists():
    for group in GROUPS.values():
        for path in (*group.modules, *(argument for argument in group.tests if not argument.startswith("-"))):
            assert (ROOT / path).exists(), path
