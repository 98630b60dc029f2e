"""One pytest process that tries mutants: all is imported and collected once, then each mutant runs in a fork of it.

A first fork runs all tests, to learn which lines each of them runs, and how long it takes. A mutant then meets only
the tests that run its line, the quickest first, up to the first that fails. It replaces the code of functions in
memory, so no file changes.
"""

from __future__ import annotations

import gc
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from mmap import mmap
from pathlib import Path
from types import CodeType, FunctionType
from typing import IO

import pytest
from _pytest.runner import runtestprotocol

from tests.mutations.forks import PASSED, Ground, adopt_orphans, in_a_fork
from tests.mutations.mutants import NOTE, Mutant, mutants_of, with_notes

LEAST_SECONDS, TIMES_AS_LONG = 10, 10
"""A test gets ten times as long as without a change, and at least ten seconds: some changes never end."""
NOTICED = 1
UNSEEN = "no test runs it"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a test did without any change."""

    test: str
    passed: bool
    seconds: float
    lines: frozenset[tuple[str, int]]
    """(module, line)"""


class Trial:
    """A plugin of pytest. `survivors` and `failing` are complete when pytest has ended."""

    def __init__(self, mutants: Sequence[Mutant], root: Path) -> None:
        self.mutants = mutants
        self.root = root
        self.paths = {str(root / mutant.module): mutant.module for mutant in mutants}
        self.survivors: list[Mutant] = []
        self.failing: list[str] = []
        """tests that fail without any change"""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if not session.items:
            self.survivors = list(self.mutants)
            return True
        adopt_orphans()
        if item := next((item for item in session.items if item.get_closest_marker("django_db")), None):
            run(item, session)  # makes the tables
        ground = Ground()
        for module in self.paths.values():
            import_module(import_name(module))
        functions = functions_in(self.paths)
        gc.freeze()  # a fork would copy the memory of all that its collector looks at
        seen = self._watched(session, functions)
        self.failing = [each.test for each in seen if not each.passed]
        good = [each for each in seen if each.passed]
        items = {item.nodeid: item for item in session.items}
        noticed: Counter[str] = Counter()
        for number, mutant in enumerate(self.mutants, 1):
            place = (mutant.module, mutant.statement)
            # What noticed other changes is likely to notice this one.
            tests = sorted(
                (each for each in good if place in each.lines),
                key=lambda each: each.seconds / (1 + noticed[each.test]),
            )
            ground.restore()
            began = time.monotonic()
            change = partial(replace_code, functions[mutant.code.co_filename], mutant.code)
            last = mmap(-1, 4)  # shared with the fork
            outcome = in_a_fork(partial(_try, change, tests, items, session, last)) if tests else UNSEEN
            if outcome in (PASSED, UNSEEN):
                self.survivors.append(mutant)
            else:
                noticed[tests[int.from_bytes(last[:4])].test] += 1
            took = f"{outcome or 'SURVIVES':>15} {len(tests):4} tests {time.monotonic() - began:5.1f} s"
            sys.stderr.write(f"{number:4}/{len(self.mutants)} {took}  {mutant}\n")
        ground.restore()
        return True

    def _watched(self, session: pytest.Session, functions: Mapping[str, list[FunctionType]]) -> list[Seen]:
        with tempfile.NamedTemporaryFile("w+") as notes:
            in_a_fork(partial(self._run_all, session, functions, notes))
            notes.seek(0)
            rows = [json.loads(line) for line in notes]
        return [Seen(test, ok, took, frozenset((name, at) for name, at in lines)) for test, ok, took, lines in rows]

    def _run_all(self, session: pytest.Session, functions: Mapping[str, list[FunctionType]], notes: IO[str]) -> int:
        lines: set[tuple[str, int]] = set()
        for path, module in self.paths.items():
            sys.modules[import_name(module)].__dict__[NOTE] = partial(note, lines, module)
            replace_code(functions[path], with_notes(module, self.root))
        for item in session.items:
            lines.clear()
            began = time.monotonic()
            passed = run(item, session)
            notes.write(json.dumps([item.nodeid, passed, time.monotonic() - began, sorted(lines)]) + "\n")
        notes.flush()
        return 0


def import_name(module: str) -> str:
    return module.removesuffix(".py").replace("/", ".")


def note(lines: set[tuple[str, int]], module: str, line: int) -> None:
    lines.add((module, line))


def run(item: pytest.Item, session: pytest.Session) -> bool:
    """Whether the test passes. Fixtures of the session stay, those of its module and class do not."""
    reports = runtestprotocol(item, log=False, nextitem=session)  # type: ignore[arg-type]
    return not any(report.failed for report in reports)


def _try(
    change: Callable[[], None],
    tests: Sequence[Seen],
    items: Mapping[str, pytest.Item],
    session: pytest.Session,
    last: mmap,
) -> int:
    """Run the tests up to the first that fails; its place is left in `last`."""
    change()
    for place, each in enumerate(tests):
        last[:4] = place.to_bytes(4)
        signal.alarm(int(max(LEAST_SECONDS, each.seconds * TIMES_AS_LONG)))  # ends this process
        if not run(items[each.test], session):
            return NOTICED
    return 0


def functions_in(paths: Collection[str]) -> dict[str, list[FunctionType]]:
    """The functions of the modules at `paths`, wherever they are known."""
    found: dict[str, list[FunctionType]] = {path: [] for path in paths}
    frozen = gc.get_freeze_count()
    gc.unfreeze()  # what is frozen, as `conftest.py` does, is not listed
    for each in gc.get_objects():
        # isinstance would wake lazy objects, which may raise
        if type(each) is FunctionType and each.__code__.co_filename in found:
            found[each.__code__.co_filename].append(each)
    if frozen:
        gc.freeze()
    return found


def replace_code(functions: Iterable[FunctionType], module: CodeType) -> None:
    """Give the functions the code that they have in `module`."""
    codes = {(code.co_qualname, code.co_firstlineno): code for code in _codes_in(module)}
    for function in functions:
        code = codes[function.__code__.co_qualname, function.__code__.co_firstlineno]
        if code != function.__code__:
            function.__code__ = code


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes_in(constant)


def main(request: str, answer: str) -> None:
    """Try the mutants that the file `request` names; write the names of the survivors into `answer`."""
    root = Path.cwd()
    asked = json.loads(Path(request).read_text())
    wanted = set(asked["mutants"])
    mutants = [m for module in asked["modules"] for m in mutants_of(module, root) if m.key in wanted]
    trial = Trial(mutants, root)
    pytest.main(
        ["-q", "-s", "--no-header", "--tb=native", "-p", "no:cacheprovider", *asked["tests"]], plugins=[trial]
    )
    survivors = [mutant.key for mutant in trial.survivors]
    Path(answer).write_text(json.dumps({"survivors": survivors, "failing": trial.failing}))


if __name__ == "__main__":
    main(*sys.argv[1:])
