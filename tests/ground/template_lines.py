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


def problems_of(template: str) -> Iterator[str]:
    """One sentence for each line of a template's text that breaks a rule."""
    for number, line in enumerate(template.splitlines(), start=1):
        if len(line) > LONGEST_LINE:
            yield f"line {number} has {len(line)} characters, at most {LONGEST_LINE} are allowed"
        if (conditions := len(CONDITION.findall(line))) > 1:
            yield f"line {number} has {conditions} conditions: put each {{% if %}} and {{% elif %}} on its own line"


def problems() -> list[str]:
    """Each line of a template that breaks a rule, with what is wrong in it."""
    return [
        f"{path.relative_to(FOLDER.parent)}: {problem}"
        for path in sorted(FOLDER.rglob("*.html"))
        for problem in problems_of(path.read_text())
    ]


if __name__ == "__main__":
    if wrong := problems():
        sys.exit("\n".join(wrong))
