"""How much disk an installation takes: the packages that a requirements file names, with all that they need.

    python -m tests.ground.install_size

prints the table of docs/operating.md for this machine.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
FILES = ("requirements-web.txt", "requirements.txt")


def named(name: str, *, with_included: bool = False) -> list[Requirement]:
    """What a requirements file names, with or without the files that it includes."""
    found = []
    for line in (ROOT / name).read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text and not text.startswith("-r"):
            found.append(Requirement(text))
        elif text and with_included:
            found += named(text.split()[1], with_included=True)
    return found


def packages(name: str) -> set[str]:
    """Names of all installed packages that a requirements file brings, direct and indirect."""
    todo = [(each, "") for each in named(name, with_included=True)]
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    while todo:
        each, extra = todo.pop()
        canonical = re.sub(r"[-_.]+", "-", each.name).lower()
        if each.marker and not each.marker.evaluate({"extra": extra}):
            continue
        for wanted in ("", *each.extras):
            if (canonical, wanted) in seen:
                continue
            seen.add((canonical, wanted))
            try:
                needs = distribution(canonical).requires or []
            except PackageNotFoundError:
                continue
            found.add(canonical)
            todo += [(Requirement(need), wanted) for need in needs]
    return found


def megabytes(names: set[str]) -> int:
    """The size of their files as their wheels list them, without compiled Python."""
    sizes = [file.size or 0 for name in names for file in distribution(name).files or ()]
    return sum(sizes) // 1_000_000


if __name__ == "__main__":
    for file in FILES:
        brought = packages(file)
        largest = sorted(brought, key=lambda name: megabytes({name}), reverse=True)[:4]
        print(
            f"{file}: {len(brought)} packages, {megabytes(brought)} MB;", *(f"{n} {megabytes({n})}" for n in largest)
        )
