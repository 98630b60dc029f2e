"""Checks the lines of every template, as `make lint` does: none is too long, and none holds two conditions.

djade formats the tags themselves, but breaks no lines.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "templates"
LONGEST_LINE = 118
CONDITION = re.compile(r"\{% (?:el)?if\b")

NOT_DONE_YET: tuple[str, ...] = ()
"""Templates that still break a rule; this list must shrink to nothing."""


def problems_of(template: str) -> Iterator[str]:
    """One sentence for each line of a template's text that breaks a rule."""
    for number, line in enumerate(template.splitlines(), start=1):
        if len(line) > LONGEST_LINE:
            yield f"line {number} has {len(line)} characters, at most {LONGEST_LINE} are allowed"
        if (conditions := len(CONDITION.findall(line))) > 1:
            yield f"line {number} has {conditions} conditions: put each {{% if %}} and {{% elif %}} on its own line"


def problems() -> dict[str, list[str]]:
    """Each template that breaks a rule, with what is wrong in it."""
    found = {str(path.relative_to(FOLDER)): list(problems_of(path.read_text())) for path in FOLDER.rglob("*.html")}
    return {name: wrong for name, wrong in sorted(found.items()) if wrong}


def main() -> int:
    wrong = problems()
    for name in sorted(set(wrong) - set(NOT_DONE_YET)):
        for problem in wrong[name]:
            print(f"templates/{name}: {problem}")
    clean = sorted(set(NOT_DONE_YET) - set(wrong))
    for name in clean:
        print(f"templates/{name} is clean: take it off NOT_DONE_YET in {__file__}")
    return int(bool(clean) or any(name not in NOT_DONE_YET for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
