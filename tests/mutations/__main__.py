"""Would the tests notice? Changes the rules one small slip at a time, and names the changes that no test notices.

    python -m tests.mutations [GROUP or path of a module ...] [--sample N] [--seed S] [--again] [--list]

Without arguments all groups of `rules.py`. SQLite has one lock for all: what survives there in a group with locks
meets the tests marked `services` on PostgreSQL next, if that is installed. The exit code is 0 if in each group 90 %
of the changes are noticed and `survivors.toml` gives the reason for each of the others.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

from tests.mutations.mutants import Mutant, mutants_of
from tests.mutations.rules import GROUPS, Group
from tests.support import services
from tests.support.on_services import end_in_order

ROOT = Path(__file__).parents[2]
REASONS = Path(__file__).with_name("survivors.toml")
LAST_SURVIVORS = ROOT / ".pytest_cache" / "mutations.json"
LEAST_SHARE = 0.9


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, end_in_order)
    asked = _parser().parse_args(arguments)
    reasons = tomllib.loads(REASONS.read_text())
    good = True
    with ExitStack() as started:
        postgresql = cache(partial(_postgresql, started))
        for name, group, modules in _chosen(asked.what):
            mutants = [mutant for module in modules for mutant in mutants_of(module, ROOT)]
            if asked.sample:
                mutants = random.Random(asked.seed).sample(mutants, min(asked.sample, len(mutants)))
            if asked.list:
                print(*mutants, sep="\n")
                continue
            to_try = [m for m in mutants if not asked.again or m.key in _last_survivors()]
            good &= _report(name, mutants, _survivors(group, to_try, postgresql), reasons)
    return 0 if good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", nargs="*", metavar="GROUP or module", help=f"of {', '.join(GROUPS)}; default: all")
    parser.add_argument("--sample", type=int, metavar="N", help="only N changes of each group, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--again", action="store_true", help="try only those that survived last time")
    parser.add_argument("--list", action="store_true", help="only list the changes")
    return parser


def _chosen(what: Sequence[str]) -> Iterator[tuple[str, Group, Sequence[str]]]:
    """Each group with its modules that are wanted."""
    known = {*GROUPS, *(module for group in GROUPS.values() for module in group.modules)}
    if unknown := set(what) - known:
        sys.exit(f"Neither a group nor a module of one: {', '.join(sorted(unknown))}. rules.py has them.")
    for name, group in GROUPS.items():
        modules = [module for module in group.modules if not what or name in what or module in what]
        if modules:
            yield name, group, modules


def _survivors(group: Group, mutants: Sequence[Mutant], postgresql: Callable[[], Mapping[str, str]]) -> list[Mutant]:
    """Those that no test notices, on neither database."""
    left = _try(group, mutants, {}, [])
    if left and group.locks and (environment := postgresql()):
        left = _try(group, left, environment, ["-m", "services"])
    tried, lived = {mutant.key for mutant in mutants}, {mutant.key for mutant in left}
    LAST_SURVIVORS.parent.mkdir(exist_ok=True)
    LAST_SURVIVORS.write_text(json.dumps(sorted((_last_survivors() - tried) | lived)))
    return left


def _last_survivors() -> set[str]:
    return set(json.loads(LAST_SURVIVORS.read_text())) if LAST_SURVIVORS.exists() else set()


def _try(group: Group, mutants: Sequence[Mutant], environment: Mapping[str, str], options: list[str]) -> list[Mutant]:
    with tempfile.TemporaryDirectory() as folder:
        request, answer = Path(folder, "request"), Path(folder, "answer")
        asked = {"modules": group.modules, "tests": [*group.tests, *options], "mutants": [m.key for m in mutants]}
        request.write_text(json.dumps(asked))
        command = [sys.executable, "-m", "tests.mutations.trial", str(request), str(answer)]
        subprocess.run(command, cwd=ROOT, env=os.environ | dict(environment), check=True)
        answered = json.loads(answer.read_text())
    for test in answered["failing"]:
        print(f"Left out, since it fails without any change: {test}")
    return [mutant for mutant in mutants if mutant.key in answered["survivors"]]


def _report(
    group: str, mutants: Sequence[Mutant], survivors: Sequence[Mutant], reasons: Mapping[str, Mapping[str, str]]
) -> bool:
    unnamed = 0
    for mutant in survivors:
        reason = reasons.get(mutant.module, {}).get(mutant.name, "")
        unnamed += not reason
        print(f"SURVIVES {mutant}" + (f"\n         {reason}" if reason else ""))
    for module in dict.fromkeys(mutant.module for mutant in mutants):
        of = sum(mutant.module == module for mutant in mutants)
        print(f"{of - sum(mutant.module == module for mutant in survivors):5} of {of:3} noticed  {module}")
    share = 1 - len(survivors) / len(mutants) if mutants else 1.0
    noticed = len(mutants) - len(survivors)
    print(f"{noticed:5} of {len(mutants):3} noticed  {group}: {share:.0%}; without a reason: {unnamed}\n")
    return share >= LEAST_SHARE and not unnamed


def _postgresql(started: ExitStack) -> dict[str, str]:
    """The environment for tests on PostgreSQL, which is started and ends with `started`; empty if not installed."""
    try:
        cluster = services.PostgreSQL.create()
    except services.ServiceUnavailable as error:
        sys.stderr.write(f"Without PostgreSQL: {error}\n")
        return {}
    started.callback(cluster.remove)
    return {"TCS_TEST_DATABASE_URL": cluster.url, "TCS_TEST_POSTGRES_FOLDER": str(cluster.folder)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
